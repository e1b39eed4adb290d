import {
  checkOptionNames,
  delay,
  describeType,
  getRequestClock,
  invalidType,
  type KeyProvider,
  type LoadRequest,
  type Stage,
} from '../core/index.js';

const STAGES = ['current', 'pending', 'previous'] as const satisfies readonly Stage[];

/** A key store in memory that a test can change, break and slow down. */
export interface MemoryKeyProvider extends KeyProvider {
  /** The number of `load` calls so far, failed ones included. */
  readonly loads: number;
  /**
   * Puts a key into a stage, or takes it out.
   *
   * @param stage - the stage to change
   * @param key - the new key; `undefined` empties the stage
   * @param version - the key's version. Default: `v1`, `v2` … in the order of the calls
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: a stage that does not exist, or a key that is not a string
   */
  set(stage: Stage, key: string | undefined, version?: string): void;
  /**
   * Makes every load from now on fail.
   *
   * @param error - makes the error that a load throws; `undefined` ends the outage
   */
  failWith(error: (() => unknown) | undefined): void;
  /** The duration of a load in ms, on the client's `clock`, from 0. Default 0. */
  delay: number;
}

/**
 * Creates a key store for tests. It counts its loads, honours `known`, and waits for its `delay` on the client's clock, so
 * that a `manualClock()` moves it.
 *
 * @param keys - the key of each stage at the start; a stage may be left out
 * @returns the store, for the `keyProvider` option of clients
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: a stage that does not exist, or a key that is not a string
 *
 * @example
 * ```ts
 * import { GoldDataClient, KeyProviderError } from 'goldkey';
 * import { manualClock, memoryKeyProvider } from 'goldkey/testing';
 *
 * const clock = manualClock();
 * const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
 * const gold = new GoldDataClient({ keyProvider, clock, fetchPrice: async (symbol, { apiKey }) => 2000 });
 * await gold.getPrice('XAU');
 * keyProvider.failWith(() => new KeyProviderError('the store is down'));
 * await clock.advance(400_000);
 * await gold.getPrice('XAU'); // the last good key still serves
 * ```
 */
export function memoryKeyProvider(keys: Partial<Record<Stage, string>>): MemoryKeyProvider {
  checkOptionNames('memoryKeyProvider', keys, STAGES);
  const stored = new Map<Stage, { bytes: Uint8Array; version: string }>();
  let loads = 0;
  let versions = 0;
  let createError: (() => unknown) | undefined;

  const provider: MemoryKeyProvider = {
    name: 'memory',
    plaintextAtRest: true,
    delay: 0,
    get loads() {
      return loads;
    },
    set(stage, key, version) {
      if (!STAGES.includes(stage)) throw invalidType(`\`stage\` must be one of ${STAGES.join(', ')}.`);
      if (key !== undefined && typeof key !== 'string')
        throw invalidType(`\`${stage}\` must be a string, got ${describeType(key)}.`);
      if (key === undefined) stored.delete(stage);
      else stored.set(stage, { bytes: new TextEncoder().encode(key), version: version ?? `v${String(++versions)}` });
    },
    failWith(error) {
      createError = error;
    },
    async load(request: LoadRequest) {
      loads++;
      request.signal.throwIfAborted();
      if (provider.delay > 0) await delay(getRequestClock(request), provider.delay, request.signal);
      if (createError !== undefined) throw createError();
      const found = stored.get(request.stage);
      if (found === undefined) return undefined;
      if (request.known?.includes(found.version) === true) return { unchanged: true, version: found.version };
      return { bytes: found.bytes.slice(), version: found.version };
    },
  };
  for (const stage of STAGES) provider.set(stage, keys[stage]);
  return provider;
}
