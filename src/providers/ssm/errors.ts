import { KeyAccessDeniedError, KeyDecryptError, KeyNotFoundError, quote } from '../../core/index.js';
import type { AwsErrorMap } from '../../aws/errors.js';

/** The name of Parameter Store in errors, events and metrics. */
export const SSM = 'aws-ssm';

/** A call to Parameter Store, for the error that may come of it. */
export interface SsmCall {
  readonly operation: 'GetParameter' | 'PutParameter';
  /** The parameter's name with its selector, e.g. `/gold:live`. */
  readonly name: string;
}

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
        `check that the caller's IAM policy allows ssm:${operation} on ${quote(name)}, and ${operation === 'GetParameter' ? 'kms:Decrypt' : 'kms:Encrypt'} with the KMS key of the parameter`,
    ],
    ParameterNotFound: [
      KeyNotFoundError,
      ({ name }) => `there is no parameter ${quote(name)}; check \`name\`, the account and the Region`,
    ],
    ParameterVersionNotFound: [
      KeyNotFoundError,
      ({ name }) => `there is no such version or label as in ${quote(name)}; Parameter Store keeps 100 versions`,
    ],
    InvalidKeyId: [
      KeyDecryptError,
      ({ name }) =>
        `check that the KMS key of the parameter ${quote(name)} exists and is enabled, and that the caller may use it`,
    ],
  },
};
