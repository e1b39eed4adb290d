import { closedError, type GoldKeyError } from '../errors.js';
import type { CheckedOptions } from '../options.js';
import { redactValue } from '../redaction/redact.js';
import type { KeyStatus } from '../types.js';
import type { CachedKey } from './cached-key.js';
import { CachedKeys, type CacheUser } from './cached-keys.js';
import { ChangeSubscription } from './change-subscription.js';
import { KeyLoader, type LoadObserver } from './load-key.js';
import type { LoadResult, PendingLoad, StageState } from './stage-state.js';
import { countForEvent } from '../util/throttle.js';
import { waitAtMost } from '../util/wait-at-most.js';
import { FRESHER_KEY_WAIT_MS, MIN_BACKGROUND_INTERVAL_MS, MIN_RELOAD_INTERVAL_MS } from './timing.js';

/** Decides when the keys of one store are loaded: when they are needed, about to expire, or asked for again. */
export class KeyCache implements LoadObserver {
  readonly keys: CachedKeys;
  readonly loader: KeyLoader;
  #reloading: Promise<LoadResult> | undefined;
  #subscription: ChangeSubscription | undefined;
  #staleUses = 0;
  #evictions = 0;

  constructor(options: CheckedOptions) {
    this.keys = new CachedKeys(options);
    this.loader = new KeyLoader(this.keys, this);
  }

  get options(): CheckedOptions {
    return this.keys.options;
  }

  get counts(): Pick<KeyStatus['counts'], 'loads' | 'loadFailures' | 'stale' | 'evictions'> {
    const { loads, failures } = this.loader;
    return { loads, loadFailures: failures, stale: this.#staleUses, evictions: this.#evictions };
  }

  /**
   * Resolves to a key of this stage, or to the reason why there is none. Never rejects. A caller who could have a stale
   * key waits 250 ms for a fresh one, and not at all while loads fail.
   */
  async getOrLoad(stage: StageState): Promise<CachedKey | GoldKeyError> {
    const { keys } = this;
    let hasWaited = false;
    for (;;) {
      const key = keys.getUsableKey(stage);
      if (key !== undefined && keys.isFresh(key)) {
        if (key.verdict === 'suspect' && stage.pendingLoad !== undefined && !hasWaited) {
          hasWaited = true;
          await this.#waitShortly(stage.pendingLoad);
          continue;
        }
        this.#refreshAheadIfDue(stage, key);
        return key;
      }
      const { isFailing } = stage;
      const stale = keys.getStaleKey(stage);
      const blockedBy = stage.pendingLoad === undefined ? this.loader.getBlockingError(stage) : undefined;
      if (blockedBy !== undefined) {
        return stale === undefined || !blockedBy.retryable ? blockedBy : this.#useStale(stage, stale);
      }
      const load = stage.pendingLoad ?? this.loader.start(stage, 'needed', stale !== undefined && isFailing);
      if (stale !== undefined) {
        if (!hasWaited && !isFailing) await this.#waitShortly(load);
        const latest = keys.getStaleKey(stage);
        if (latest !== undefined) return keys.isFresh(latest) ? latest : this.#useStale(stage, latest);
      }
      const result = await load.result;
      if (result.key !== undefined) return result.key;
      if (!load.detached) return result.error;
    }
  }

  /** Loads the key of a stage that is not in use when it is due, so that preferring another stage ends some time. */
  refreshIfDue(stage: StageState): void {
    const { clock, ttl } = this.options;
    const key = this.keys.getUsableKey(stage);
    if (key !== undefined && this.keys.isFresh(key) && clock.now() < this.keys.getRefreshTime(key)) return;
    const interval = Math.max(MIN_BACKGROUND_INTERVAL_MS, ttl / 4);
    if (clock.monotonic() < (stage.lastBackgroundLoadAt ?? -Infinity) + interval) return;
    if (stage.pendingLoad === undefined && this.loader.getBlockingError(stage) === undefined)
      this.loader.start(stage, 'needed', true);
  }

  /** Returns whether a rejection may force a load of `stage` now. */
  mayForceLoad(stage: StageState): boolean {
    const isCoolingDown = this.options.clock.monotonic() < stage.backoff.cooldownUntil;
    return !isCoolingDown && stage.pendingLoad === undefined && this.loader.getBlockingError(stage) === undefined;
  }

  /** Loads the key of a stage that is still refused, if a rejection may force a load now. Nobody waits for it. */
  reloadRefused(stage: StageState): void {
    if (this.mayForceLoad(stage)) this.loader.start(stage, 'rejection', true);
  }

  /** Loads every stage in use whatever the cooldown, at most once a second. Callers meanwhile share one load. */
  reload(): Promise<LoadResult> {
    this.#openGates();
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  /** Drops and zeroes every key. A pending load still answers the callers who wait for it, and is not cached. */
  evict(reason: string | undefined): void {
    // While the key is still known: whoever says why may quote it. Only then, because it makes a string of the key.
    const told = reason === undefined ? 'evict' : redactValue(reason, this.keys.secrets, this.keys.goneForms);
    this.#evictions++;
    this.#openGates();
    for (const stage of this.keys.stages) {
      stage.keyEvicted();
      this.keys.drop(stage, told);
    }
  }

  /** Resolves when no load is pending. */
  settled(): Promise<void> {
    return this.loader.settled();
  }

  /** Removes a client that has closed. With the last one end loads, timers, keys, subscription and provider. */
  async removeUser(user: CacheUser): Promise<void> {
    this.keys.users = this.keys.users.filter((other) => other !== user);
    if (this.keys.users.length > 0 || this.loader.isClosed) return;
    this.loader.close();
    this.keys.clear();
    await this.#closeProvider();
  }

  /** Closes the subscription and the provider. Waits `timeout` at most: a store that is down may never answer. */
  async #closeProvider(): Promise<void> {
    const { clock, timeout, keyProvider } = this.options;
    const close = async (): Promise<void> => {
      await this.settled();
      await this.#subscription?.close();
      await keyProvider.close?.();
    };
    await waitAtMost(close(), timeout, clock);
  }

  /** Starts a background load if the key expires soon, and sets the time until which no caller need check again. */
  #refreshAheadIfDue(stage: StageState, key: CachedKey): void {
    const { clock } = this.options;
    const { expiresAt, loadedAt } = key.lifetime;
    const refreshAt = this.keys.getRefreshTime(key);
    const now = clock.now();
    if (stage.preferred !== undefined) return;
    // A suspect is being loaded, and a rejected key is looked at by each call: see RefusalGate.
    const isGood = key.verdict === 'good';
    if (now < refreshAt) {
      if (isGood) this.keys.setWarmUntil(key, refreshAt);
      return;
    }
    const monotonic = clock.monotonic();
    const interval = Math.max(MIN_BACKGROUND_INTERVAL_MS, (expiresAt - loadedAt) / 4);
    const next = Math.max(stage.backoff.retryAt, (stage.lastBackgroundLoadAt ?? -Infinity) + interval);
    if (stage.pendingLoad === undefined && monotonic >= next) this.loader.start(stage, 'needed', true);
    const isLoading = stage.pendingLoad !== undefined;
    if (isGood) this.keys.setWarmUntil(key, isLoading ? expiresAt : Math.min(expiresAt, now + next - monotonic));
  }

  #useStale(stage: StageState, key: CachedKey): CachedKey {
    this.#staleUses++;
    const { lastError } = stage.backoff;
    const { clock } = this.options;
    const count = countForEvent(stage, 'stale', clock.monotonic());
    if (count === undefined) return key;
    const age = clock.now() - key.lifetime.loadedAt;
    this.keys.emit('stale', key, () => (lastError === undefined ? { age, count } : { age, count, error: lastError }));
    return key;
  }

  async #reload(): Promise<LoadResult> {
    const { clock } = this.options;
    const { current } = this.keys;
    const wait = (current.lastReloadAt ?? -Infinity) + MIN_RELOAD_INTERVAL_MS - clock.monotonic();
    if (wait > 0) await this.loader.wait(wait).catch(() => undefined);
    while (current.pendingLoad !== undefined) await current.pendingLoad.result;
    if (this.loader.isClosed) return { error: closedError() };
    current.lastReloadAt = clock.monotonic();
    for (const stage of this.keys.stages) {
      stage.absentUntil = 0;
      if (stage !== current && stage.key !== undefined && stage.pendingLoad === undefined)
        this.loader.start(stage, 'reload', true);
    }
    return this.loader.start(current, 'reload', false).result;
  }

  /** Resolves when the load ends, or 250 ms after it started. */
  #waitShortly(load: PendingLoad): Promise<unknown> {
    const { clock } = this.options;
    load.endedOrSlow ??= new Promise<void>((resolve) => {
      const rest = Math.max(0, Math.ceil(load.startedAt + FRESHER_KEY_WAIT_MS - clock.monotonic()));
      const timer = clock.setTimeout(resolve, rest);
      void load.result.then(() => {
        timer.cancel();
        resolve();
      });
    });
    return load.endedOrSlow;
  }

  /** @see LoadObserver */
  onLoadStarted(): void {
    if (this.options.keyProvider.subscribe === undefined) return;
    this.#subscription ??= new ChangeSubscription(this.options, {
      onDue: () => {
        this.#openGates();
        void this.#loadAfterChange();
      },
      onVersion: (version) => {
        // A version that is held already is no change: a store that repeats itself must not end every cooldown.
        if (this.keys.versions.includes(version)) return;
        for (const stage of this.keys.stages) stage.endCooldown();
      },
    });
    this.#subscription.start();
  }

  /** The key may be another one: calls ask the price API again. */
  #openGates(): void {
    for (const user of this.keys.users) user.openGate();
  }

  /** Loads once more after a pending load, which may bring what was there before the change. */
  async #loadAfterChange(): Promise<void> {
    const { current } = this.keys;
    await current.pendingLoad?.result;
    if (!this.loader.isClosed && current.pendingLoad === undefined) this.loader.start(current, 'needed', true);
  }
}
