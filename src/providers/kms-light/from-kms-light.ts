import type { Agent } from 'node:http';
import { callAws } from '../../aws/call.js';
import { checkEndpoint } from '../../aws/client-config.js';
import { checkAwsRegion } from '../../aws/credentials.js';
import { toAwsError } from '../../aws/errors.js';
import type { AwsCredentials } from '../../aws/sigv4.js';
import {
  checkBoolean,
  checkOptionalString,
  checkOptionNames,
  describeType,
  invalidType,
  type KeyProvider,
} from '../../core/index.js';
import { ciphertextBytes } from '../shared/ciphertext.js';
import { RecentCredentials } from '../../util/recent-credentials.js';
import { CIPHERTEXT_OPTIONS, ciphertextProvider, type CiphertextOptions } from '../shared/ciphertext-provider.js';
import { decryptWithKey, type SendDecrypt } from '../shared/kms/decrypt.js';
import { AWS_KMS, KMS_ERRORS } from '../shared/kms/errors.js';
import { checkPinnedKey, PINNED_KEY_OPTIONS, type PinnedKeyOptions } from '../shared/kms/pinned-key.js';
import { KmsLightClient } from './client.js';
import { checkCredentials } from './credentials.js';

const OWN_OPTIONS = ['region', 'endpoint', 'credentials', 'agent', 'dangerouslyAllowHttp'];

/** Options of {@link fromKmsLight}. */
export interface FromKmsLightOptions extends CiphertextOptions, PinnedKeyOptions {
  /** AWS Region of the key. Default: `AWS_REGION`, else the one that the AWS SDK finds (a profile); it is never guessed. */
  region?: string | undefined;
  /**
   * URL of KMS, `https:`, or `http:` on loopback. Default: `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL`, else that of the
   * Region: the FIPS or dual-stack one if `AWS_USE_FIPS_ENDPOINT` or `AWS_USE_DUALSTACK_ENDPOINT` is `true`.
   */
  endpoint?: string | undefined;
  /** Allows plain `http:` to any host, e.g. LocalStack's in a compose file; it shows every request to the network. Default: false. */
  dangerouslyAllowHttp?: boolean | undefined;
  /**
   * An agent of `node:https` to send the requests to KMS with, e.g. one that leads through a proxy. It is never closed here.
   * Default: connections of its own, which all stores of one endpoint share.
   */
  agent?: object | undefined;
  /**
   * Credentials to sign with, or a function that returns them. It is called for each load, or, if it returns an
   * `expiration`, five minutes before that. Default: those in the environment, then those of ECS or EKS, then those that
   * the AWS SDK finds.
   */
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
}

/**
 * Returns a key store over one AWS KMS ciphertext, like `fromKms` of `goldkey/kms` but without the AWS SDK: Decrypt is
 * signed here and sent over node:https with a kept connection, which saves most of a cold start's time. For Lambda, and
 * for programs that start often. Ciphertexts, retries (two, after about 100 ms, or 1 s if throttled), timeouts (1 s to
 * connect, 2 s for the answer) and errors are those of `fromKms`. A wrong clock is corrected by the service's.
 *
 * It signs with credentials from the environment (Lambda), from a container's endpoint (ECS, EKS Pod Identity) or from
 * `credentials`. For any others (`AWS_PROFILE`, SSO, web identity, an instance's role) it loads `@aws-sdk/client-kms`,
 * which is not needed otherwise. It ignores endpoints in AWS configuration files, and proxy variables.
 *
 * @param options - see {@link FromKmsLightOptions}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes its connections
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a context over 8 KB, an impossible Region, or an endpoint over
 * plain http; a `TypeError` with the same code: an option is unknown or has the wrong type
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by a load: neither the environment nor a container has
 * credentials or a Region, and `@aws-sdk/client-kms`, which looks elsewhere, is not installed
 * @throws {GoldKeyError} by a load: all other errors that a load of `fromKms` may throw, with the same codes
 *
 * @example
 * ```ts
 * import { fromKmsLight } from 'goldkey/kms-light';
 *
 * const keyProvider = fromKmsLight({
 *   ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *   encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 *   keyId: 'alias/gold-api-keys',
 * });
 * ```
 */
export function fromKmsLight(options: FromKmsLightOptions): KeyProvider {
  checkOptionNames('fromKmsLight', options, [...CIPHERTEXT_OPTIONS, ...PINNED_KEY_OPTIONS, ...OWN_OPTIONS]);
  const key = checkPinnedKey(options);
  const region = checkAwsRegion('region', options.region);
  const url = checkOptionalString('endpoint', options.endpoint);
  const allowHttp = checkBoolean('dangerouslyAllowHttp', options.dangerouslyAllowHttp);
  const endpoint = url === undefined ? undefined : checkEndpoint('endpoint', url, allowHttp);
  const agent = checkAgent(options.agent);
  const credentials = checkCredentials(options.credentials);
  const recent = new RecentCredentials();
  const kms = new KmsLightClient({ region, endpoint, allowHttp, agent, credentials, recent });
  const send: SendDecrypt = (input, call, limits) =>
    callAws(
      () => kms.decrypt(input, limits.clock, limits.signal),
      (error) => recent.scrub(toAwsError(error, call, KMS_ERRORS)),
      limits,
    );
  return {
    ...ciphertextProvider(AWS_KMS, options, ciphertextBytes, (order) => decryptWithKey(send, key, order)),
    close: () => kms.close(),
  };
}

function checkAgent(agent: unknown): Agent | undefined {
  if (agent === undefined || typeof (agent as { addRequest?: unknown } | null)?.addRequest === 'function')
    return agent as Agent | undefined;
  throw invalidType(
    `\`agent\` must be an Agent of node:https (or of node:http on loopback), got ${describeType(agent)}.`,
  );
}
