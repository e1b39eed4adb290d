import { isTransientFault, isUnauthorized, type KeyContext } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { firstHeaderValue, type Incoming } from '../../http/types.js';
import { isPriceApiError, PriceApiError } from '../price-api-error.js';
import type { PriceApi, PriceApiOptions, PriceQuery, Quote } from '../types.js';
import { isMetalSymbol } from '../values/metals.js';
import { createPriceChecks } from '../values/price-limits.js';
import { formatPair, UnusableBody, type Pair, type Reading } from '../values/reading.js';
import { convertToUnit } from '../values/units.js';
import { createTransport, type Connection } from './connection.js';
import { classifyStatus, createFailureError, createNetworkError } from './errors.js';
import { KeyRedactor } from './key-redactor.js';
import { checkPriceOptions, isCurrencyCode } from './options.js';
import type { Dialect, PairGroup, PriceRequest } from './types.js';

type Query = string | PriceQuery;

/** A reading and the body it was in. */
interface Result {
  readonly raw: object;
  readonly reading: Reading;
}

/** Creates a price API from a vendor's dialect. `name` is the function that the user called, for option errors. */
export function createPriceApi(name: string, dialect: Dialect, options: PriceApiOptions): PriceApi {
  const checked = checkPriceOptions(name, options, dialect.baseUrl);
  const { source } = dialect;
  const connect = createTransport(checked);
  const { check, accept } = createPriceChecks(checked);

  async function fetchQuotes(pairs: PairGroup, context: KeyContext): Promise<Quote[]> {
    // Before the first await: the context's getters throw once the call has settled.
    const { apiKey } = context;
    const connection = connect(context);
    const redactor = new KeyRedactor(apiKey);
    const results = new Map<Pair, Result>();
    // One after the other, so that a rejected key is used once.
    for (const group of groupPairs(pairs, dialect.batching)) {
      const answer = await send(connection, dialect.buildRequest(group, apiKey), redactor);
      const raw = parseBody(answer, redactor);
      const isAlone = new Set(group.map(formatPair)).size === 1;
      for (const pair of group) results.set(pair, { raw, reading: readPrice(raw, pair, isAlone, answer.status) });
    }
    // Only after all checks: one price that fails them fails the call.
    for (const [pair, { reading }] of results) accept(reading, pair);
    return pairs.map((pair) => createQuote(pair, results.get(pair) as Result));
  }

  async function send(connection: Connection, request: PriceRequest, redactor: KeyRedactor): Promise<Incoming> {
    try {
      const headers = { accept: 'application/json', ...request.headers };
      return await connection.get(`${checked.baseUrl.pathname}${request.path}`, headers);
    } catch (error) {
      connection.signal.throwIfAborted();
      if (!(error instanceof BodyTooLarge)) throw createNetworkError(source, redactor.copyError(error));
      throw createError('implausible', 'answered with more than `maxBodySize` bytes: check `baseUrl`');
    }
  }

  function parseBody({ text, status, headers }: Incoming, redactor: KeyRedactor): object {
    let body: unknown;
    try {
      body = redactor.parseJson(text);
    } catch {
      body = undefined;
    }
    const json = typeof body === 'object' && body !== null ? body : undefined;
    const failure = (json && dialect.readFailure(json, status)) ?? classifyStatus(status);
    if (failure === undefined && json !== undefined) return json;
    // A gateway's page with status 200, or a truncated body.
    const notJson = { kind: 'transient', detail: 'the body is not JSON' } as const;
    throw createFailureError(source, failure ?? notJson, status, firstHeaderValue(headers['retry-after']));
  }

  function readPrice(raw: object, pair: Pair, isAlone: boolean, status: number): Reading {
    try {
      const reading = dialect.readPrice(raw, pair, isAlone);
      check(reading, pair);
      return reading;
    } catch (error) {
      throw error instanceof UnusableBody ? createError(error.kind, error.message, status) : error;
    }
  }

  function createQuote(pair: Pair, { raw, reading }: Result): Quote {
    const { unit } = checked;
    const { price, bid, ask, timestamp, direction } = reading;
    return {
      ...pair,
      price: convertToUnit(price, unit),
      unit,
      ...(bid !== undefined && { bid: convertToUnit(bid, unit) }),
      ...(ask !== undefined && { ask: convertToUnit(ask, unit) }),
      timestamp: timestamp ?? Date.now(),
      source,
      direction,
      raw,
    };
  }

  function parseQuery(query: Query | null | undefined): Pair {
    // Callers without types may pass anything.
    const { metal, currency = checked.currency } = typeof query === 'string' ? { metal: query } : (query ?? {});
    if (!isMetalSymbol(metal)) {
      throw createError('bad-request', 'expects metals as symbols of capital letters, e.g. `XAU`');
    }
    if (!isCurrencyCode(currency)) {
      throw createError('bad-request', 'expects currencies as three capital letters, e.g. `USD`');
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
    async fetchPrice(query, context) {
      const [quote] = await fetchQuotes([parseQuery(query)], context);
      return quote as Quote;
    },
    ...(dialect.batching !== 'none' && {
      async fetchPrices(queries: readonly Query[], context: KeyContext) {
        const [first, ...others] = queries.map(parseQuery);
        return first === undefined ? [] : fetchQuotes([first, ...others], context);
      },
    }),
    isKeyRejected(outcome) {
      const { error } = outcome;
      return isPriceApiError(error) ? error.kind === 'key-rejected' : isUnauthorized(outcome);
    },
    // The default, which reads `retryable` of a PriceApiError: given so that spreading replaces both options together.
    isTransient: isTransientFault,
  };
}

/** Returns the pairs of each request. */
function groupPairs(pairs: PairGroup, batching: Dialect['batching']): Iterable<PairGroup> {
  if (batching === 'any') return [pairs];
  const groups = new Map<string, [Pair, ...Pair[]]>();
  for (const pair of pairs) {
    const group = groups.get(pair.currency);
    if (group === undefined) groups.set(pair.currency, [pair]);
    else group.push(pair);
  }
  return groups.values();
}
