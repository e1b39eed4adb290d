import { KeyAccessDeniedError, KeyDecryptError, KeyNotFoundError } from '../../core/index.js';
import type { AwsErrorMap } from '../../aws/errors.js';

/** The name of Secrets Manager in errors, events and metrics. */
export const SECRETS_MANAGER = 'aws-secrets-manager';

/** What was asked of Secrets Manager, for the error that may come of it. */
export interface SecretsManagerCall {
  operation: string;
  secretId: string;
  /** The staging label that was asked for. */
  label?: string | undefined;
}

const keyAdvice = ({ secretId }: SecretsManagerCall): string =>
  `check that the KMS key of the secret \`${secretId}\` is there and enabled, and that the caller may use it`;

/** The errors of Secrets Manager. */
export const SECRETS_MANAGER_ERRORS: AwsErrorMap<SecretsManagerCall> = {
  provider: SECRETS_MANAGER,
  text: {
    service: 'AWS Secrets Manager',
    throttled: () => "the account's request quota in this Region is used up",
    invalid: () => 'check `secretId`, and whether the version has been given another label in between',
  },
  permanent: {
    AccessDeniedException: [
      KeyAccessDeniedError,
      ({ operation, secretId }) =>
        `check that the caller's IAM policy and the secret's resource policy allow secretsmanager:${operation} on \`${secretId}\`, and, where it is encrypted with a key of its own, the use of that key`,
    ],
    ResourceNotFoundException: [
      KeyNotFoundError,
      ({ secretId, label }) =>
        `there is no secret \`${secretId}\`${label === undefined ? '' : ` with a value for ${label}`}; check \`secretId\`, the account and the Region`,
    ],
    // The service has one name for whatever a secret's state does not allow; of a read it is this.
    InvalidRequestException: [
      KeyNotFoundError,
      ({ secretId }) =>
        `the state of the secret \`${secretId}\` does not allow it; where it is scheduled for deletion, restore it if that was not meant`,
    ],
    DecryptionFailure: [KeyDecryptError, keyAdvice],
    EncryptionFailure: [KeyDecryptError, keyAdvice],
  },
};
