import {
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyNotFoundError,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../core/index.js';
import { passingError, safeCause } from './aws-errors.js';
import { faultOf } from './aws-faults.js';

/** The name of Parameter Store in errors, events and metrics. */
export const SSM = 'aws-ssm';

/** What was asked of Parameter Store, for the error that may come of it. */
export interface SsmCall {
  readonly operation: 'GetParameter' | 'PutParameter';
  /** The parameter, with its selector. */
  readonly name: string;
}

type ErrorClass = new (message: string, options?: GoldKeyErrorOptions) => GoldKeyError;

/** What Parameter Store answers for good: the cached key is dropped. Everything that is not here may pass. */
const PERMANENT: ReadonlyMap<string, readonly [ErrorClass, (call: SsmCall) => string]> = new Map(
  Object.entries<readonly [ErrorClass, (call: SsmCall) => string]>({
    AccessDeniedException: [
      KeyAccessDeniedError,
      ({ operation, name }) =>
        `check that the caller's IAM policy allows ssm:${operation} on \`${name}\`, and ${operation === 'GetParameter' ? 'kms:Decrypt' : 'kms:Encrypt'} with the KMS key of the parameter`,
    ],
    ParameterNotFound: [
      KeyNotFoundError,
      ({ name }) => `there is no parameter \`${name}\`; check \`name\`, the account and the Region`,
    ],
    ParameterVersionNotFound: [
      KeyNotFoundError,
      ({ name }) =>
        `the parameter has no such version or label as in \`${name}\`; of a parameter 100 versions are kept`,
    ],
    InvalidKeyId: [
      KeyDecryptError,
      ({ name }) =>
        `check that the KMS key of the parameter \`${name}\` is there and enabled, and that the caller may use it`,
    ],
  }),
);

/** One of our errors for whatever came of a call to Parameter Store; what came is the `cause`. */
export function ssmError(error: unknown, call: SsmCall): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { name: answer } = faultOf(error);
  const options = { cause: safeCause(error), provider: SSM };
  const permanent = PERMANENT.get(answer);
  if (permanent === undefined) return passingError(error, { ...WORDS, operation: call.operation }, options);
  return new permanent[0](
    `AWS Parameter Store answered ${call.operation} with ${answer}: ${permanent[1](call)}.`,
    options,
  );
}

const WORDS = {
  service: 'AWS Parameter Store',
  throttled: "the account's throughput in this Region, which all readers share, is used up",
  invalid: 'check `name` and `labels`',
};
