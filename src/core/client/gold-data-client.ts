import { startCall } from '../call/call.js';
import type { KeyContext } from '../call/key-context.js';
import { getClientState, KeyedClient } from './keyed-client.js';
import { checkOptions, invalidType, describeType, checkOptionalFunction, type CheckedOptions } from '../options.js';
import type { CallOptions, KeyedClientOptions } from '../types.js';

/** Options of {@link GoldDataClient}: those of a `KeyedClient`, and the caller's price functions. */
export interface GoldDataClientOptions<Quote, Query = string> extends KeyedClientOptions {
  /** Fetches a price with the key of `context`. Throws, or returns a `Response`, with status 401 if the key is refused. Required. */
  fetchPrice(query: Query, context: KeyContext): Promise<Quote>;
  /** Fetches several prices in one request. Default: `getPrices` runs `fetchPrice` for each. */
  fetchPrices?: ((queries: readonly Query[], context: KeyContext) => Promise<Quote[]>) | undefined;
}

/**
 * A {@link KeyedClient} around a function that fetches prices. Transient failures are retried unless `retry` is `false`.
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 *     keyId: 'alias/gold-api-keys',
 *   }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * await gold.close();
 * ```
 */
export class GoldDataClient<Quote, Query = string> extends KeyedClient {
  readonly #fetchPrice: (query: Query, context: KeyContext) => Promise<Quote>;
  readonly #fetchPrices: ((queries: readonly Query[], context: KeyContext) => Promise<Quote[]>) | undefined;

  /**
   * @param options - see {@link GoldDataClientOptions}; durations in ms
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
   */
  constructor(options: GoldDataClientOptions<Quote, Query>) {
    super(options, checkGoldOptions(options));
    this.#fetchPrice = options.fetchPrice;
    this.#fetchPrices = options.fetchPrices;
  }

  /**
   * Fetches one price with the key and resolves to the result of `fetchPrice`.
   *
   * @param args - `query`, by default `'XAU'` if queries are strings, and options of this call
   * @throws as {@link KeyedClient.withKey}
   */
  getPrice(
    ...args: string extends Query ? [query?: Query, options?: CallOptions] : [query: Query, options?: CallOptions]
  ): Promise<Quote>;
  getPrice(query?: unknown, options?: CallOptions): Promise<Quote> {
    return startCall<Quote>(getClientState(this), this.#fetchPrice, query === undefined ? 'XAU' : query, options);
  }

  /**
   * Fetches several prices, in the order of `queries`: in one request if `fetchPrices` is given, else by one call each.
   *
   * @param queries - the queries; an empty array resolves to an empty array
   * @param options - options of this call, or of each call without `fetchPrices`
   * @throws as {@link KeyedClient.withKey}
   */
  async getPrices(queries: readonly Query[], options?: CallOptions): Promise<Quote[]> {
    if (!Array.isArray(queries)) throw invalidType(`\`queries\` must be an array, got ${describeType(queries)}.`);
    if (queries.length === 0) return [];
    const core = getClientState(this);
    if (this.#fetchPrices !== undefined) return startCall<Quote[]>(core, this.#fetchPrices, [...queries], options);
    return Promise.all(queries.map((query) => startCall<Quote>(core, this.#fetchPrice, query, options)));
  }
}

/** Checks the options before the client exists: one that is refused must not be counted as a user of its provider. */
function checkGoldOptions<Quote, Query>(options: GoldDataClientOptions<Quote, Query>): CheckedOptions {
  const checked = checkOptions('GoldDataClient', options, ['fetchPrice', 'fetchPrices'], true);
  const { fetchPrice, fetchPrices } = options as Partial<GoldDataClientOptions<Quote, Query>>;
  if (typeof fetchPrice !== 'function') {
    throw invalidType(`\`fetchPrice\` must be a function, got ${describeType(fetchPrice)}.`);
  }
  checkOptionalFunction('fetchPrices', fetchPrices);
  return checked;
}
