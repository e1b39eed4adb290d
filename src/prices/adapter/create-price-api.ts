import {
  getKeyMatcher,
  isTransientFailure,
  isUnauthorized,
  judgingOnlyResponses,
  SecretMatcher,
  type KeyContext,
} from '../../core/index.js';
import { firstHeaderValue, type Incoming } from '../../http/types.js';
import { isPriceApiError, PriceApiError } from '../price-api-error.js';
import type { PriceApi, PriceApiOptions, PriceQuery, Quote } from '../types.js';
import { isMetalSymbol, KNOWN_METALS } from '../values/metals.js';
import { formatPair, isCurrencyCode, type Pair } from '../values/pair.js';
import { PriceChecks } from '../values/price-limits.js';
import { UnusableBody, type Reading } from '../values/reading.js';
import { convertToUnit } from '../values/units.js';
import { createTransport, type PriceRequest } from './connection.js';
import { classifyStatus, createFailureError, type Failure } from './errors.js';
import { checkPriceOptions } from './options.js';
import { parseRedacted } from './redact-answer.js';

type Query = string | PriceQuery;
/** The pairs of one request, at least one. */
type PairGroup = readonly [Pair, ...Pair[]];

/** A pair that was asked for, and what came for it. */
interface Result {
  readonly pair: Pair;
  reading: Reading | undefined;
  raw: object | undefined;
}

/** A {@link Result} after its request. */
type Complete = Readonly<{ [K in keyof Result]-?: NonNullable<Result[K]> }>;

/**
 * All that differs between price APIs: how to ask, how a body reports a failure, and where the price stands. Transport,
 * limits, units, errors and the removal of the key are shared.
 */
export interface Dialect {
  /** The API's name in quotes and errors. */
  readonly source: string;
  /** The vendor's address. */
  readonly baseUrl: string;
  /** The pairs that one request can ask for: any, those in one currency, or a single one. */
  readonly batching: 'any' | 'one-currency' | 'none';
  /** Returns why the API cannot give a price, before anything is sent, or `undefined` if it can. */
  explainUnsupported?(pair: Pair): string | undefined;
  /** Builds one request for no more pairs than `batching` allows. */
  buildRequest(pairs: PairGroup, key: string): PriceRequest;
  /** Returns the failure that a JSON body reports, whatever the status; `undefined` leaves it to the status. */
  readFailure(body: object, status: number): Failure | undefined;
  /** Returns the price in a body without a failure, or throws an `UnusableBody`. `isAlone`: the only pair asked for. */
  readPrice(body: object, pair: Pair, isAlone: boolean): Reading;
}

/** Creates a price API from a vendor's dialect. `name` is the function that the user called, for option errors. */
export function createPriceApi(name: string, dialect: Dialect, options: PriceApiOptions): PriceApi {
  const checked = checkPriceOptions(name, options, dialect.baseUrl);
  const { unit } = checked;
  const { source } = dialect;
  const connect = createTransport(source, checked);
  const checks = new PriceChecks(checked);

  /** Fetches what most calls ask for, without the lists that several pairs need: they take as long as the reading. */
  async function fetchQuote(query: Query, context: KeyContext): Promise<Quote> {
    const pair = parseQuery(query);
    const { apiKey } = context;
    const matcher = findMatcher(context, apiKey);
    const answer = await connect(context, matcher)(dialect.buildRequest([pair], apiKey));
    const raw = parseBody(answer, matcher);
    const reading = readPrice(raw, pair, true, answer.status);
    checks.accept(reading, pair);
    return createQuote({ pair, reading, raw });
  }

  async function fetchQuotes(pairs: readonly Pair[], context: KeyContext): Promise<Quote[]> {
    // Before the first await: the context's getters throw once the call has settled.
    const { apiKey } = context;
    const matcher = findMatcher(context, apiKey);
    const get = connect(context, matcher);
    const results: Result[] = pairs.map((pair) => ({ pair, reading: undefined, raw: undefined }));
    // One after the other, so that a rejected key is used once.
    for (const group of groupByRequest(results, dialect.batching)) {
      const asked = group.map(({ pair }) => pair) as PairGroup & Pair[];
      const answer = await get(dialect.buildRequest(asked, apiKey));
      const raw = parseBody(answer, matcher);
      const isAlone = new Set(asked.map(formatPair)).size === 1;
      for (const result of group) {
        result.reading = readPrice(raw, result.pair, isAlone, answer.status);
        result.raw = raw;
      }
    }
    const complete = results as Complete[];
    // Only after all checks: one price that fails them fails the call.
    for (const { pair, reading } of complete) checks.accept(reading, pair);
    return complete.map(createQuote);
  }

  // No spread of what may be absent, here and on the way to it: it takes 1 us a time, a tenth of all that an adapter does.
  function createQuote({ pair: { metal, currency }, reading, raw }: Complete): Quote {
    const { price, bid, ask, timestamp = Date.now(), direction } = reading;
    const quote: Quote = {
      metal,
      currency,
      price: convertToUnit(price, unit),
      unit,
      timestamp,
      source,
      direction,
      raw,
    };
    if (bid !== undefined) quote.bid = convertToUnit(bid, unit);
    if (ask !== undefined) quote.ask = convertToUnit(ask, unit);
    return quote;
  }

  function parseBody({ text, status, headers }: Incoming, matcher: SecretMatcher): object {
    const body = parseRedacted(text, matcher);
    const failure = (body && dialect.readFailure(body, status)) ?? classifyStatus(status);
    if (failure === undefined && body !== undefined) return body;
    // A gateway's page with status 200, or a truncated body.
    const notJson = { kind: 'transient', detail: 'the body is not JSON' } as const;
    throw createFailureError(source, failure ?? notJson, status, firstHeaderValue(headers['retry-after']));
  }

  function readPrice(raw: object, pair: Pair, isAlone: boolean, status: number): Reading {
    try {
      const reading = dialect.readPrice(raw, pair, isAlone);
      checks.check(reading, pair);
      return reading;
    } catch (error) {
      throw error instanceof UnusableBody ? createError(error.kind, error.message, status) : error;
    }
  }

  function parseQuery(query: Query | null | undefined): Pair {
    // Callers without types may pass anything.
    const { metal, currency = checked.currency } = typeof query === 'string' ? { metal: query } : (query ?? {});
    if (!isMetalSymbol(metal)) {
      throw createError('bad-request', `expects the symbol of a metal: ${KNOWN_METALS}`);
    }
    if (!isCurrencyCode(currency)) {
      throw createError('bad-request', 'expects a currency as three capital letters, e.g. `USD`');
    }
    const pair = { metal, currency };
    const unsupported = dialect.explainUnsupported?.(pair);
    if (unsupported !== undefined) throw createError('bad-request', unsupported);
    return pair;
  }

  function createError(kind: PriceApiError['kind'], message: string, status?: number): PriceApiError {
    return new PriceApiError(`${source} ${message}.`, { kind, source, status });
  }

  return {
    fetchPrice: fetchQuote,
    ...(dialect.batching !== 'none' && {
      async fetchPrices(queries: readonly Query[], context: KeyContext) {
        const pairs = queries.map(parseQuery);
        return pairs.length === 0 ? [] : fetchQuotes(pairs, context);
      },
    }),
    isKeyRejected: judgingOnlyResponses((outcome) =>
      isPriceApiError(outcome.error) ? outcome.error.kind === 'key-rejected' : isUnauthorized(outcome),
    ),
    // The default, which reads `retryable` of a PriceApiError: given so that spreading replaces both options together.
    isTransient: isTransientFailure,
  };
}

/** Returns what finds the key in an answer; a context that a test has made by hand has none. */
function findMatcher(context: KeyContext, apiKey: string): SecretMatcher {
  return getKeyMatcher(context) ?? new SecretMatcher([apiKey]);
}

/** Returns what each request asks for. */
function groupByRequest(results: readonly Result[], batching: Dialect['batching']): ReadonlyArray<readonly Result[]> {
  if (batching === 'any') return [results];
  const currencies = new Set(results.map(({ pair }) => pair.currency));
  return Array.from(currencies, (currency) => results.filter(({ pair }) => pair.currency === currency));
}
