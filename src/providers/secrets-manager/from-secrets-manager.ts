import {
  checkOptionNames,
  getRequestClock,
  KeyFormatError,
  KeyProviderError,
  checkOptionalString,
} from '../../core/index.js';
import type { KeyProvider, Stage } from '../../core/index.js';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { requiredName } from '../../aws/secret-text.js';
import { orAbsent } from '../../aws/failures.js';
import { ABSENT, callSecretsManager, secretsManagerLink } from './client.js';
import { SECRETS_MANAGER } from './errors.js';
import { keyInSecret } from './secret-value.js';

/** Options of {@link fromSecretsManager}. */
export interface FromSecretsManagerOptions extends AwsConnectionOptions {
  /** The secret's name or ARN; of another account's secret, the whole ARN. */
  secretId: string;
  /**
   * The field that holds the key, where the secret is a JSON object. Default: the secret, text or binary, is the key; then
   * a JSON object is a `KeyFormatError`.
   */
  field?: string | undefined;
}

const LABELS: Readonly<Record<Stage, string>> = {
  current: 'AWSCURRENT',
  pending: 'AWSPENDING',
  previous: 'AWSPREVIOUS',
};

/**
 * A key store over one secret of AWS Secrets Manager. `current`, `pending` and `previous` are the versions labelled
 * AWSCURRENT, AWSPENDING and AWSPREVIOUS; one that is missing, and an AWSPENDING that is empty, is no key. A key's version
 * is its VersionId.
 *
 * Nothing is loaded before the first load: `@aws-sdk/client-secrets-manager` (an optional peer, install it beside goldkey)
 * and its client come then. A transient fault is tried again twice (after about 100 ms, 1 s when throttled) within
 * `keyTimeout`. The caller needs secretsmanager:GetSecretValue, and kms:Decrypt where the secret is encrypted with a key of
 * its own.
 *
 * @param options - see {@link FromSecretsManagerOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no such secret, or it is scheduled for deletion
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM, the secret's policy or its KMS key's refuses
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the secret's KMS key does not decrypt it
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: empty, no JSON object where `field` is given, no such field, or
 * a field that is no string
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a fault of the service or the
 * network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: no answer within 2 s, three times
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
  checkOptionNames('fromSecretsManager', options, ['secretId', 'field', 'region', 'client', 'clientConfig']);
  const secretId = requiredName('secretId', options.secretId, 'secretsmanager');
  const field = checkOptionalString('field', options.field);
  const link = secretsManagerLink(options);
  return {
    name: SECRETS_MANAGER,
    async load(request) {
      const { stage, signal, known } = request;
      const label = LABELS[stage];
      const answer = await callSecretsManager(
        link,
        { operation: 'GetSecretValue', secretId, label },
        (sdk, client, http) => {
          const asked = client.send(new sdk.GetSecretValueCommand({ SecretId: secretId, VersionStage: label }), http);
          return stage === 'current' ? asked : orAbsent(asked, ABSENT);
        },
        { signal, clock: getRequestClock(request), discard: (late) => late?.SecretBinary?.fill(0) },
      );
      if (answer === undefined) return undefined;
      const { VersionId: version, CreatedDate: created } = answer;
      if (version === undefined || version === '') {
        answer.SecretBinary?.fill(0);
        throw new KeyProviderError('AWS Secrets Manager answered GetSecretValue without a VersionId.', {
          provider: SECRETS_MANAGER,
        });
      }
      // The service has just handed this version over, so it may still be read; and what a version holds never changes.
      if (known?.includes(version) === true) {
        answer.SecretBinary?.fill(0);
        return { unchanged: true, version };
      }
      const bytes = keyInSecret(answer, field);
      if (bytes !== undefined) return { bytes, version, createdAt: created?.getTime() };
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The secret \`${secretId}\` is empty for ${label}.`, {
        provider: SECRETS_MANAGER,
        version,
      });
    },
    close: () => link.close(),
  };
}
