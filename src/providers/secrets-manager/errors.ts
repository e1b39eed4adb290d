import { KeyAccessDeniedError, KeyDecryptError, KeyNotFoundError, quote } from '../../core/index.js';
import type { AwsCall, AwsErrorMap } from '../../aws/errors.js';

/** The name of Secrets Manager in errors, events and metrics. */
export const SECRETS_MANAGER = 'aws-secrets-manager';

/** A call to Secrets Manager, for the error that may come of it. */
export interface SecretsManagerCall extends AwsCall {
  /** The secret's name or ARN. */
  secretId: string;
  /** The staging label that was asked for. */
  label?: string | undefined;
}

const adviseOnKey = ({ secretId }: SecretsManagerCall): string =>
  `check that the KMS key of the secret ${quote(secretId)} exists and is enabled, and that the caller may use it`;

export const SECRETS_MANAGER_ERRORS: AwsErrorMap<SecretsManagerCall> = {
  provider: SECRETS_MANAGER,
  text: {
    service: 'AWS Secrets Manager',
    throttled: () => "the account's request quota in this Region is used up",
    invalid: () => 'check `secretId`, and whether the version was given another label meanwhile',
  },
  permanent: {
    AccessDeniedException: [
      KeyAccessDeniedError,
      ({ operation, secretId }) =>
        `check that the caller's IAM policy and the secret's resource policy allow secretsmanager:${operation} on ${quote(secretId)}, and, if it is encrypted with a customer managed key, the use of that key`,
    ],
    ResourceNotFoundException: [
      KeyNotFoundError,
      ({ secretId, label }) =>
        `there is no secret ${quote(secretId)}${label === undefined ? '' : ` with a value for ${label}`}; check \`secretId\`, the account and the Region`,
    ],
    // The service has one name for everything that a secret's state forbids; a read is forbidden by a planned deletion.
    InvalidRequestException: [
      KeyNotFoundError,
      ({ secretId }) =>
        `the state of the secret ${quote(secretId)} does not allow it; if it is scheduled for deletion, restore it unless that was intended`,
    ],
    DecryptionFailure: [KeyDecryptError, adviseOnKey],
    EncryptionFailure: [KeyDecryptError, adviseOnKey],
  },
};
