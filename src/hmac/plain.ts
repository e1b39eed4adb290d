import { checkOptionNames, nodeCrypto, type CallOptions, type KeyedClient } from '../core/index.js';
import { encodeBody } from './digest.js';
import { readOne } from './headers.js';
import { computeMac, createMismatch, createNonce, findSigner } from './mac.js';
import { checkNew, checkTime, parseSeconds } from './message-age.js';
import { checkClient, checkReplay, checkWindow } from './options.js';
import { checkReceived, checkRequest, type CheckedRequest } from './request.js';
import { SignatureError } from './signature-error.js';
import type { HmacRequest, ReplayStore } from './types.js';

/** The form of a nonce: no line break, which would move the borders of the message. */
const NONCE = /^[\w-]{16,128}$/;
const SIGNATURE = /^[0-9a-f]{64}$/;

/** Headers of a request with a plain signature. */
export type PlainHeaders = {
  /** Time of the signature, in epoch seconds. */
  'x-timestamp': string;
  /** The random part that makes the message unique: 16 to 128 of letters, digits, `_` and `-`. */
  'x-nonce': string;
  /** The HMAC-SHA-256, 64 hexadecimal digits in lower case. */
  'x-signature': string;
};

/** Signs requests with plain headers. */
export interface PlainSigner {
  /**
   * Returns the headers that sign a request, to be sent with it.
   *
   * @param request - the request as it is sent
   * @param call - options of the call that reads the key
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   */
  sign(request: HmacRequest, call?: CallOptions): Promise<PlainHeaders>;
}

/** Options of {@link plainVerifier}. */
export interface PlainVerifierOptions {
  /** How far the timestamp may be from this clock, each way, from 1_000 to 86_400_000 ms. Default 300_000. */
  window?: number | undefined;
  /** Where messages are remembered; `false`: nowhere. Default: 100_000 of them in memory. */
  replay?: ReplayStore | false | undefined;
}

/** Verifies requests with plain headers. */
export interface PlainVerifier {
  /**
   * Resolves to what is known of a request's signature, if it holds.
   *
   * @param request - the request as it came, with its body byte for byte
   * @throws {SignatureError} `ERR_GOLDKEY_SIGNATURE`: it does not hold; `reason` says why
   * @throws {GoldKeyError} when there is no key to verify with: the store's error, with its code
   */
  verify(request: HmacRequest): Promise<{
    /** Time of the signature, in epoch seconds. */
    timestamp: number;
    /** The random part that makes the message unique. */
    nonce: string;
    /** Version of the key that made the signature. */
    version: string;
  }>;
}

/**
 * Creates a signer for gateways that know no standard: `x-signature` is `hex(hmac-sha256(key, message))`. The message is UTF-8
 * and has five lines, joined by `\n` with none at the end:
 *
 * 1. the method in capitals, e.g. `POST`
 * 2. path and query as they are sent, e.g. `/orders?limit=10`; `/` for an empty path
 * 3. the SHA-256 of the body, 64 hexadecimal digits in lower case; of no bytes if there is no body
 * 4. `x-timestamp`, epoch seconds
 * 5. `x-nonce`
 *
 * The key is the client's, its bytes as they are. The host is not signed: use a key for one host only, or {@link hmacSigner}.
 *
 * @param client - the client whose key signs
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `client` is none
 * @example
 * ```ts
 * import { plainSigner } from 'goldkey/hmac';
 *
 * const body = '{"metal":"XAU"}';
 * const headers = await plainSigner(client).sign({ method: 'POST', url: 'https://api.example/orders', body });
 * await fetch('https://api.example/orders', { method: 'POST', headers, body });
 * ```
 */
export function plainSigner(client: KeyedClient): PlainSigner {
  const clock = checkClient(client);
  return {
    async sign(request, call) {
      const checked = checkRequest(request);
      const timestamp = String(Math.floor(clock.now() / 1_000));
      const nonce = createNonce();
      const message = joinMessage(checked, timestamp, nonce);
      const mac = await client.withKey(async ({ bytes }) => computeMac(bytes, message), call);
      return { 'x-timestamp': timestamp, 'x-nonce': nonce, 'x-signature': mac.toString('hex') };
    },
  };
}

/**
 * Creates a verifier of what {@link plainSigner} signs. Every live key of the client counts, so that a rotation refuses nobody.
 * A message must be new by both clocks, and come once. Junk never makes the client ask its store.
 *
 * @param client - the client whose keys verify
 * @param options - see {@link PlainVerifierOptions}; copied
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option of a wrong type, name or range
 * @example
 * ```ts
 * import { plainSigner, plainVerifier } from 'goldkey/hmac';
 *
 * const verifier = plainVerifier(client);
 * const request = { method: 'GET', url: 'https://api.example/orders' };
 * const headers = await plainSigner(client).sign(request);
 * const { version } = await verifier.verify({ ...request, headers });
 * ```
 */
export function plainVerifier(client: KeyedClient, options: PlainVerifierOptions = {}): PlainVerifier {
  const clock = checkClient(client);
  checkOptionNames('plainVerifier', options, ['window', 'replay']);
  const window = checkWindow(options.window);
  const replay = checkReplay(options.replay, clock);
  return {
    async verify(request) {
      const checked = checkReceived(request);
      const { headers } = checked;
      const time = readOne(headers, 'x-timestamp');
      const nonce = readOne(headers, 'x-nonce');
      const signature = readOne(headers, 'x-signature');
      const timestamp = parseSeconds(time);
      if (timestamp === undefined || !NONCE.test(nonce) || !SIGNATURE.test(signature))
        throw new SignatureError('malformed', 'The timestamp, nonce or signature is not written as it should be.');
      checkTime(timestamp * 1_000, window, clock);
      const message = joinMessage(checked, time, nonce);
      const mac = Buffer.from(signature, 'hex');
      const version = await client.withLiveKeys((keys) => findSigner(keys, message, mac)?.version);
      if (version === undefined) throw createMismatch('request');
      await checkNew(`plain ${nonce}`, timestamp * 1_000, { replay, window });
      return { timestamp, nonce, version };
    },
  };
}

function joinMessage({ method, path, query, body = '' }: CheckedRequest, timestamp: string, nonce: string): string {
  const digest = nodeCrypto().createHash('sha256').update(encodeBody(body)).digest('hex');
  return [method.toUpperCase(), `${path}${query}`, digest, timestamp, nonce].join('\n');
}
