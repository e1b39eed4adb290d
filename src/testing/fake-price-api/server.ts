import type { ServerResponse } from 'node:http';
import { checkOptionNames, checkInteger, invalidType, describeType } from '../../core/index.js';
import { findPriceApiName, PRICE_APIS, type PriceApiName } from '../../prices/apis/names.js';
import { checkTimes, FaultQueue, oneOf } from '../http/fault-queue.js';
import { apiNinjasDialect } from './apis/api-ninjas.js';
import { commoditiesApiDialect } from './apis/commodities-api.js';
import type { PriceCall, PriceDialect, PriceReply } from './types.js';
import { sendHuge, UNAVAILABLE_PAGE } from './faults.js';
import { goldapiDialect } from './apis/goldapi.js';
import { KeyRegister, type KeyStanding } from './keys.js';
import { metalpriceapiDialect } from './apis/metalpriceapi.js';
import { metalsApiDialect } from './apis/metals-api.js';
import { metalsDevDialect } from './apis/metals-dev.js';
import { twelveDataDialect } from './apis/twelve-data.js';
import { type LoopbackRequest, pause, resetConnection, send, startLoopbackServer } from '../http/loopback-server.js';

/**
 * What a fake price API can be told to do, whatever key the call brings: `http-500`; `http-503` with a proxy's HTML
 * page; `rate-limited` is HTTP 429 with `Retry-After`; `quota` and `plan` are the vendor's own refusals; `reset`
 * resets the connection; `slow` never answers; `malformed` is HTTP 200 with half a JSON; `implausible` is a price that
 * cannot be (the reciprocal of what belongs there); `huge` is the right answer in a body of 11 MB.
 */
export type PriceFault =
  'http-500' | 'http-503' | 'rate-limited' | 'quota' | 'plan' | 'reset' | 'slow' | 'malformed' | 'implausible' | 'huge';

/** Options of {@link startFakePriceApi}. */
export interface FakePriceApiOptions {
  /**
   * Whose dialect it speaks: `metals-api` (the default), `commodities-api`, `metalpriceapi`, `goldapi`, `metals-dev`,
   * `api-ninjas` or `twelve-data`. It looks for the key only where that vendor does, answers on the vendor's path with or
   * without the leading part that its address has (`/api`, `/v1`), and refuses in the vendor's own way.
   */
  api?: string | undefined;
  /** The keys it accepts from the start. Default: none, so that every call is refused until `accept`. */
  keys?: readonly string[] | undefined;
  /** How long every answer waits, in ms. Default 0. */
  latency?: number | undefined;
  /** The port on 127.0.0.1, from 0 to 65_535. Default 0: a free one. */
  port?: number | undefined;
}

/** A price API on loopback. It keeps digests of the keys it knows, never a key. */
export interface FakePriceApi extends AsyncDisposable {
  /** The `baseUrl` for an adapter, `http://127.0.0.1:<port>`. */
  readonly url: string;
  /**
   * Every call since the start, in order of arrival; the same array all the time. `key` is how the call's key stood:
   * never the key itself. `at` is epoch ms; `status` is 0 until the call is answered, and stays 0 when its connection
   * was cut instead.
   */
  readonly calls: ReadonlyArray<{ at: number; status: number; key: KeyStanding }>;
  /** Calls with this key are answered from now on. */
  accept(key: string): void;
  /** Calls with this key are refused from now on, and logged as `revoked`. */
  revoke(key: string): void;
  /**
   * Shows `fault` to the next `times` calls (default 1; `Infinity`: for ever). Faults queue up. `retryAfter` in ms
   * becomes a `Retry-After` header in whole seconds, rounded up, on `rate-limited` (default 1_000), `http-500` and
   * `http-503` (default: none).
   */
  inject(fault: PriceFault, options?: { times?: number | undefined; retryAfter?: number | undefined }): void;
  /** Cuts every connection at once and stops; never waits for a client. */
  close(): Promise<void>;
}

/** Another vendor is another line here, and a file beside `fake-price-api-metals-api.ts`. */
const DIALECTS: Readonly<Record<PriceApiName, PriceDialect>> = {
  'metals-api': metalsApiDialect,
  'commodities-api': commoditiesApiDialect,
  metalpriceapi: metalpriceapiDialect,
  goldapi: goldapiDialect,
  'metals-dev': metalsDevDialect,
  'api-ninjas': apiNinjasDialect,
  'twelve-data': twelveDataDialect,
};

/** Those that may tell when to come again. */
const LATER: ReadonlySet<PriceFault> = new Set(['http-500', 'http-503', 'rate-limited']);

const FAULTS: readonly PriceFault[] = [
  'http-500',
  'http-503',
  'rate-limited',
  'quota',
  'plan',
  'reset',
  'slow',
  'malformed',
  'implausible',
  'huge',
];

interface Injected {
  fault: PriceFault;
  retryAfter: number | undefined;
}

/**
 * Starts a price API on 127.0.0.1. Its prices are constant: XAU 2199.51, XAG 25.34, XPT 905.75 and XPD 1012.50 US
 * dollars a troy ounce; the bases and symbols it knows beside them are USD, EUR, GBP, CHF and JPY.
 *
 * @param options - all optional
 * @returns the running server; close it, or declare it with `await using`
 * @throws {TypeError} with code `ERR_INVALID_ARG_VALUE`: an unknown option or `api`, or a value of the wrong type
 * @throws {RangeError} with code `ERR_INVALID_ARG_VALUE`: a port or latency out of range
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
 * await gold.getPrice('XAU'); // one 401, repaired: api.calls tells
 *
 * await gold.close();
 * await api.close();
 * ```
 */
export async function startFakePriceApi(options: FakePriceApiOptions = {}): Promise<FakePriceApi> {
  checkOptionNames('startFakePriceApi', options, ['api', 'keys', 'latency', 'port']);
  const dialect = dialectOf(options.api);
  const keys = new KeyRegister(options.keys);
  const latency = checkInteger('latency', options.latency, 0, 0);
  const port = checkInteger('port', options.port, 0, 0, 65_535);
  const faults = new FaultQueue<Injected>();
  const calls: { at: number; status: number; key: KeyStanding }[] = [];

  const server = await startLoopbackServer(port, async (request, response) => {
    const call = callOf(request);
    const key = dialect.keyOf(call);
    const record = { at: Date.now(), status: 0, key: keys.standing(key) };
    calls.push(record);
    if (!(await pause(response, latency))) return;
    const injected = faults.take(() => true);
    if (injected?.fault === 'slow') return;
    if (injected?.fault === 'reset') {
      resetConnection(response);
      return;
    }
    // Asked again: a key may have been revoked while the answer waited.
    record.key = keys.standing(key);
    const reply = replyOf(dialect, call, record.key, injected);
    record.status = reply.status;
    if (injected?.fault === 'huge') await sendHuge(response, reply);
    else sendReply(response, reply, injected);
  });
  return {
    url: server.url,
    calls,
    accept: (key) => {
      keys.accept(key);
    },
    revoke: (key) => {
      keys.revoke(key);
    },
    inject(fault, how = {}) {
      checkOptionNames('`inject`', how, ['times', 'retryAfter']);
      const fallback = fault === 'rate-limited' ? 1_000 : undefined;
      const retryAfter = how.retryAfter === undefined ? fallback : checkInteger('retryAfter', how.retryAfter, 0, 0);
      faults.add({ fault: oneOf('The fault', fault, FAULTS), retryAfter }, checkTimes(how.times));
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function dialectOf(api: unknown): PriceDialect {
  if (api !== undefined && typeof api !== 'string')
    throw invalidType(`\`api\` must be a string, got ${describeType(api)}.`);
  const name = findPriceApiName(api ?? 'metals-api');
  return DIALECTS[oneOf('`api`', name ?? api, PRICE_APIS)];
}

function callOf(request: LoopbackRequest): PriceCall {
  const { target } = request;
  // Two slashes at the start would be read as a host.
  const { pathname, searchParams } = new URL(target.startsWith('/') ? `http://127.0.0.1${target}` : target);
  return { path: pathname, query: searchParams, header: (name) => request.headers[name]?.[0] };
}

function replyOf(dialect: PriceDialect, call: PriceCall, key: KeyStanding, injected: Injected | undefined): PriceReply {
  switch (injected?.fault) {
    case 'http-500':
      return { status: 500, body: { message: 'Internal Server Error' } };
    case 'http-503':
      return { status: 503, body: {} };
    case 'rate-limited':
      return dialect.rateLimited();
    case 'quota':
      return dialect.quota();
    case 'plan':
      return dialect.plan();
    case 'implausible':
      return dialect.implausible(call, Date.now());
    case 'huge':
    case 'malformed':
      return dialect.answer(call, Date.now());
    default:
      return key === 'live' ? dialect.answer(call, Date.now()) : dialect.keyRefused(key === 'none');
  }
}

function sendReply(response: ServerResponse, { status, body }: PriceReply, injected: Injected | undefined): void {
  const retryAfter = injected !== undefined && LATER.has(injected.fault) ? injected.retryAfter : undefined;
  const after = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1000)) };
  if (injected?.fault === 'http-503') {
    send(response, status, { ...after, 'content-type': 'text/html' }, UNAVAILABLE_PAGE);
    return;
  }
  const text = JSON.stringify(body);
  const sent = injected?.fault === 'malformed' ? text.slice(0, Math.floor(text.length / 2)) : text;
  send(response, status, { ...after, 'content-type': 'application/json' }, sent);
}
