import type { Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { firstOf, type Incoming } from '../../http/types.js';
import type { NodeHttp } from '../../http/node-http.js';
import { sharedHttp } from '../../http/shared-agent.js';
import { awsRegion } from '../../aws/credentials.js';
import { faultOf } from '../../aws/failures.js';
import { signedHeaders } from '../../aws/signature.js';
import type { DecryptAnswer, DecryptInput } from '../shared/kms/decrypt.js';
import { kmsEndpoint } from './endpoint.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { CredentialsSource, sdkChain, type CredentialsOption, type SdkChain } from './credentials.js';
import { answerIn, faultIn, unreadable } from './protocol.js';
import { withDeadline } from '../../util/deadline.js';

/** What is known about the way to KMS, checked. */
export interface LightKmsOptions {
  readonly region: string | undefined;
  readonly endpoint: URL | undefined;
  readonly credentials: CredentialsOption;
}

/** Where KMS is. */
interface Place {
  readonly region: string;
  readonly url: URL;
  readonly http: NodeHttp;
  release(): void;
}

const TIMEOUT = 2_000;
const CONNECT_TIMEOUT = 1_000;
/** The longest plaintext has 4,096 bytes. */
const MAX_BODY_BYTES = 65_536;
const HEADERS = {
  'Content-Type': 'application/x-amz-json-1.1',
  'X-Amz-Target': 'TrentService.Decrypt',
  'User-Agent': 'goldkey',
};
const ABOUT_THE_CLOCK = ['InvalidSignatureException', 'RequestTimeTooSkewed', 'RequestExpired'];

/** Decrypt, and nothing else of KMS. Its errors look like those of the AWS SDK, so that both are read alike. */
export class LightKms {
  readonly #options: LightKmsOptions;
  readonly #credentials: CredentialsSource;
  #chain: Promise<SdkChain> | undefined;
  #place: Promise<Place> | undefined;
  /** How far the service's clock is ahead of this one, where it has refused a signature for it. */
  #skew = 0;

  constructor(options: LightKmsOptions) {
    this.#options = options;
    this.#credentials = new CredentialsSource(options.credentials, () => this.#sdk(options.region));
  }

  async decrypt(input: DecryptInput, clock: Clock, signal: AbortSignal | undefined): Promise<DecryptAnswer> {
    const { region, url, http } = await this.#found();
    const credentials = await this.#credentials.get(clock, signal);
    const { CiphertextBlob: ciphertext, ...more } = input;
    const body = JSON.stringify({ CiphertextBlob: Buffer.from(ciphertext).toString('base64'), ...more });
    const { host, origin, pathname } = url;
    // As the AWS SDK has it.
    const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
    const unsigned = { service: 'kms', region, host, path, headers: HEADERS, body };
    const headers = await signedHeaders(unsigned, credentials, Date.now() + this.#skew);
    const request = { origin, path, method: 'POST', headers, body };
    const connect = { ms: CONNECT_TIMEOUT, clock, late };
    const answer = await withDeadline({ ms: TIMEOUT, clock, late, signals: [signal] }, (ended) =>
      http.send({ ...request, signal: ended, connect }, MAX_BODY_BYTES),
    ).catch((error: unknown) => {
      throw error instanceof BodyTooLarge ? unreadable(200) : error;
    });
    if (answer.status === 200) return answerIn(answer);
    const fault = faultIn(answer);
    if (faultOf(fault).fault === 'other') this.#credentials.forget();
    if (ABOUT_THE_CLOCK.includes(fault.name)) this.#setClock(answer);
    throw fault;
  }

  async close(): Promise<void> {
    const [place, chain] = [this.#place, this.#chain];
    this.#place = undefined;
    this.#chain = undefined;
    await place?.then((found) => {
      found.release();
    }, ignore);
    await chain?.then((found) => {
      found.close();
    }, ignore);
  }

  /** Once: where KMS is does not change. What was not found is looked for again. */
  #found(): Promise<Place> {
    const place = (this.#place ??= this.#find());
    place.catch(() => {
      if (this.#place === place) this.#place = undefined;
    });
    return place;
  }

  async #find(): Promise<Place> {
    const { region = awsRegion(AWS_KMS) ?? (await (await this.#sdk(undefined)).region()), endpoint } = this.#options;
    const url = endpoint ?? kmsEndpoint(region);
    const { http, release } = sharedHttp(url.origin);
    return { region, url, http, release };
  }

  #sdk(region: string | undefined): Promise<SdkChain> {
    const chain = (this.#chain ??= sdkChain(region));
    chain.catch(() => {
      if (this.#chain === chain) this.#chain = undefined;
    });
    return chain;
  }

  #setClock({ headers }: Incoming): void {
    const theirs = Date.parse(firstOf(headers['date']) ?? '');
    if (!Number.isNaN(theirs)) this.#skew = theirs - Date.now();
  }
}

function late(): Error {
  return Object.assign(new Error('The answer did not come in time.'), { name: 'TimeoutError' });
}

function ignore(): void {
  // It was not there to be closed.
}
