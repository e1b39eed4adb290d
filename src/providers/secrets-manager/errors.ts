import { KeyAccessDeniedError, KeyDecryptError, KeyNotFoundError, type GoldKeyError } from '../../core/index.js';
import { awsError, type AwsRefusals } from '../../aws/errors.js';

/** The name of Secrets Manager in errors, events and metrics. */
export const SECRETS_MANAGER = 'aws-secrets-manager';

/** What was asked of Secrets Manager, for the error that may come of it. */
export interface SecretsManagerCall {
  operation: string;
  secretId: string;
  /** The staging label or version that was asked for. */
  version?: string | undefined;
}

const keyAdvice = ({ secretId }: SecretsManagerCall): string =>
  `check that the KMS key of the secret \`${secretId}\` is there and enabled, and that the caller may use it`;

const REFUSALS: AwsRefusals<SecretsManagerCall> = {
  provider: SECRETS_MANAGER,
  words: {
    service: 'AWS Secrets Manager',
    throttled: "the account's request quota in this Region is used up",
    invalid: 'check `secretId`, and whether the version has been given another label in between',
  },
  permanent: {
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
  },
};

/** One of our errors for whatever came of a call to Secrets Manager; what came is the `cause`. */
export function secretsManagerError(error: unknown, call: SecretsManagerCall): GoldKeyError {
  return awsError(error, call, REFUSALS);
}
