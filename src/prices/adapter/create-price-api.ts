import { isGoldKeyError, isTransientFault, isUnauthorized, type KeyContext } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { firstOf, type Incoming } from '../../http/types.js';
import { Unreadable, type Ask, type Dialect, type Reading } from './types.js';
import { faultError, faultOfStatus, networkError } from './errors.js';
import { checkPriceOptions, isCurrency } from './options.js';
import { isSymbol } from './metals.js';
import { plausibility } from '../values/price-limits.js';
import { PriceApiError } from '../price-api-error.js';
import { transport, type Connection } from './connection.js';
import type { PriceApi, PriceApiOptions, PriceQuery, Quote } from '../types.js';
import { perUnit } from '../values/units.js';
import { KeyHider } from './key-redactor.js';

type Query = string | PriceQuery;

/** A price in the body it came in. */
interface Found {
  readonly raw: object;
  readonly reading: Reading;
}

const HEADERS = { accept: 'application/json' } as const;

/** Makes a price API out of a dialect: all that is not the vendor's own way of asking and answering is in here. */
export function createPriceApi(name: string, dialect: Dialect, options: PriceApiOptions): PriceApi {
  const checked = checkPriceOptions(name, options, dialect.baseUrl);
  const { source } = dialect;
  const connect = transport(checked);
  const { check, accept } = plausibility(checked);

  async function quotes(asks: readonly Ask[], context: KeyContext): Promise<Quote[]> {
    // Before the first await: the context's getters throw once the call has settled.
    const { apiKey } = context;
    const connection = connect(context);
    const hider = new KeyHider(apiKey);
    const found = new Map<Ask, Found>();
    // One after the other: a key that is refused is refused once.
    for (const group of groupsOf(asks, dialect.together)) {
      const { path, headers } = dialect.request(group, apiKey);
      const answer = await answerTo(connection, path, headers, hider);
      const raw = bodyOf(answer, hider);
      const alone = isAlone(group);
      for (const ask of group) found.set(ask, { raw, reading: readingOf(raw, ask, alone, answer.status) });
    }
    // Only now, when nothing that was asked for has been refused.
    for (const [ask, { reading }] of found) accept(reading, ask);
    return asks.map((ask) => quoteOf(ask, found.get(ask) as Found));
  }

  async function answerTo(
    connection: Connection,
    path: string,
    headers: Readonly<Record<string, string>> | undefined,
    hider: KeyHider,
  ): Promise<Incoming> {
    try {
      return await connection.get(
        `${checked.baseUrl.pathname}${path}`,
        headers === undefined ? HEADERS : { ...HEADERS, ...headers },
      );
    } catch (error) {
      connection.signal.throwIfAborted();
      if (!(error instanceof BodyTooLarge)) throw networkError(source, hider.error(error));
      throw new PriceApiError(`${source} answered with more than \`maxBodySize\` bytes: check \`baseUrl\`.`, {
        kind: 'implausible',
        source,
      });
    }
  }

  function bodyOf(answer: Incoming, hider: KeyHider): object {
    let body: unknown;
    try {
      body = hider.json(answer.text);
    } catch {
      body = undefined;
    }
    const json = typeof body === 'object' && body !== null ? body : undefined;
    const fault = (json && dialect.fault(json, answer.status)) ?? faultOfStatus(answer.status);
    if (fault === undefined && json !== undefined) return json;
    // A gateway's page under 200, or a body that broke off.
    const notJson = { kind: 'transient', detail: 'the body is no JSON' } as const;
    throw faultError(source, fault ?? notJson, answer.status, firstOf(answer.headers['retry-after']));
  }

  function readingOf(raw: object, ask: Ask, alone: boolean, status: number): Reading {
    try {
      const reading = dialect.read(raw, ask, alone);
      check(reading, ask);
      return reading;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new PriceApiError(`${source} ${error.message}.`, { kind: error.kind, source, status });
    }
  }

  function quoteOf(ask: Ask, { raw, reading }: Found): Quote {
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
    const { metal, currency = checked.currency } = partsOf(query);
    if (!isSymbol(metal)) {
      throw badRequest('knows metals by symbols of capital letters, e.g. `XAU`');
    }
    if (!isCurrency(currency)) throw badRequest('knows currencies by three capital letters, e.g. `USD`');
    const ask = { metal, currency };
    const instead = dialect.unsupported?.(ask);
    if (instead !== undefined) throw badRequest(instead);
    return ask;
  }

  /** A request that is not sent. */
  function badRequest(why: string): PriceApiError {
    return new PriceApiError(`${source} ${why}.`, { kind: 'bad-request', source });
  }

  return {
    async fetchPrice(query, context) {
      const [quote] = await quotes([askOf(query)], context);
      return quote as Quote;
    },
    ...(dialect.together !== 'none' && {
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

/** Of a caller without types nothing may come, which is no query either. */
function partsOf(query: Query | null | undefined): Partial<PriceQuery> {
  return typeof query === 'string' ? { metal: query } : (query ?? {});
}

/** Whether one price is asked for, however often. */
function isAlone([first, ...others]: readonly Ask[]): boolean {
  return others.every(({ metal, currency }) => metal === first?.metal && currency === first.currency);
}

/** What goes into one request each. */
function groupsOf(asks: readonly Ask[], together: Dialect['together']): Iterable<readonly Ask[]> {
  if (together === 'any') return [asks];
  const groups = new Map<string, Ask[]>();
  for (const ask of asks) {
    const group = groups.get(ask.currency);
    if (group === undefined) groups.set(ask.currency, [ask]);
    else group.push(ask);
  }
  return groups.values();
}
