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

/** The name of Secrets Manager in errors, events and metrics. */
export const SECRETS_MANAGER = 'aws-secrets-manager';

/** What was asked of Secrets Manager, for the error that may come of it. */
export interface SecretsManagerCall {
  operation: string;
  secretId: string;
  /** The staging label or version that was asked for. */
  version?: string | undefined;
}

type ErrorClass = new (message: string, options?: GoldKeyErrorOptions) => GoldKeyError;
type Advice = (call: SecretsManagerCall) => string;

const keyAdvice: Advice = ({ secretId }) =>
  `check that the KMS key of the secret \`${secretId}\` is there and enabled, and that the caller may use it`;

/** What Secrets Manager answers for good: the cached key is dropped. Everything that is not here may pass. */
const PERMANENT: ReadonlyMap<string, readonly [ErrorClass, Advice]> = new Map(
  Object.entries<readonly [ErrorClass, Advice]>({
    AccessDeniedException: [
      KeyAccessDeniedError,
      ({ operation, secretId }) =>
        `check that the caller's IAM policy and the secret's resource policy allow secretsmanager:${operation} on \`${secretId}\`, and, where it is encrypted with a key of its own, the use of that key`,
    ],
    ResourceNotFoundException: [
      KeyNotFoundError,
      ({ secretId, version }) =>
        `there is no secret \`${secretId}\`${version === undefined ? '' : ` with a value for ${version}`}; check \`secretId\`, the account and the Region`,
    ],
    // The service has one name for whatever a secret's state does not allow; of a read it is this.
    InvalidRequestException: [
      KeyNotFoundError,
      ({ secretId }) =>
        `the state of the secret \`${secretId}\` does not allow it; where it is scheduled for deletion, restore it if that was not meant`,
    ],
    DecryptionFailure: [KeyDecryptError, keyAdvice],
    EncryptionFailure: [KeyDecryptError, keyAdvice],
  }),
);

/** One of our errors for whatever came of a call to Secrets Manager; what came is the `cause`. */
export function secretsManagerError(error: unknown, call: SecretsManagerCall): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { name } = faultOf(error);
  const options = { cause: safeCause(error), provider: SECRETS_MANAGER };
  const permanent = PERMANENT.get(name);
  if (permanent === undefined) return passingError(error, { ...WORDS, operation: call.operation }, options);
  return new permanent[0](
    `AWS Secrets Manager answered ${call.operation} with ${name}: ${permanent[1](call)}.`,
    options,
  );
}

const WORDS = {
  service: 'AWS Secrets Manager',
  throttled: "the account's request quota in this Region is used up",
  invalid: 'check `secretId`, and whether the version has been given another label in between',
};
