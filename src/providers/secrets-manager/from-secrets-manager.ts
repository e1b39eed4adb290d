import { AWS_CONNECTION_OPTIONS, type AwsConnectionOptions } from '../../aws/client.js';
import { checkSecretName } from '../../aws/secret-text.js';
import { noteAwsRequest } from '../../aws/note-request.js';
import {
  checkOptionalString,
  checkOptionNames,
  getRequestClock,
  KeyFormatError,
  KeyProviderError,
  type KeyProvider,
  type Stage,
  quote,
} from '../../core/index.js';
import { connectToSecretsManager } from './client.js';
import { SECRETS_MANAGER } from './errors.js';
import { getSecretValue, readKey } from './secret-value.js';

/** Options of {@link fromSecretsManager}. */
export interface FromSecretsManagerOptions extends AwsConnectionOptions {
  /** The secret's name or ARN; for a secret of another account, the whole ARN; required. */
  secretId: string;
  /**
   * The field that holds the key in a JSON secret, text or binary. Default: the whole secret is the key; then a JSON
   * object or array is a `KeyFormatError`.
   */
  field?: string | undefined;
}

const LABELS: Readonly<Record<Stage, string>> = {
  current: 'AWSCURRENT',
  pending: 'AWSPENDING',
  previous: 'AWSPREVIOUS',
};

/**
 * Creates a key store over one secret of AWS Secrets Manager. `current`, `pending` and `previous` are the versions
 * labelled AWSCURRENT, AWSPENDING and AWSPREVIOUS; a missing AWSPENDING or AWSPREVIOUS, and an empty AWSPENDING, is no
 * error. The version of a key is its VersionId.
 *
 * It needs `@aws-sdk/client-secrets-manager`; how it loads, retries and fails is said at {@link AwsConnectionOptions}. The
 * caller needs secretsmanager:GetSecretValue, and kms:Decrypt if the secret is encrypted with a customer managed key.
 *
 * @param options - see {@link FromSecretsManagerOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such secret, or it is scheduled for deletion
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM, or the secret's or KMS key's policy, denies it
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the secret's KMS key does not decrypt it
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the secret is empty or over 65,536 bytes; with `field`, it is
 * not a JSON object with a string in that field
 * @throws {GoldKeyError} by a load: the errors of {@link AwsConnectionOptions}
 *
 * @example
 * ```ts
 * import { fromSecretsManager } from 'goldkey/secrets-manager';
 *
 * const keyProvider = fromSecretsManager({ secretId: 'prod/gold-api', field: 'apiKey' });
 * ```
 */
export function fromSecretsManager(options: FromSecretsManagerOptions): KeyProvider {
  checkOptionNames('fromSecretsManager', options, ['secretId', 'field', ...AWS_CONNECTION_OPTIONS]);
  const secretId = checkSecretName('secretId', options.secretId, 'secretsmanager');
  const field = checkOptionalString('field', options.field);
  const connection = connectToSecretsManager(options);
  return {
    name: SECRETS_MANAGER,
    async load(request) {
      const { stage, signal, known } = request;
      const label = LABELS[stage];
      const limits = { signal, clock: getRequestClock(request), isOptional: stage !== 'current' };
      const answer = await getSecretValue(connection, { SecretId: secretId, VersionStage: label }, limits);
      if (answer === undefined) return undefined;
      const { VersionId: version, CreatedDate: created } = answer;
      try {
        if (version === undefined || version === '') {
          const message = 'AWS Secrets Manager answered GetSecretValue without a VersionId; try again later.';
          throw new KeyProviderError(message, { provider: SECRETS_MANAGER });
        }
        // The service has just returned this version, so it may still be read; and the value of a version never changes.
        if (known?.includes(version) === true) return { unchanged: true, version };
        const bytes = readKey(answer, field);
        if (bytes !== undefined)
          return { bytes: noteAwsRequest(bytes, answer), version, createdAt: created?.getTime() };
      } finally {
        answer.SecretBinary?.fill(0);
      }
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The secret ${quote(secretId)} is empty for ${label}; store a key.`, {
        provider: SECRETS_MANAGER,
        version,
      });
    },
    close: () => connection.close(),
  };
}
