import {
  allocateBytes,
  checkOptionNames,
  checkString,
  describeType,
  invalidRange,
  invalidType,
  type Clock,
  type KeyedClient,
  type LiveKey,
} from '../core/index.js';
import { decodeBase64 } from '../util/base64.js';
import { encodeBody } from './digest.js';
import { malformedHeader, readHeaders, readOne, type HeaderValues } from './headers.js';
import { computeMac, createMismatch, findSigner } from './mac.js';
import { checkNew, checkTime, parseSeconds } from './message-age.js';
import { checkClient, checkReplay, checkWindow } from './options.js';
import { checkBody } from './request.js';
import type { HmacRequest, ReplayStore } from './types.js';

/** Beginning of a secret in the form of Standard Webhooks; base64 of the key follows. */
const SECRET = new TextEncoder().encode('whsec_');
/** Beginning of a signature by HMAC-SHA-256. */
const SIGNATURE = 'v1,';
/** Most signatures that a message may have: one for each live key of its sender. */
const MAX_SIGNATURES = 10;
/** The `=` that fills up base64. */
const PADDING = 0x3d;
/** The form of an id: a dot would move the border to the time. */
const ID = /^[!-\-/-~]{1,256}$/;

/** Headers of a signed webhook. */
export type WebhookHeaders = {
  /** The message's id, the same for each time it is sent. */
  'webhook-id': string;
  /** Time of this sending, in epoch seconds. */
  'webhook-timestamp': string;
  /** The signature. */
  'webhook-signature': string;
};

/** Signs webhooks. */
export interface WebhookSigner {
  /**
   * Returns the headers that sign a webhook.
   *
   * @param message - `id`, which stays when it is sent again; `timestamp` in epoch seconds, default now; and the `body`
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   */
  sign(message: { id: string; timestamp?: number | undefined; body: Uint8Array | string }): Promise<WebhookHeaders>;
}

/** Options of {@link webhookVerifier}. */
export interface WebhookVerifierOptions {
  /** How far the timestamp may be from this clock, each way, from 1_000 to 86_400_000 ms. Default 300_000. */
  window?: number | undefined;
  /** Where messages are remembered; `false`: nowhere. Default: 100_000 of them in memory. */
  replay?: ReplayStore | false | undefined;
}

/** Verifies webhooks. */
export interface WebhookVerifier {
  /**
   * Resolves to what is known of a webhook, if its signature holds. One that is sent again has the same `id`: handle it once.
   *
   * @param request - its headers, and its body byte for byte
   * @throws {SignatureError} `ERR_GOLDKEY_SIGNATURE`: the signature does not hold; `reason` says why
   * @throws {GoldKeyError} when there is no key to verify with: the store's error, with its code
   */
  verify(request: { headers: NonNullable<HmacRequest['headers']>; body: Uint8Array | string }): Promise<{
    /** Identifier of the webhook: the same each time it is sent. */
    id: string;
    /** Time at which it was sent, in epoch seconds. */
    timestamp: number;
    /** Version of the key that made the signature. */
    version: string;
  }>;
}

/**
 * Creates a signer of webhooks in the format of Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). The key
 * is the client's: a text that begins with `whsec_` stands for the base64 after it, padded or not, any other for its own bytes.
 *
 * @param client - the client whose key signs
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `client` is none
 * @example
 * ```ts
 * import { webhookSigner } from 'goldkey/hmac';
 *
 * const body = '{"type":"order.filled"}';
 * const headers = await webhookSigner(client).sign({ id: 'msg_1', body });
 * await fetch('https://api.example/webhooks', { method: 'POST', headers, body });
 * ```
 */
export function webhookSigner(client: KeyedClient): WebhookSigner {
  const clock = checkClient(client);
  return {
    async sign(message) {
      const given = (message ?? {}) as Partial<typeof message>;
      const id = checkString('id', given.id);
      if (!ID.test(id)) throw invalidRange('`id` must be at most 256 characters of visible ASCII, with no dot.');
      const body = requireBody(given.body);
      const timestamp = checkTimestamp(given.timestamp ?? Math.floor(clock.now() / 1_000));
      const content = joinContent(id, String(timestamp), body);
      const mac = await client.withKey(async ({ bytes }) => useSecret(bytes, (key) => computeMac(key, content)));
      return {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `${SIGNATURE}${mac.toString('base64')}`,
      };
    },
  };
}

/**
 * Creates a verifier of webhooks in the format of Standard Webhooks. Every live key of the client counts, and so does every
 * signature of the message, so that neither side's rotation refuses anything. Junk never makes the client ask its store.
 *
 * @param client - the client whose keys verify
 * @param options - see {@link WebhookVerifierOptions}; copied
 * @throws {TypeError | RangeError} `ERR_INVALID_ARG_VALUE`, at once: an option of a wrong type, name or range
 * @example
 * ```ts
 * import { webhookSigner, webhookVerifier } from 'goldkey/hmac';
 *
 * const verifier = webhookVerifier(client);
 * const body = '{"type":"order.filled"}';
 * const headers = await webhookSigner(client).sign({ id: 'msg_1', body });
 * const { id } = await verifier.verify({ headers, body });
 * ```
 */
export function webhookVerifier(client: KeyedClient, options: WebhookVerifierOptions = {}): WebhookVerifier {
  const clock = checkClient(client);
  checkOptionNames('webhookVerifier', options, ['window', 'replay']);
  const window = checkWindow(options.window);
  const replay = checkReplay(options.replay, clock);
  return {
    async verify(request) {
      const { headers, body } = (request ?? {}) as Partial<typeof request>;
      return verifyWebhook(client, readHeaders(headers), requireBody(body), { window, replay, clock });
    },
  };
}

async function verifyWebhook(
  client: KeyedClient,
  headers: HeaderValues,
  body: Uint8Array | string,
  { window, replay, clock }: { window: number; replay: ReplayStore | undefined; clock: Clock },
): Promise<{ id: string; timestamp: number; version: string }> {
  const id = readOne(headers, 'webhook-id');
  const time = readOne(headers, 'webhook-timestamp');
  const given = readOne(headers, 'webhook-signature');
  if (!ID.test(id)) throw malformedHeader('webhook-id');
  const timestamp = parseSeconds(time);
  if (timestamp === undefined) throw malformedHeader('webhook-timestamp');
  checkTime(timestamp * 1_000, window, clock);
  const signatures = given.split(' ').filter((each) => each.startsWith(SIGNATURE));
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) throw malformedHeader('webhook-signature');
  const macs = signatures.flatMap((each) => decodeBase64(each.slice(SIGNATURE.length)) ?? []);
  const content = joinContent(id, time, body);
  const version = await client.withLiveKeys((keys) => findWebhookSigner(keys, content, macs)?.version);
  if (version === undefined) throw createMismatch('webhook');
  // A message that is sent again has another time, and is no replay.
  await checkNew(`${id} ${time}`, timestamp * 1_000, { replay, window });
  return { id, timestamp, version };
}

function findWebhookSigner(
  keys: readonly LiveKey[],
  content: Uint8Array,
  macs: readonly Uint8Array[],
): LiveKey | undefined {
  return keys.find((key) =>
    useSecret(key.bytes, (bytes) => macs.some((mac) => findSigner([{ ...key, bytes }], content, mac) !== undefined)),
  );
}

/** Runs `use` with the bytes that a key stands for, which are zeroed afterwards if they were decoded. */
function useSecret<T>(key: Uint8Array, use: (secret: Uint8Array) => T): T {
  const isEncoded = SECRET.every((byte, index) => key[index] === byte);
  if (!isEncoded) return use(key);
  // Others leave out the padding.
  const length = key.length - SECRET.length;
  const padded = allocateBytes(length + (-length & 3)).fill(PADDING);
  padded.set(key.subarray(SECRET.length));
  const decoded = decodeBase64(padded);
  try {
    return use(decoded ?? key);
  } finally {
    padded.fill(0);
    decoded?.fill(0);
  }
}

function joinContent(id: string, timestamp: string, body: Uint8Array | string): Uint8Array {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), encodeBody(body)]);
}

function requireBody(body: unknown): Uint8Array | string {
  const checked = checkBody(body);
  if (checked !== undefined) return checked;
  throw invalidType('`body` must be the bytes or the text that was sent, got undefined.');
}

function checkTimestamp(timestamp: unknown): number {
  if (typeof timestamp !== 'number')
    throw invalidType(`\`timestamp\` must be a number, got ${describeType(timestamp)}.`);
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) return timestamp;
  throw invalidRange('`timestamp` must be whole epoch seconds.');
}
