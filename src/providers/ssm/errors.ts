import { KeyAccessDeniedError, KeyDecryptError, KeyNotFoundError } from '../../core/index.js';
import type { AwsErrorMap } from '../../aws/errors.js';

/** The name of Parameter Store in errors, events and metrics. */
export const SSM = 'aws-ssm';

/** What was asked of Parameter Store, for the error that may come of it. */
export interface SsmCall {
  readonly operation: 'GetParameter' | 'PutParameter';
  /** The parameter, with its selector. */
  readonly name: string;
}

/** The errors of Parameter Store. */
export const SSM_ERRORS: AwsErrorMap<SsmCall> = {
  provider: SSM,
  text: {
    service: 'AWS Parameter Store',
    throttled: () => "the account's throughput in this Region, which all readers share, is used up",
    invalid: () => 'check `name` and `labels`',
  },
  permanent: {
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
  },
};
