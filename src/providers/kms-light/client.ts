import { readAwsRegion } from '../../aws/credentials.js';
import { classifyAwsError } from '../../aws/failures.js';
import { signHeaders } from '../../aws/signature.js';
import { systemClock, type Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { acquireHttp, type NodeHttp } from '../../http/node-http.js';
import { firstHeaderValue, type Incoming } from '../../http/types.js';
import { withDeadline } from '../../util/deadline.js';
import { memoize, type Memoized } from '../../util/memoize.js';
import type { DecryptInput, DecryptOutput } from '../shared/kms/decrypt.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { CredentialsSource, loadSdkChain, type CredentialsOption, type SdkChain } from './credentials.js';
import { findKmsEndpoint } from './endpoint.js';
import { createUnreadableError, parseDecryptOutput, parseError } from './protocol.js';

/** The connection to KMS, as far as the options tell. */
export interface KmsLightClientOptions {
  readonly region: string | undefined;
  readonly endpoint: URL | undefined;
  readonly credentials: CredentialsOption;
}

interface Endpoint {
  readonly region: string;
  readonly url: URL;
  readonly http: NodeHttp;
  release(): void;
}

const TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** Far above the answer for the longest plaintext, which has 4,096 bytes. */
const MAX_BODY_BYTES = 65_536;
const HEADERS = {
  'Content-Type': 'application/x-amz-json-1.1',
  'X-Amz-Target': 'TrentService.Decrypt',
  'User-Agent': 'goldkey',
};
const CLOCK_ERRORS = ['InvalidSignatureException', 'RequestTimeTooSkewed', 'RequestExpired'];

/** A client for KMS's Decrypt. Its errors have the shape of the AWS SDK's, so that both are classified alike. */
export class KmsLightClient {
  readonly #options: KmsLightClientOptions;
  readonly #credentials: CredentialsSource;
  readonly #endpoint: Memoized<Endpoint> = memoize(() => this.#findEndpoint());
  readonly #chain: Memoized<SdkChain>;
  /** The service's clock minus this one in ms, once it has rejected a signature for its time. */
  #clockSkew = 0;

  constructor(options: KmsLightClientOptions) {
    this.#options = options;
    // A missing Region is looked for first, and by the same chain.
    this.#chain = memoize(() => loadSdkChain(options.region));
    this.#credentials = new CredentialsSource(options.credentials, this.#chain);
  }

  /** Sends Decrypt once. Throws an error like the AWS SDK's, or the signal's reason. */
  async decrypt(input: DecryptInput, clock: Clock = systemClock, signal?: AbortSignal): Promise<DecryptOutput> {
    const { region, url, http } = await this.#endpoint();
    const credentials = await this.#credentials.get(clock, signal);
    const { CiphertextBlob: ciphertext, ...more } = input;
    const body = JSON.stringify({ CiphertextBlob: Buffer.from(ciphertext).toString('base64'), ...more });
    const { host, origin, pathname } = url;
    // The AWS SDK also ends the path with a slash.
    const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
    const unsigned = { service: 'kms', region, host, path, headers: HEADERS, body };
    const headers = await signHeaders(unsigned, credentials, Date.now() + this.#clockSkew);
    const request = { origin, path, method: 'POST', headers, body };
    const connect = { ms: CONNECT_TIMEOUT_MS, clock, late: createTimeoutError };
    const limits = { ms: TIMEOUT_MS, clock, late: createTimeoutError, signals: [signal] };
    const answer = await withDeadline(limits, (ended) =>
      http.send({ ...request, signal: ended, connect }, MAX_BODY_BYTES),
    ).catch((error: unknown) => {
      throw error instanceof BodyTooLarge ? createUnreadableError(200) : error;
    });
    if (answer.status === 200) return parseDecryptOutput(answer);
    const error = parseError(answer);
    // The credentials may be the cause of whatever a retry would not mend.
    if (classifyAwsError(error).retryWindow === undefined) this.#credentials.forget();
    if (CLOCK_ERRORS.includes(error.name)) this.#readClock(answer);
    throw error;
  }

  /** Releases the connections and the SDK. Later calls open them again. */
  async close(): Promise<void> {
    const [endpoint, chain] = [this.#endpoint.forget(), this.#chain.forget()];
    // A failed opening leaves nothing to close.
    (await endpoint?.catch(() => undefined))?.release();
    (await chain?.catch(() => undefined))?.close();
  }

  async #findEndpoint(): Promise<Endpoint> {
    const { region = readAwsRegion(AWS_KMS) ?? (await (await this.#chain()).region()), endpoint } = this.#options;
    const url = endpoint ?? findKmsEndpoint(region);
    const { http, release } = acquireHttp(url.origin);
    return { region, url, http, release };
  }

  #readClock({ headers }: Incoming): void {
    const date = Date.parse(firstHeaderValue(headers['date']) ?? '');
    if (!Number.isNaN(date)) this.#clockSkew = date - Date.now();
  }
}

/** Returns an error under the name that the AWS SDK gives a timeout. */
function createTimeoutError(): Error {
  return Object.assign(new Error('The answer did not come in time.'), { name: 'TimeoutError' });
}
