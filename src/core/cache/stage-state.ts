import type { GoldKeyError } from '../errors.js';
import { backoffWindow, halfJitter } from '../util/backoff.js';
import type { CachedKey } from './cached-key.js';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_LAST_MS,
  COOLDOWN_CHANGED_MS,
  COOLDOWN_FIRST_MS,
  MIN_RELOAD_INTERVAL_MS,
} from './timing.js';
import type { Stage } from '../types.js';

/** How a load ended. A load never rejects: everyone who waits for it gets one of these. */
export type LoadResult = { key: CachedKey; error?: undefined } | { key?: undefined; error: GoldKeyError };

/** Why a load runs: a caller needs a key, the price API refused one, or `reload()` was called. */
export type LoadReason = 'needed' | 'rejection' | 'reload';

/** A load that has not ended. */
export interface PendingLoad {
  readonly reason: LoadReason;
  /** Start on the monotonic clock. */
  readonly startedAt: number;
  /** Resolves when the load ends. */
  readonly result: Promise<LoadResult>;
  /** Resolves when the load ends, or 250 ms after it started; made when first needed. */
  endedOrSlow: Promise<unknown> | undefined;
  /** True once the store was asked. A load after `evict()` may have to wait first. */
  started: boolean;
  /** True after `evict()`: the key goes to those who already waited, and is not cached. */
  detached: boolean;
}

/** A stage's back-off after failed loads and cooldown after forced ones. Times are on the monotonic clock. */
export interface StageBackoff {
  /** Number of loads that failed in a row. */
  readonly failures: number;
  readonly lastError: GoldKeyError | undefined;
  /** No load starts before this time. */
  readonly retryAt: number;
  /** The last cooldown, in ms; 0 once a call succeeded. */
  readonly cooldown: number;
  /** No rejection forces a load before this time. */
  readonly cooldownUntil: number;
}

const NO_BACKOFF: StageBackoff = Object.freeze({
  failures: 0,
  lastError: undefined,
  retryAt: 0,
  cooldown: 0,
  cooldownUntil: 0,
});

/**
 * Everything known about one stage. Only its own methods change it, one method for each transition. Times are on the
 * monotonic clock.
 */
export class StageState {
  readonly name: Stage;
  key: CachedKey | undefined;
  /** Digest of the last bytes seen. It outlives them, so that generations can be compared after `evict()`. */
  digest: string | undefined;
  pendingLoad: PendingLoad | undefined;
  /** Another stage whose key worked when this one's was refused, until this stage's next load. */
  preferred: StageState | undefined;
  /** Replaced as a whole by each change. Stages without trouble share one, because there may be 100,000 of them. */
  backoff: StageBackoff = NO_BACKOFF;
  /** The store has no key of this stage, and is not asked for one before this time. */
  absentUntil = 0;
  lastBackgroundLoadAt: number | undefined;
  lastReloadAt: number | undefined;
  /** `isPending` until the first load after `evict()`, whose time is kept. */
  #eviction: { isPending: boolean; lastLoadAt: number } | undefined;

  constructor(name: Stage) {
    this.name = name;
  }

  get isFailing(): boolean {
    return this.backoff.failures > 0;
  }

  /** A load starts. Returns how long it has to wait first, in ms: loads that follow `evict()` start once a second. */
  loadStarted(reason: LoadReason, background: boolean, now: number): number {
    let wait = 0;
    if (this.#eviction?.isPending === true) {
      wait = Math.max(0, this.#eviction.lastLoadAt + MIN_RELOAD_INTERVAL_MS - now);
      this.#eviction = { isPending: false, lastLoadAt: now + wait };
    }
    if (background) this.lastBackgroundLoadAt = now;
    if (reason === 'rejection' && this.key !== undefined) {
      this.key.verdict = 'suspect';
      this.key.warmUntil = 0;
    }
    return wait;
  }

  /** A load brought `key`, which is cached now. `changed`: its bytes differ from the last ones. */
  loadSucceeded(key: CachedKey, changed: boolean, reason: LoadReason, longestCooldown: number, now: number): void {
    this.#endBackoff();
    this.preferred = undefined;
    this.absentUntil = 0;
    if (reason === 'rejection') this.#coolDown(changed, longestCooldown, now);
    else if (changed) this.endCooldown();
    if (changed) {
      key.verdict = 'good';
      key.firstSuccessPending = 'changed';
    } else if (reason === 'rejection') {
      key.verdict = 'rejected';
      key.firstSuccessPending = 'rejected';
    } else if (this.backoff.cooldown > 0) {
      // This key was rejected earlier, then evicted; watch for its first success so that the cooldown ends.
      key.firstSuccessPending ??= 'rejected';
    }
  }

  /** A load failed. Returns the pause until the next one, in ms. */
  loadFailed(error: GoldKeyError, reason: LoadReason, longestCooldown: number, now: number): number {
    const { failures } = this.backoff;
    const pause = halfJitter(backoffWindow(BACKOFF_FIRST_MS, failures, BACKOFF_LAST_MS));
    this.#setBackoff({ failures: Math.min(failures + 1, 16), lastError: error, retryAt: now + pause });
    if (reason === 'rejection') this.#coolDown(false, longestCooldown, now);
    if (!error.retryable) this.preferred = undefined;
    if (this.key !== undefined) {
      this.key.warmUntil = 0;
      if (reason === 'rejection') {
        this.key.verdict = 'good';
        this.key.firstSuccessPending = 'rejected';
      }
    }
    return pause;
  }

  /** The store answered that it has no key of this stage. */
  keyAbsent(until: number): void {
    this.#endBackoff();
    this.absentUntil = until;
  }

  /** `evict()` was called. The key itself is dropped by the cache. */
  keyEvicted(): void {
    if (this.pendingLoad?.started === true) {
      this.pendingLoad.detached = true;
      this.pendingLoad = undefined;
    }
    this.#eviction = { isPending: true, lastLoadAt: this.#eviction?.lastLoadAt ?? -Infinity };
    this.preferred = undefined;
  }

  /** The price API refused `key` while no reload may be forced. */
  keyRejected(key: CachedKey): void {
    key.verdict = 'rejected';
    key.warmUntil = 0;
    key.firstSuccessPending = 'rejected';
  }

  /** A call succeeded with `key`, whose success was pending. */
  keySucceeded(key: CachedKey): void {
    if (key.firstSuccessPending === 'changed') this.endCooldown();
    else this.#setBackoff({ cooldown: 0 });
    key.firstSuccessPending = undefined;
    if (key.verdict === 'rejected') key.verdict = 'good';
  }

  /** Calls use `stage` in place of this one from now on, or this one again. */
  prefer(stage: StageState | undefined): void {
    this.preferred = stage;
    if (stage !== undefined && this.key !== undefined) this.key.warmUntil = 0;
  }

  /** A rejection may force a load at once: a changed key works, or the store told of a change. */
  endCooldown(): void {
    this.#setBackoff({ cooldown: 0, cooldownUntil: 0 });
  }

  #endBackoff(): void {
    this.#setBackoff({ failures: 0, retryAt: 0, lastError: undefined });
  }

  /** A forced load ended: the next one waits, longer each time the key did not change. */
  #coolDown(changed: boolean, longest: number, now: number): void {
    const last = this.backoff.cooldown;
    const cooldown = changed ? 0 : Math.min(last === 0 ? COOLDOWN_FIRST_MS : last * 2, longest);
    this.#setBackoff({ cooldown, cooldownUntil: now + (changed ? Math.min(COOLDOWN_CHANGED_MS, longest) : cooldown) });
  }

  #setBackoff(change: Partial<StageBackoff>): void {
    const next = { ...this.backoff, ...change };
    // Without an end there is no cooldown either.
    const hasEnded = next.failures === 0 && next.cooldownUntil === 0;
    this.backoff = hasEnded ? NO_BACKOFF : next;
  }
}
