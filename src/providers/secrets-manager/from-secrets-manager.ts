import { getRequestClock, KeyFormatError, KeyProviderError, type KeyProvider, type Stage } from '../../core/index.js';
import { connectToSecretsManager } from './client.js';
import { SECRETS_MANAGER } from './errors.js';
import { checkSecretsManagerOptions, type FromSecretsManagerOptions } from './options.js';
import { getSecretValue, readKey } from './secret-value.js';

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
 * `@aws-sdk/client-secrets-manager` (an optional peer) is loaded by the first load. A transient failure is retried twice
 * (after about 100 ms, 1,000 ms if throttled) within `keyTimeout`. The caller needs secretsmanager:GetSecretValue, and
 * kms:Decrypt if the secret is encrypted with a customer managed key.
 *
 * @param options - see {@link FromSecretsManagerOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such secret, or it is scheduled for deletion
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM, or the policy of the secret or its KMS key,
 * denies it
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the secret's KMS key does not decrypt it
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the secret is empty or over 65,536 bytes; with `field`, it is
 * not a JSON object with a string in that field
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a failure of the service or the
 * network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: three requests without an answer in 2,000 ms
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: `@aws-sdk/client-secrets-manager` is not installed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { fromSecretsManager } from 'goldkey/secrets-manager';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromSecretsManager({ secretId: 'prod/gold-api', field: 'apiKey' }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromSecretsManager(options: FromSecretsManagerOptions): KeyProvider {
  const { secretId, field } = checkSecretsManagerOptions(options);
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
          throw new KeyProviderError(
            'AWS Secrets Manager answered GetSecretValue without a VersionId; try again later.',
            {
              provider: SECRETS_MANAGER,
            },
          );
        }
        // The service has just returned this version, so it may still be read; and the value of a version never changes.
        if (known?.includes(version) === true) return { unchanged: true, version };
        const bytes = readKey(answer, field);
        if (bytes !== undefined) return { bytes, version, createdAt: created?.getTime() };
      } finally {
        answer.SecretBinary?.fill(0);
      }
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The secret \`${secretId}\` is empty for ${label}; store a key.`, {
        provider: SECRETS_MANAGER,
        version,
      });
    },
    close: () => connection.close(),
  };
}
