import {
  KeyedClient,
  type KeyContext,
  type KeyedClientOptions,
  type KeyProvider,
  type LoadRequest,
  type Rollout,
  type Stage,
} from '../../src/index.js';
import { manualClock, type ManualClock } from '../../src/testing/index.js';

export const A = 'key-a-00000001';
export const B = 'key-b-00000002';
export const C = 'key-c-00000003';

/** What a store was asked, and when (monotonic). */
export interface Asked {
  readonly stage: Stage;
  readonly at: number;
  readonly known: readonly string[] | undefined;
}

/** A key store that remembers every array it handed over, on the test's clock. */
export interface TestStore extends KeyProvider {
  readonly asked: Asked[];
  readonly handed: Uint8Array[];
  closes: number;
  /** How long an answer takes, in ms. */
  latency: number;
  failure: (() => unknown) | undefined;
  put(stage: Stage, key: string | undefined): void;
  /** Gives the store a `rollout()`. */
  roll(rollout: Rollout): void;
}

export function testStore(clock: ManualClock, keys: Partial<Record<Stage, string>>): TestStore {
  const held = new Map<Stage, string>();
  const versions: string[] = [];
  let rollout: Rollout | undefined;
  const store: TestStore = {
    name: 'test-store',
    asked: [],
    handed: [],
    closes: 0,
    latency: 0,
    failure: undefined,
    put(stage, key) {
      if (key === undefined) held.delete(stage);
      else held.set(stage, key);
    },
    roll(next) {
      rollout = next;
      store.rollout = async () => rollout as Rollout;
    },
    async load({ stage, signal, known }: LoadRequest) {
      store.asked.push({ stage, at: clock.monotonic(), known });
      if (store.latency > 0) await pause(clock, store.latency, signal);
      if (store.failure !== undefined) throw store.failure();
      const key = held.get(stage);
      if (key === undefined) return undefined;
      if (!versions.includes(key)) versions.push(key);
      const version = `v${String(versions.indexOf(key) + 1)}`;
      if (known?.includes(version) === true) return { unchanged: true, version };
      const bytes = new TextEncoder().encode(key);
      store.handed.push(bytes);
      return { bytes, version };
    },
    async close() {
      store.closes++;
    },
  };
  for (const [stage, key] of Object.entries(keys)) store.put(stage as Stage, key);
  return store;
}

/** When (monotonic) a stage was asked for. */
export function loadsOf(store: TestStore, stage: Stage = 'current'): number[] {
  return store.asked.filter((asked) => asked.stage === stage).map(({ at }) => at);
}

/** A price API that knows which keys it honours. */
export interface TestApi {
  readonly live: Set<string>;
  /** The keys it was called with, in order. */
  readonly calls: string[];
  /** How long an answer takes, in ms. */
  latency: number;
  fetch(this: void, context: KeyContext): Promise<string>;
}

export function testApi(clock: ManualClock, ...live: string[]): TestApi {
  const api: TestApi = {
    live: new Set(live),
    calls: [],
    latency: 0,
    async fetch({ apiKey }) {
      api.calls.push(apiKey);
      if (api.latency > 0) await pause(clock, api.latency);
      if (!api.live.has(apiKey)) throw refusal();
      return `price by ${apiKey}`;
    },
  };
  return api;
}

/** What an HTTP client throws for a refused key. */
export function refusal(message = 'refused'): Error & { status: number } {
  return Object.assign(new Error(message), { status: 401 });
}

export function busy(more: object = {}): Error & { status: number } {
  return Object.assign(new Error('busy'), { status: 503 }, more);
}

/** A wait on the test's clock that ends early, with the reason, when the signal aborts. */
export function pause(clock: ManualClock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    clock.setTimeout(resolve, ms);
  });
}

/** The timers set from now on: how long each waits, and whether it holds the process meanwhile. */
export function timersOf(clock: ManualClock): Array<{ ms: number; holds: boolean }> {
  const timers: Array<{ ms: number; holds: boolean }> = [];
  const set = clock.setTimeout.bind(clock);
  clock.setTimeout = (callback, ms, options) => {
    timers.push({ ms, holds: options?.unref !== true });
    return set(callback, ms, options);
  };
  return timers;
}

/** The timers set from now on that neither rang nor were cancelled. */
export function pendingTimersOf(clock: ManualClock): ReadonlySet<object> {
  const pending = new Set<object>();
  const set = clock.setTimeout.bind(clock);
  clock.setTimeout = (callback, ms, options) => {
    const mark = {};
    pending.add(mark);
    const timer = set(() => void (pending.delete(mark), callback()), ms, options);
    return { cancel: () => void (pending.delete(mark), timer.cancel()) };
  };
  return pending;
}

export interface Scene {
  readonly clock: ManualClock;
  readonly store: TestStore;
  readonly api: TestApi;
  readonly client: KeyedClient;
  /** One call through the client. */
  call(): Promise<string>;
}

/** One client, one store, one price API, one clock that stands still. The life of a key is exactly its `ttl`. */
export function scene(
  options: Partial<KeyedClientOptions> = {},
  keys: Partial<Record<Stage, string>> = { current: A },
): Scene {
  const clock = manualClock();
  const store = testStore(clock, keys);
  const api = testApi(clock, ...Object.values(keys));
  const client = new KeyedClient({ keyProvider: store, clock, ttlJitter: 0, ...options });
  return { clock, store, api, client, call: () => client.withKey(api.fetch) };
}

/** How a promise has ended so far, and when (monotonic). */
export interface Watched<T> {
  state: 'pending' | 'resolved' | 'rejected';
  value?: T;
  error?: unknown;
  at?: number;
}

export function watch<T>(clock: ManualClock, promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(watched, { state: 'resolved', value, at: clock.monotonic() }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', error, at: clock.monotonic() }),
  );
  return watched;
}

/** Takes unhandled rejections away from the test runner while `body` runs, and gives them back as a list. */
export async function unhandledIn(body: () => Promise<void>): Promise<unknown[]> {
  const others = process.listeners('unhandledRejection');
  const found: unknown[] = [];
  const listener = (reason: unknown): void => void found.push(reason);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  try {
    await body();
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', listener);
    for (const other of others) process.on('unhandledRejection', other);
  }
  return found;
}

/** Whether every byte reads zero. */
export function zeroed(arrays: readonly Uint8Array[]): boolean {
  return arrays.every((bytes) => bytes.every((byte) => byte === 0));
}

/** Calls every `every` ms for `ms`; returns how each ended. */
export async function traffic({ clock, call }: Scene, ms: number, every: number): Promise<Array<Watched<string>>> {
  const calls: Array<Watched<string>> = [];
  for (let at = 0; at < ms; at += every) {
    calls.push(watch(clock, call()));
    await clock.advance(every);
  }
  return calls;
}

/** How many calls failed, or still wait. */
export function notResolved(calls: ReadonlyArray<Watched<string>>): number {
  return calls.filter(({ state }) => state !== 'resolved').length;
}
