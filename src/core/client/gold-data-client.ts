import { startCall } from '../call/call.js';
import type { KeyContext } from '../call/key-context.js';
import { getClientState, KeyedClient } from './keyed-client.js';
import { checkOptions, invalidType, describeType, checkOptionalFunction, type CheckedOptions } from '../options.js';
import type { CallOptions, KeyedClientOptions } from '../types.js';

/** Options of {@link GoldDataClient}: those of a `KeyedClient`, and the caller's own fetch. */
export interface GoldDataClientOptions<Quote, Query = string> extends KeyedClientOptions {
  /** Fetches a price with the key it is given. Throws, or returns a `Response`, with status 401 when the key is refused. */
  fetchPrice(query: Query, context: KeyContext): Promise<Quote>;
  /** Several in one request, where the price API can; otherwise `getPrices` runs `fetchPrice` for each. */
  fetchPrices?: ((queries: readonly Query[], context: KeyContext) => Promise<Quote[]>) | undefined;
}

/**
 * A {@link KeyedClient} around a function that fetches prices. Transient faults are retried unless `retry` says no.
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
   * One price, fetched with the key.
   *
   * @param args - `query`, which is `'XAU'` by default when queries are strings, and the call's own options
   * @returns what `fetchPrice` returned
   * @throws as {@link KeyedClient.withKey}
   */
  getPrice(
    ...args: string extends Query ? [query?: Query, options?: CallOptions] : [query: Query, options?: CallOptions]
  ): Promise<Quote>;
  getPrice(query?: unknown, options?: CallOptions): Promise<Quote> {
    return startCall<Quote>(getClientState(this), this.#fetchPrice, query === undefined ? 'XAU' : query, options);
  }

  /**
   * Several prices, in the order asked for: in one request where `fetchPrices` is given, else one call each.
   *
   * @param queries - what to ask for; none gives none
   * @param options - the call's own options; without `fetchPrices`, each price's
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

/** Before the client exists: one that cannot be made must not hold a place at its provider. */
function checkGoldOptions<Quote, Query>(options: GoldDataClientOptions<Quote, Query>): CheckedOptions {
  const checked = checkOptions('GoldDataClient', options, ['fetchPrice', 'fetchPrices'], true);
  const { fetchPrice, fetchPrices } = options as Partial<GoldDataClientOptions<Quote, Query>>;
  if (typeof fetchPrice !== 'function') {
    throw invalidType(`\`fetchPrice\` must be a function, got ${describeType(fetchPrice)}.`);
  }
  checkOptionalFunction('fetchPrices', fetchPrices);
  return checked;
}
