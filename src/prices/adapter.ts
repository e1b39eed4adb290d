import { isGoldKeyError, isTransientFault, isUnauthorized, type KeyContext } from '../core/index.js';
import { BodyTooLarge } from '../transport/bounded-body.js';
import { Unreadable, type Ask, type Dialect } from './dialect.js';
import { faultError, faultOfStatus, networkError } from './faults.js';
import { checkPriceOptions, isCurrency } from './options.js';
import { plausibility } from './plausible.js';
import { PriceApiError } from './price-api-error.js';
import { transport, type Answer } from './transport.js';
import type { PriceApi, PriceApiOptions, PriceQuery, Quote } from './types.js';
import { perUnit } from './units.js';
import { KeyHider } from './without-key.js';

type Query = string | PriceQuery;

const HEADERS = { accept: 'application/json' } as const;

/** Makes a price API out of a dialect: all that is not the vendor's own way of asking and answering is in here. */
export function createPriceApi(name: string, dialect: Dialect, options: PriceApiOptions): PriceApi {
  const checked = checkPriceOptions(name, options, dialect.baseUrl);
  const { source } = dialect;
  const send = transport(checked);
  const check = plausibility(checked);

  async function quotes(asks: readonly Ask[], context: KeyContext): Promise<Quote[]> {
    // Before the first await: the context's getters throw once the call has settled.
    const { apiKey, signal } = context;
    const hider = new KeyHider(apiKey);
    const { path, headers } = dialect.request(asks, apiKey);
    let answer: Answer;
    try {
      answer = await send({
        path: `${checked.baseUrl.pathname}${path}`,
        headers: headers === undefined ? HEADERS : { ...HEADERS, ...headers },
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BodyTooLarge) {
        throw new PriceApiError(`${source} answered with more than \`maxBodySize\` bytes.`, {
          kind: 'implausible',
          source,
        });
      }
      throw networkError(source, hider.error(error));
    }
    const body = bodyOf(answer, hider);
    try {
      return asks.map((ask) => quoteOf(body, ask));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new PriceApiError(`${source} ${error.message}.`, { kind: error.kind, source, status: answer.status });
    }
  }

  function bodyOf(answer: Answer, hider: KeyHider): object {
    let body: unknown;
    try {
      body = hider.json(answer.text);
    } catch {
      body = undefined;
    }
    const json = typeof body === 'object' && body !== null ? body : undefined;
    const fault = (json && dialect.fault(json, answer.status)) ?? faultOfStatus(answer.status);
    if (fault !== undefined) throw faultError(source, fault, answer.status, answer.retryAfter);
    if (json !== undefined) return json;
    // A gateway's page under 200, or a body that broke off.
    const notJson = { kind: 'transient', detail: 'the body is no JSON' } as const;
    throw faultError(source, notJson, answer.status, answer.retryAfter);
  }

  function quoteOf(raw: object, ask: Ask): Quote {
    const reading = dialect.read(raw, ask);
    check(reading, ask);
    const { unit } = checked;
    return {
      metal: ask.metal,
      currency: ask.currency,
      price: perUnit(reading.price, unit),
      unit,
      ...(reading.bid === undefined ? {} : { bid: perUnit(reading.bid, unit) }),
      ...(reading.ask === undefined ? {} : { ask: perUnit(reading.ask, unit) }),
      timestamp: reading.timestamp ?? Date.now(),
      source,
      direction: reading.direction,
      raw,
    };
  }

  function askOf(query: Query): Ask {
    const { metal, currency = checked.currency } = typeof query === 'string' ? { metal: query } : query;
    if (typeof metal !== 'string' || !/^[A-Z][A-Z0-9-]{1,15}$/.test(metal)) {
      throw new PriceApiError(`${source} knows metals by symbols of capital letters, e.g. \`XAU\`.`, {
        kind: 'bad-request',
        source,
      });
    }
    if (!isCurrency(currency)) {
      throw new PriceApiError(`${source} knows currencies by three capital letters, e.g. \`USD\`.`, {
        kind: 'bad-request',
        source,
      });
    }
    return { metal, currency };
  }

  return {
    async fetchPrice(query, context) {
      const [quote] = await quotes([askOf(query)], context);
      return quote as Quote;
    },
    ...(dialect.batch && {
      async fetchPrices(queries: readonly Query[], context: KeyContext) {
        return queries.length === 0 ? [] : quotes(queries.map(askOf), context);
      },
    }),
    isKeyRejected(outcome) {
      const { error } = outcome;
      if (isGoldKeyError(error, 'ERR_GOLDKEY_PRICE_API')) return (error as PriceApiError).kind === 'key-rejected';
      return isUnauthorized(outcome);
    },
    // The core's own reads `retryable` of a PriceApiError; named here so that one option replaces the other.
    isTransient: isTransientFault,
  };
}
