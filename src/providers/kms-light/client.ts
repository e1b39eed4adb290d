import type { Agent } from 'node:http';
import type { DecryptResponse } from '@aws-sdk/client-kms';
import { readAwsRegion } from '../../aws/credentials.js';
import { classifyAwsError, needsFreshCredentials } from '../../aws/failures.js';
import { signHeaders, type AwsCredentials } from '../../aws/sigv4.js';
import { systemClock, type Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { acquireHttp, NodeHttp } from '../../http/node-http.js';
import { firstHeaderValue } from '../../http/types.js';
import { closeInTime } from '../../util/close-all.js';
import { withDeadline } from '../../util/deadline.js';
import { memoize } from '../../util/memoize.js';
import type { RecentCredentials } from '../../util/recent-credentials.js';
import type { SendDecrypt } from '../shared/kms/decrypt.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { createSdkClient, findCredentials, type CredentialsOption } from './credentials.js';
import { findKmsEndpoint } from '../shared/kms/endpoint.js';
import { createUnreadableError, parseDecryptOutput, parseError } from './protocol.js';

/** The connection to KMS, as far as the options tell. */
export interface KmsLightClientOptions {
  readonly region: string | undefined;
  readonly endpoint: URL | undefined;
  readonly allowHttp?: boolean;
  /** The caller's agent, which is never closed here. */
  readonly agent?: Agent | undefined;
  readonly credentials: CredentialsOption;
  /** Is told the credentials in use, and the signatures made with them. */
  readonly recent: RecentCredentials;
}

const TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** Far above the answer for the longest plaintext, which has 4,096 bytes. */
const MAX_BODY_BYTES = 65_536;
const HEADERS = { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': 'TrentService.Decrypt' };
/** Credentials are replaced this long before they expire, as the AWS SDK does. */
const EXPIRY_MARGIN_MS = 300_000;
const CLOCK_ERRORS = ['InvalidSignatureException', 'RequestTimeTooSkewed', 'RequestExpired'];

/** A client for KMS's Decrypt. Its errors have the shape of the AWS SDK's, so that both are classified alike. */
export class KmsLightClient {
  readonly #options: KmsLightClientOptions;
  readonly #endpoint = memoize(() => this.#findEndpoint());
  // A missing Region is looked for first, and by the same client.
  readonly #sdkClient = memoize(() => createSdkClient(this.#options.region, this.#readsAnew));
  /** Whether the SDK reads its files again, which it did before another client was dropped. */
  #readsAnew = false;
  /** The credentials found last, which serve until shortly before they expire. */
  #kept: AwsCredentials | undefined;
  /** The service's clock minus this one in ms, once it has rejected a signature for its time. */
  #clockSkew = 0;

  constructor(options: KmsLightClientOptions) {
    this.#options = options;
  }

  /** Sends Decrypt once. Throws an error like the AWS SDK's, or the signal's reason. */
  async decrypt(
    { CiphertextBlob: ciphertext, ...more }: Parameters<SendDecrypt>[0],
    clock: Clock = systemClock,
    signal?: AbortSignal,
  ): Promise<DecryptResponse> {
    const { region, url, http } = await this.#endpoint();
    const ends = this.#kept?.expiration?.getTime() ?? 0;
    if (!(Date.now() < ends - EXPIRY_MARGIN_MS)) this.#kept = undefined;
    const found = this.#kept ?? findCredentials(this.#options.credentials, this.#sdkClient, clock, signal);
    const credentials = (this.#kept = await Promise.resolve(found).catch((error: unknown) => this.#fail(error)));
    const body = JSON.stringify({ CiphertextBlob: Buffer.from(ciphertext).toString('base64'), ...more });
    const { host, origin, pathname } = url;
    // The AWS SDK also ends the path with a slash.
    const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
    const unsigned = { service: 'kms', region, host, path, headers: HEADERS, body };
    const headers = signHeaders(unsigned, credentials, Date.now() + this.#clockSkew);
    const { secretAccessKey, sessionToken } = credentials;
    this.#options.recent.remember(secretAccessKey, sessionToken, headers['Authorization']?.split('Signature=')[1]);
    const request = { origin, path, method: 'POST', headers: { ...headers, 'User-Agent': 'goldkey' }, body };
    const connect = { ms: CONNECT_TIMEOUT_MS, clock, late: createTimeoutError };
    const limits = { ms: TIMEOUT_MS, clock, late: createTimeoutError, signals: [signal] };
    const answer = await withDeadline(limits, (ended) =>
      http.send({ ...request, signal: ended, connect, secretField: 'Plaintext' }, MAX_BODY_BYTES),
    ).catch((error: unknown) => {
      throw error instanceof BodyTooLarge ? createUnreadableError(200) : error;
    });
    try {
      if (answer.status === 200) return parseDecryptOutput(answer);
    } finally {
      answer.secret?.fill(0);
    }
    const error = parseError(answer);
    // The credentials may be the cause of whatever a retry would not mend.
    if (classifyAwsError(error).retryWindow === undefined) this.#kept = undefined;
    const serviceTime = Date.parse(firstHeaderValue(answer.headers['date']) ?? '');
    if (CLOCK_ERRORS.includes(error.name) && !Number.isNaN(serviceTime)) this.#clockSkew = serviceTime - Date.now();
    return await this.#fail(error);
  }

  /** Releases the connections and the SDK. Later calls open them again. */
  async close(): Promise<void> {
    const endpoint = this.#endpoint.forget();
    const dropped = this.#dropSdkClient();
    await closeInTime(async () => {
      // A failed opening leaves nothing to close.
      (await endpoint?.catch(() => undefined))?.release();
      await dropped;
    });
  }

  /** Throws the error. After one that new credentials may mend they are searched for anew. */
  async #fail(error: unknown): Promise<never> {
    if (needsFreshCredentials(error)) await this.#dropSdkClient();
    throw error;
  }

  /** Makes the next search for credentials begin anew: the SDK keeps those without an end. */
  async #dropSdkClient(): Promise<void> {
    const dropped = this.#sdkClient.forget();
    this.#readsAnew ||= dropped !== undefined;
    (await dropped?.catch(() => undefined))?.destroy();
  }

  async #findEndpoint() {
    const region = this.#options.region ?? readAwsRegion(AWS_KMS) ?? (await (await this.#sdkClient()).config.region());
    const { endpoint, allowHttp, agent } = this.#options;
    const url = endpoint ?? findKmsEndpoint(region, allowHttp);
    if (agent === undefined) return { region, url, ...acquireHttp(url.origin) };
    const http = new NodeHttp(url.origin, { agent });
    return { region, url, http, release: () => http.close() };
  }
}

/** Returns an error under the name that the AWS SDK gives a timeout. */
function createTimeoutError(): Error {
  return Object.assign(new Error('The answer did not come in time.'), { name: 'TimeoutError' });
}
