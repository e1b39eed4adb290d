import { getRequestClock, delay, type KeyProvider, type LoadRequest, type Stage } from '../core/index.js';

/** A key store in memory, that a test can change, break and slow down. */
export interface MemoryKeyProvider extends KeyProvider {
  /** How many times it was asked. */
  readonly loads: number;
  /** Puts a key into a stage, or takes it out. The version defaults to `v1`, `v2` … in the order of the calls. */
  set(stage: Stage, key: string | undefined, version?: string): void;
  /** Every load from now on throws what `error` makes; `undefined` mends the store. */
  failWith(error: (() => unknown) | undefined): void;
  /** How long a load takes, in ms of the client's own clock. Default 0. */
  delay: number;
}

/**
 * A key store for tests. It counts what it is asked, honours `known`, and takes its `delay` on the client's own clock, so
 * that a `manualClock()` moves it.
 *
 * @param keys - the key of each stage at the start
 * @returns the store, to hand to a client and to change under it
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
 * await gold.getPrice('XAU'); // the last good key serves on
 * ```
 */
export function memoryKeyProvider(keys: Partial<Record<Stage, string>>): MemoryKeyProvider {
  const stored = new Map<Stage, { bytes: Uint8Array; version: string }>();
  let loads = 0;
  let versions = 0;
  let failure: (() => unknown) | undefined;

  const provider: MemoryKeyProvider = {
    name: 'memory',
    plaintextAtRest: true,
    delay: 0,
    get loads() {
      return loads;
    },
    set(stage, key, version) {
      if (key === undefined) stored.delete(stage);
      else stored.set(stage, { bytes: new TextEncoder().encode(key), version: version ?? `v${String(++versions)}` });
    },
    failWith(error) {
      failure = error;
    },
    async load(request: LoadRequest) {
      loads++;
      request.signal.throwIfAborted();
      if (provider.delay > 0) await delay(getRequestClock(request), provider.delay, request.signal);
      if (failure !== undefined) throw failure();
      const found = stored.get(request.stage);
      if (found === undefined) return undefined;
      if (request.known?.includes(found.version) === true) return { unchanged: true, version: found.version };
      return { bytes: found.bytes.slice(), version: found.version };
    },
  };
  for (const stage of ['current', 'pending', 'previous'] as const) {
    if (keys[stage] !== undefined) provider.set(stage, keys[stage]);
  }
  return provider;
}
