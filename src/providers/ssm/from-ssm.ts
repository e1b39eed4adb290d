import { getRequestClock, KeyFormatError, KeyProviderError, type KeyProvider } from '../../core/index.js';
import { allowErrors } from '../../aws/failures.js';
import { encodeSecretText } from '../../aws/secret-text.js';
import { connectToSsm } from './client.js';
import { SSM } from './errors.js';
import { checkSsmOptions, type FromSsmOptions } from './options.js';

/** The longest value of an advanced parameter, in bytes. */
const MAX_PARAMETER_BYTES = 8_192;
/** The errors for a version that does not exist: a missing label is not an error. */
const ABSENT: readonly string[] = ['ParameterNotFound', 'ParameterVersionNotFound'];

/**
 * Creates a key store over one SecureString parameter of AWS Systems Manager Parameter Store, decrypted by the service. The
 * version of a key is the parameter's version with its date, e.g. `3@2026-11-22T11:30:00.000Z`, because a parameter that
 * was deleted and created again starts at 1. A parameter of another type is stored unencrypted: a `KeyFormatError`.
 *
 * `@aws-sdk/client-ssm` (an optional peer) is loaded by the first load. A transient failure is retried twice (after about
 * 100 ms, 1,000 ms if throttled) within `keyTimeout`. The caller needs ssm:GetParameter, and kms:Decrypt if the parameter
 * is encrypted with a customer managed key.
 *
 * @param options - see {@link FromSsmOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it releases the SDK's client
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an ARN of another service, a label that Parameter Store does not
 * allow, `labels` together with a name with a version, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such parameter, version or label
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the policy of the KMS key denies it
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: the parameter's KMS key is missing or disabled
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the parameter is not a SecureString, empty, or over 8,192 bytes
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a failure of the service or the
 * network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: three requests without an answer in 2,000 ms
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: `@aws-sdk/client-ssm` is not installed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { fromSsm } from 'goldkey/ssm';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromSsm({ name: '/prod/gold-api-key', labels: { current: 'live', previous: 'old' } }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromSsm(options: FromSsmOptions): KeyProvider {
  const { name, labels } = checkSsmOptions(options);
  const connection = connectToSsm(options);
  return {
    name: SSM,
    async load(request) {
      const { stage, signal, known } = request;
      signal.throwIfAborted();
      const label = labels[stage];
      if (label === undefined && stage !== 'current') return undefined;
      const selected = label === undefined ? name : `${name}:${label}`;
      const answer = await connection.call(
        { operation: 'GetParameter', name: selected },
        (sdk, client, http) => {
          const found = client.send(new sdk.GetParameterCommand({ Name: selected, WithDecryption: true }), http);
          return stage === 'current' ? found : allowErrors(found, ABSENT);
        },
        { signal, clock: getRequestClock(request) },
      );
      if (answer === undefined) return undefined;
      const { Type: type, Value: value, Version: number, LastModifiedDate: date } = answer.Parameter ?? {};
      if (value === undefined || number === undefined) {
        throw new KeyProviderError(
          'AWS Parameter Store answered GetParameter without a value or its version; try again later.',
          {
            provider: SSM,
          },
        );
      }
      const version = date === undefined ? String(number) : `${String(number)}@${date.toISOString()}`;
      const about = { provider: SSM, version };
      if (type !== 'SecureString') {
        throw new KeyFormatError(
          `The parameter \`${selected}\` is not a SecureString, so its value is stored unencrypted; write a new key as a SecureString, and revoke this one.`,
          about,
        );
      }
      // The service has just returned this version, so it may still be read. Without its date a number may be another key.
      if (date !== undefined && known?.includes(version) === true) return { unchanged: true, version };
      const bytes = encodeSecretText(value, MAX_PARAMETER_BYTES, about);
      if (bytes !== undefined) return { bytes, version, createdAt: date?.getTime() };
      if (stage === 'pending') return undefined;
      throw new KeyFormatError(`The parameter \`${selected}\` is empty; store a key.`, about);
    },
    close: () => connection.close(),
  };
}
