import type { ServerResponse } from 'node:http';
import {
  checkInteger,
  checkOptionalString,
  checkOptionNames,
  checkString,
  describeType,
  invalidType,
  nodeCrypto,
} from '../../core/index.js';
import { PRICE_APIS, findPriceApiName, type PriceApiName } from '../../prices/apis/names.js';
import { checkName, checkTimes, FaultQueue } from '../http/fault-queue.js';
import {
  pause,
  resetConnection,
  send,
  startLoopbackServer,
  type LoopbackOptions,
  type LoopbackRequest,
  type LoopbackServer,
} from '../http/loopback-server.js';
import { apiNinjasDialect } from './apis/api-ninjas.js';
import { commoditiesApiDialect } from './apis/commodities-api.js';
import { goldapiDialect } from './apis/goldapi.js';
import { metalpriceapiDialect } from './apis/metalpriceapi.js';
import { metalsApiDialect } from './apis/metals-api.js';
import { metalsDevDialect } from './apis/metals-dev.js';
import { twelveDataDialect } from './apis/twelve-data.js';
import { showReciprocal, type PriceCall, type PriceDialect, type PriceReply } from './types.js';

/**
 * A fault that a fake price API shows, whatever key the call has. `http-503` is a proxy's HTML page; `rate-limited` is
 * HTTP 429 with `Retry-After`; `quota` and `plan` are the vendor's own errors for calls used up and for a plan that does
 * not include the call; `reset` resets the connection; `slow` never answers; `malformed` is HTTP 200 with half a JSON
 * body; `implausible` is a price that cannot be right: the reciprocal of the real one; `huge` is the right answer in a
 * body of 11 MB.
 */
export type PriceFault =
  'http-500' | 'http-503' | 'rate-limited' | 'quota' | 'plan' | 'reset' | 'slow' | 'malformed' | 'implausible' | 'huge';

type KeyStanding = FakePriceApi['calls'][number]['key'];

/** Options of {@link startFakePriceApi}. */
export interface FakePriceApiOptions extends LoopbackOptions {
  /**
   * The vendor whose API it plays: `metals-api` (the default), `commodities-api`, `metalpriceapi`, `goldapi`,
   * `metals-dev`, `api-ninjas` or `twelve-data`. It looks for the key only where that vendor does, has the vendor's path
   * with or without the first part (`/api`, `/v1`), and answers a wrong key as the vendor does.
   */
  api?: string | undefined;
  /** The keys that are valid from the start. Default: none, so that every call is refused until `accept`. */
  keys?: readonly string[] | undefined;
}

/** A price API on loopback, as {@link startFakePriceApi} returns it. It keeps digests of the keys, never a key. */
export interface FakePriceApi extends LoopbackServer {
  /** Every call since the start, in order of arrival; always the same array. */
  readonly calls: ReadonlyArray<{
    /** Time of the call, in epoch ms. */
    at: number;
    /** Status of the answer; 0 until then, and for good if the connection was cut instead. */
    status: number;
    /** Validity of the call's key, never the key itself; `none` for a call without a key. */
    key: 'live' | 'revoked' | 'unknown' | 'none';
  }>;
  /** Makes a key valid from now on. It must be a non-empty string, as it must for `revoke`. */
  accept(key: string): void;
  /** Refuses calls with this key from now on, and logs them as `revoked`. */
  revoke(key: string): void;
  /**
   * Shows `fault` to the next calls. Faults queue up.
   *
   * @param options - `times`: the number of calls, from 1 (the default) to `Infinity`; `retryAfter`: the `Retry-After`
   *   header of `rate-limited`, `http-500` and `http-503` in ms, sent in whole seconds, rounded up. Default 1_000 for
   *   `rate-limited`, no header for the other two
   * @throws {TypeError | RangeError} with code `ERR_INVALID_ARG_VALUE`: an unknown name, or a number out of range
   */
  inject(fault: PriceFault, options?: { times?: number | undefined; retryAfter?: number | undefined }): void;
}

/** The dialects by vendor. Another vendor is another line here, and a file in `apis`. */
const DIALECTS: Readonly<Record<PriceApiName, PriceDialect>> = {
  'metals-api': metalsApiDialect,
  'commodities-api': commoditiesApiDialect,
  metalpriceapi: metalpriceapiDialect,
  goldapi: goldapiDialect,
  'metals-dev': metalsDevDialect,
  'api-ninjas': apiNinjasDialect,
  'twelve-data': twelveDataDialect,
};

/** The faults whose answer may have a `Retry-After` header. */
const RETRIED: readonly PriceFault[] = ['http-500', 'http-503', 'rate-limited'];
const FAULTS: readonly PriceFault[] = [
  ...RETRIED,
  'quota',
  'plan',
  'reset',
  'slow',
  'malformed',
  'implausible',
  'huge',
];

/** The page that a load balancer shows when no server is behind it. */
const UNAVAILABLE_PAGE =
  '<!DOCTYPE html><html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>';

const HUGE_CHUNK = 'x'.repeat(65_536);
const HUGE_CHUNKS = 168;

/**
 * Starts a price API on 127.0.0.1. Its prices are constant: about XAU 2199.51, XAG 25.34, XPT 905.75 and XPD 1012.50 US
 * dollars a troy ounce, with more decimals. It also knows the currencies USD, EUR, GBP, CHF and JPY.
 *
 * @param options - all optional
 * @returns the running server; close it, or declare it with `await using`
 * @throws {TypeError | RangeError} with code `ERR_INVALID_ARG_VALUE`: an unknown option or `api`, or a wrong value
 * @throws {Error} with code `EADDRINUSE`: the port is taken
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { memoryKeyProvider, startFakePriceApi } from 'goldkey/testing';
 *
 * const api = await startFakePriceApi({ keys: ['an-invented-key'] });
 * const keyProvider = memoryKeyProvider({ current: 'an-invented-key' });
 * const gold = new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.url }) });
 * await gold.getPrice('XAU');
 *
 * api.accept('its-successor');
 * api.revoke('an-invented-key');
 * keyProvider.set('current', 'its-successor');
 * await gold.getPrice('XAU'); // one 401, repaired: see api.calls
 *
 * await gold.close();
 * await api.close();
 * ```
 */
export async function startFakePriceApi(options: FakePriceApiOptions = {}): Promise<FakePriceApi> {
  checkOptionNames('startFakePriceApi', options, ['api', 'keys', 'latency', 'port']);
  const api = checkOptionalString('api', options.api) ?? 'metals-api';
  const dialect = DIALECTS[checkName('`api`', findPriceApiName(api) ?? api, PRICE_APIS)];
  const { keys = [] } = options;
  if (!Array.isArray(keys)) throw invalidType(`\`keys\` must be an array of strings, got ${describeType(keys)}.`);
  const latency = checkInteger('latency', options.latency, 0, 0);
  const port = checkInteger('port', options.port, 0, 0, 65_535);
  const faults = new FaultQueue<{ fault: PriceFault; retryAfter: number | undefined }>();
  const calls: FakePriceApi['calls'][number][] = [];
  // Keyed by digest, so that a test that searches memory for its key does not find it here.
  const standings = new Map<string, 'live' | 'revoked'>();
  const accept = (key: string): void => void standings.set(hashKey(key), 'live');
  const getStanding = (key: string | undefined): KeyStanding =>
    key === undefined || key === '' ? 'none' : (standings.get(hashKey(key)) ?? 'unknown');
  for (const key of keys) accept(key);

  const server = await startLoopbackServer(port, async (request, response) => {
    const call = readCall(request);
    const key = dialect.findKey(call);
    const record = { at: Date.now(), status: 0, key: getStanding(key) };
    calls.push(record);
    if (!(await pause(response, latency))) return;
    const injected = faults.take(() => true);
    const fault = injected?.fault;
    if (fault === 'slow') return;
    if (fault === 'reset') {
      resetConnection(response);
      return;
    }
    // Again, because the key may have been revoked during the pause.
    record.key = getStanding(key);
    const reply = createReply(dialect, call, record.key, fault);
    record.status = reply.status;
    if (fault === 'huge') {
      await sendHuge(response, reply);
      return;
    }
    const [type, text] =
      fault === 'http-503' ? ['text/html', UNAVAILABLE_PAGE] : ['application/json', JSON.stringify(reply.body)];
    const headers: Record<string, string> = { 'content-type': type };
    if (injected?.retryAfter !== undefined) headers['retry-after'] = String(Math.ceil(injected.retryAfter / 1000));
    send(response, reply.status, headers, fault === 'malformed' ? text.slice(0, Math.floor(text.length / 2)) : text);
  });
  return {
    ...server,
    calls,
    accept,
    revoke: (key) => void standings.set(hashKey(key), 'revoked'),
    inject(fault, how = {}) {
      checkOptionNames('`inject`', how, ['times', 'retryAfter']);
      const fallback = fault === 'rate-limited' ? 1_000 : undefined;
      const retryAfter = how.retryAfter === undefined ? fallback : checkInteger('retryAfter', how.retryAfter, 0, 0);
      const name = checkName('The fault', fault, FAULTS);
      faults.add({ fault: name, retryAfter: RETRIED.includes(name) ? retryAfter : undefined }, checkTimes(how.times));
    },
  };
}

function hashKey(key: unknown): string {
  return nodeCrypto().createHash('sha256').update(checkString('key', key)).digest('base64');
}

function readCall({ target, headers }: LoopbackRequest): PriceCall {
  // With a base, a path that starts with two slashes would be parsed as a host.
  const { pathname, searchParams } = new URL(target.startsWith('/') ? `http://127.0.0.1${target}` : target);
  return { path: pathname, query: searchParams, getHeader: (name) => headers[name]?.[0] };
}

function createReply(dialect: PriceDialect, call: PriceCall, key: KeyStanding, fault?: PriceFault): PriceReply {
  switch (fault) {
    case 'http-500':
      return { status: 500, body: { message: 'Internal Server Error' } };
    case 'http-503':
      return { status: 503, body: {} };
    case 'rate-limited':
    case 'quota':
    case 'plan':
      return dialect.errors[fault];
    case 'implausible':
      return dialect.answer(call, Date.now(), showReciprocal);
    case undefined:
      if (key !== 'live') return dialect.errors[key === 'none' ? 'missing-key' : 'wrong-key'];
  }
  return dialect.answer(call, Date.now(), (price) => price);
}

/**
 * Streams the reply padded to 11 MB, no faster than the client reads. It is valid JSON with the right prices, so that
 * only a client with a limit on what it reads refuses it.
 */
async function sendHuge(response: ServerResponse, { status, body }: PriceReply): Promise<void> {
  const { pipeline } = process.getBuiltinModule('node:stream/promises');
  response.writeHead(status, { 'content-type': 'application/json' });
  await pipeline(function* () {
    yield `${JSON.stringify(body).slice(0, -1)},"padding":"`;
    for (let sent = 0; sent < HUGE_CHUNKS; sent++) yield HUGE_CHUNK;
    yield '"}';
  }, response);
}
