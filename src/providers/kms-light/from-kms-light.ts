import { callAws } from '../../aws/call.js';
import { parseEndpoint } from '../../aws/client-config.js';
import { toAwsError } from '../../aws/errors.js';
import { isAwsRegion, type AwsCredentials } from '../../aws/signature.js';
import { checkOptionalString, checkOptionNames, invalidRange, type KeyProvider } from '../../core/index.js';
import { ciphertextProvider, type CiphertextOptions } from '../shared/ciphertext-provider.js';
import { decryptWithKey, type SendDecrypt } from '../shared/kms/decrypt.js';
import { AWS_KMS, KMS_ERRORS } from '../shared/kms/errors.js';
import { checkPinnedKey, type PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { KmsLightClient } from './client.js';
import { checkCredentials } from './credentials.js';

/** Options of {@link fromKmsLight}. */
export interface FromKmsLightOptions extends CiphertextOptions, PinnedKeyOptions {
  /** AWS Region of the key. Default: `AWS_REGION`, else the one that the AWS SDK finds (a profile); it is never guessed. */
  region?: string | undefined;
  /**
   * URL of KMS, `https:`, or `http:` on loopback. Default: `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL`, else that of the
   * Region: the FIPS or dual-stack one if `AWS_USE_FIPS_ENDPOINT` or `AWS_USE_DUALSTACK_ENDPOINT` is `true`.
   */
  endpoint?: string | undefined;
  /**
   * Credentials to sign with, or a function that returns them. It is called for each load, or, if it returns an
   * `expiration`, five minutes before that. Default: those in the environment, then those of ECS or EKS, then those that
   * the AWS SDK finds.
   */
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
}

/**
 * A key store over one AWS KMS ciphertext, as `fromKms` of `goldkey/kms` is, without the AWS SDK: Decrypt is signed by
 * `aws4` and sent over node:https with a kept connection, which leaves most of a cold start's time out. For Lambda, and
 * for whatever starts often. Same ciphertexts, same retries (two, after about 100 ms, 1 s when throttled), same timeouts
 * (1 s to connect, 2 s for the answer), same errors; a clock that is off is corrected by the service's own, as in the SDK.
 *
 * Signed with credentials from the environment (Lambda), from a container's endpoint (ECS, EKS Pod Identity) or from
 * `credentials`. For anything else (`AWS_PROFILE`, SSO, web identity, an instance's role) `@aws-sdk/client-kms` is loaded
 * for its chain; nothing else needs it. Not read: endpoints in the AWS configuration files, and proxy variables.
 *
 * @param options - see {@link FromKmsLightOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes its connections
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, a Region that cannot be one, or an endpoint
 * over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no ciphertext (an unset variable), or no such KMS key
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the ciphertext is not base64, empty, too short or too long
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: IAM or the key policy refuses, or the KMS key is
 * disabled or pending deletion
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: damaged ciphertext, another EncryptionContext, or another key
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: throttling, a fault of the service or the
 * network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: KMS did not answer in time, three times
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: neither the environment nor a container has
 * credentials or a Region, and `@aws-sdk/client-kms`, which knows the other places, is not installed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKmsLight } from 'goldkey/kms-light';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKmsLight({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 *     keyId: 'alias/gold-api-keys',
 *   }),
 *   ...metalsApi(),
 * });
 * export const handler = () => gold.getPrice('XAU');
 * ```
 */
export function fromKmsLight(options: FromKmsLightOptions): KeyProvider {
  checkOptionNames('fromKmsLight', options, NAMES);
  const key = checkPinnedKey(options);
  const region = checkOptionalString('region', options.region);
  if (region !== undefined && !isAwsRegion(region)) {
    throw invalidRange('`region` must be the name of an AWS Region, e.g. `eu-west-1`.');
  }
  const url = checkOptionalString('endpoint', options.endpoint);
  const endpoint = url === undefined ? undefined : parseEndpoint(url);
  if (url !== undefined && endpoint === undefined) {
    throw invalidRange('`endpoint` must be an https URL, or an http URL on loopback.');
  }
  const kms = new KmsLightClient({ region, endpoint, credentials: checkCredentials(options.credentials) });
  const send: SendDecrypt = (input, call, limits) =>
    callAws(
      () => kms.decrypt(input, limits.clock, limits.signal),
      (error) => toAwsError(error, call, KMS_ERRORS),
      limits,
    );
  return {
    ...ciphertextProvider(AWS_KMS, options, (order) => decryptWithKey(send, key, order)),
    close: () => kms.close(),
  };
}

const NAMES = [
  'ciphertext',
  'encryptionContext',
  'version',
  'keyId',
  'grantTokens',
  'region',
  'endpoint',
  'credentials',
] as const;
