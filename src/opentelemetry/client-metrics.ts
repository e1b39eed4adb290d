import type { KeyStatus } from '../core/index.js';
import type { BatchObservableResult, Meter, Observable } from './api.js';
import { TrackedClient, type CreatedClient, type SharedKeys } from './clients.js';

type Counts = KeyStatus['counts'];

/** Counts of one client, and counts that all clients of its key store share. */
const OWN = ['calls', 'rejections', 'repairs', 'retries'] as const satisfies readonly (keyof Counts)[];
const SHARED = ['stale', 'evictions'] as const satisfies readonly (keyof Counts)[];

const COUNTERS = {
  calls: ['goldkey.calls', '{call}', 'Calls started.'],
  rejections: ['goldkey.key.rejections', '{rejection}', 'Runs whose key the price API refused.'],
  repairs: ['goldkey.key.repairs', '{repair}', 'Refused calls that went through with another key.'],
  retries: ['goldkey.call.retries', '{retry}', 'Runs repeated after a transient failure.'],
  stale: ['goldkey.key.stale_uses', '{use}', 'Uses of a key past its expiry.'],
  evictions: ['goldkey.key.evictions', '{eviction}', 'Keys dropped by evict().'],
  reverts: ['goldkey.rollout.reverts', '{revert}', 'Canaries that a client left because their key was refused.'],
} as const;

type CountName = keyof typeof COUNTERS;
const COUNT_NAMES = Object.keys(COUNTERS) as CountName[];

/** Most names of clients that are remembered after the last client of the name has gone: the SDK's own limit of series. */
const MAX_SERIES = 2_000;

/** The report on all clients of one name and key store. Counts go on when a client is gone: a counter never falls. */
interface Series {
  readonly attributes: { readonly 'goldkey.client': string; readonly 'goldkey.provider': string };
  readonly totals: Record<CountName, number>;
  /** Seconds. */
  age: number | undefined;
  expiresIn: number | undefined;
}

/** Metrics of clients, read from `status()` when they are collected, so that no call pays for them. */
export class ClientMetrics {
  readonly #tracked = new Set<TrackedClient>();
  readonly #shares = new WeakMap<object, SharedKeys>();
  readonly #series = new Map<string, Series>();
  /** Number of clients in each state, by the clients' name. A state that was reported once is reported again, as 0. */
  readonly #states = new Map<string, Map<KeyStatus['state'], number>>();
  #pruneAt = 64;

  /** Registers the instruments. Returns a function that ends the reports. */
  register(meter: Meter): () => void {
    const counters = COUNT_NAMES.map((count) => {
      const [name, unit, description] = COUNTERS[count];
      return { count, counter: meter.createObservableCounter(name, { unit, description }) };
    });
    const state = meter.createObservableUpDownCounter('goldkey.key.state', {
      unit: '{client}',
      description: 'Clients whose key is in this state.',
    });
    const age = meter.createObservableGauge('goldkey.key.age', {
      unit: 's',
      description: 'Time since the key in use was created, if its store tells.',
    });
    const expiresIn = meter.createObservableGauge('goldkey.key.expires_in', {
      unit: 's',
      description: 'Time until the cached key is loaded again; below 0 it serves stale.',
    });
    const observe = (result: BatchObservableResult): void => {
      this.#collect();
      for (const { attributes, totals, age: seconds, expiresIn: left } of this.#series.values()) {
        for (const { count, counter } of counters) result.observe(counter, totals[count], attributes);
        if (seconds !== undefined) result.observe(age, seconds, attributes);
        if (left !== undefined) result.observe(expiresIn, left, attributes);
      }
      for (const [name, states] of this.#states) {
        for (const [value, clients] of states)
          result.observe(state, clients, { 'goldkey.client': name, 'goldkey.state': value });
      }
    };
    const observed: Observable[] = [...counters.map(({ counter }) => counter), state, age, expiresIn];
    meter.addBatchObservableCallback(observe, observed);
    return () => meter.removeBatchObservableCallback(observe, observed);
  }

  /** Starts to report a client. */
  track(created: CreatedClient): TrackedClient {
    const tracked = new TrackedClient(created, this.#shares);
    this.#tracked.add(tracked);
    // Where nobody collects, clients that went without close() must not pile up.
    if (this.#tracked.size >= this.#pruneAt) {
      for (const one of this.#tracked) if (one.readStatus() === undefined) this.untrack(one);
      this.#pruneAt = Math.max(64, this.#tracked.size * 2);
    }
    return tracked;
  }

  /** Takes the last counts of a client that closes. */
  finish(tracked: TrackedClient): void {
    const status = tracked.readStatus();
    if (status !== undefined) this.#addCounts(tracked, status.counts);
    tracked.leave();
  }

  untrack(tracked: TrackedClient): void {
    tracked.leave();
    tracked.stop?.();
    this.#tracked.delete(tracked);
  }

  untrackAll(): void {
    for (const tracked of this.#tracked) this.untrack(tracked);
  }

  noteRevert(name: string, provider: string): void {
    this.#getSeries(name, provider).totals.reverts++;
  }

  #collect(): void {
    for (const series of this.#series.values()) series.age = series.expiresIn = undefined;
    for (const states of this.#states.values()) for (const state of states.keys()) states.set(state, 0);
    const live = new Set<Series>();
    for (const tracked of this.#tracked) {
      const status = tracked.readStatus();
      if (status === undefined) {
        this.untrack(tracked);
        continue;
      }
      live.add(this.#addCounts(tracked, status.counts));
      this.#readKey(tracked, status);
    }
    if (this.#series.size <= MAX_SERIES) return;
    for (const [key, series] of this.#series) {
      if (live.has(series)) continue;
      this.#series.delete(key);
      this.#states.delete(series.attributes['goldkey.client']);
    }
  }

  /** Adds what came since the last look. */
  #addCounts(tracked: TrackedClient, counts: Counts): Series {
    const series = this.#getSeries(tracked.name, tracked.provider);
    const add = (count: CountName & keyof Counts, seen: Map<string, number>): void => {
      const before = seen.get(count) ?? 0;
      const now = counts[count];
      // A key store whose last client closed counts from 0 for the next one.
      series.totals[count] += now < before ? now : now - before;
      seen.set(count, now);
    };
    for (const count of OWN) add(count, tracked.seen);
    if (tracked.speaksForAll) for (const count of SHARED) add(count, tracked.shared.seen);
    return series;
  }

  #readKey(tracked: TrackedClient, { name, state, createdAt, expiresAt }: KeyStatus): void {
    const states = this.#states.get(name) ?? new Map<KeyStatus['state'], number>();
    states.set(state, (states.get(state) ?? 0) + 1);
    this.#states.set(name, states);
    const series = this.#getSeries(name, tracked.provider);
    const now = tracked.now();
    // The worst of those that share the name.
    if (createdAt !== undefined) series.age = Math.max(series.age ?? -Infinity, (now - createdAt) / 1_000);
    if (expiresAt !== undefined) series.expiresIn = Math.min(series.expiresIn ?? Infinity, (expiresAt - now) / 1_000);
  }

  #getSeries(name: string, provider: string): Series {
    const key = JSON.stringify([name, provider]);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const totals = Object.fromEntries(COUNT_NAMES.map((count) => [count, 0])) as Record<CountName, number>;
    const attributes = { 'goldkey.client': name, 'goldkey.provider': provider };
    const series: Series = { attributes, totals, age: undefined, expiresIn: undefined };
    this.#series.set(key, series);
    return series;
  }
}
