import {
  copyError,
  closedError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  type GoldKeyError,
} from '../errors.js';
import type { CheckedOptions } from '../options.js';
import { scrub } from '../redaction/redact.js';
import type { LoadedKey, LoadRequest, Rollout, UnchangedKey } from '../types.js';
import { CLOCK, delay, FRESH_UNTIL } from '../util/clock.js';
import { getStoreRequest } from '../util/store-request.js';
import { CachedKey } from './cached-key.js';
import type { CachedKeys } from './cached-keys.js';
import type { LoadReason, LoadResult, PendingLoad, StageState } from './stage-state.js';
import { checkAnswer, checkStoreRequest, copyKey, toKeyError, zeroAnswer } from './validate-key.js';

const NO_BYTES = new Uint8Array(0);

/** A store's answer. `failure` stands beside a rollout when the key of `current` could not be loaded. */
interface StoreAnswer {
  key: LoadedKey | UnchangedKey | undefined;
  rollout: Rollout | undefined;
  failure?: { readonly error: unknown } | undefined;
}

/** One request to the store. */
interface StoreOrder {
  /** True for a background load: its timer must not hold the process. */
  background: boolean;
  /** Rest of `keyTimeout`, in ms. */
  timeout: number;
  known?: readonly string[];
  /** Expiry of the stage's own key, if it is not due; see {@link FRESH_UNTIL}. */
  freshUntil?: number | undefined;
}

/** An object that is told of every load. */
export interface LoadObserver {
  onLoadStarted(): void;
}

/** Loads the keys of one store, at most one load per stage at a time, and caches what they bring. */
export class KeyLoader {
  loads = 0;
  failures = 0;
  /** True once the last client has closed: nothing is loaded or cached any more. */
  isClosed = false;
  readonly #keys: CachedKeys;
  readonly #observer: LoadObserver;
  // Made for a load and dropped after it: an empty set takes as much memory as a cached key, and most clients are idle.
  #pending: Set<Promise<unknown>> | undefined;
  #aborts: Set<(reason: Error) => void> | undefined;

  constructor(keys: CachedKeys, observer: LoadObserver) {
    this.#keys = keys;
    this.#observer = observer;
  }

  get #options(): CheckedOptions {
    return this.#keys.options;
  }

  /**
   * Starts a load of `stage`, which must have none. A load in the background does not hold the process.
   *
   * It asks the store, then caches the key or notes the failure; see {@link StageState} for what that does to a stage.
   */
  start(stage: StageState, reason: LoadReason, background: boolean): PendingLoad {
    const startedAt = this.#options.clock.monotonic();
    const wait = stage.loadStarted(reason, background, startedAt);
    // The promise exists before the store is asked, because the store may use the client meanwhile.
    let end: (result: LoadResult) => void = () => undefined;
    const result = new Promise<LoadResult>((resolve) => {
      end = resolve;
    });
    const load: PendingLoad = { reason, startedAt, result, endedOrSlow: undefined, started: false, detached: false };
    stage.pendingLoad = load;
    void this.#run(stage, load, wait, background).then(end);
    const pending = (this.#pending ??= new Set());
    pending.add(result);
    void result.then(() => {
      pending.delete(result);
      if (pending.size === 0) this.#pending = undefined;
      if (this.#aborts?.size === 0) this.#aborts = undefined;
    });
    this.#observer.onLoadStarted();
    return load;
  }

  /** Returns the reason why no load of `stage` may start now, or `undefined` if one may. */
  getBlockingError(stage: StageState): GoldKeyError | undefined {
    if (this.isClosed) return closedError();
    const now = this.#options.clock.monotonic();
    const { lastError, retryAt } = stage.backoff;
    if (now < stage.absentUntil) return this.#createNotFoundError(stage);
    return lastError !== undefined && now < retryAt
      ? copyError(lastError, { retryAfter: Math.ceil(retryAt - now) })
      : undefined;
  }

  /** Resolves when no load is pending. */
  async settled(): Promise<void> {
    while (this.#pending !== undefined) await Promise.all(this.#pending);
  }

  /** Aborts the pending loads, for good. */
  close(): void {
    this.isClosed = true;
    for (const abort of this.#aborts ?? []) abort(closedError());
  }

  /** Waits `ms`, or until the loader is closed. */
  async wait(ms: number): Promise<void> {
    const controller = new AbortController();
    const abort = (reason: Error): void => controller.abort(reason);
    const aborts = (this.#aborts ??= new Set());
    aborts.add(abort);
    try {
      await delay(this.#options.clock, ms, controller.signal);
    } finally {
      aborts.delete(abort);
    }
  }

  async #run(stage: StageState, load: PendingLoad, wait: number, background: boolean): Promise<LoadResult> {
    const { clock, keyTimeout } = this.#options;
    let startedAt = clock.monotonic();
    const getDuration = (): number => clock.monotonic() - startedAt;
    try {
      if (wait > 0) await this.wait(wait);
      load.started = true;
      startedAt = clock.monotonic();
      const known = load.reason === 'needed' ? this.#keys.versions : [];
      const order = { background, freshUntil: this.#keys.getExpiryIfNotDue(stage.key) };
      let answer = await this.#askStore(stage, { ...order, known, timeout: keyTimeout });
      if (known.length > 0 && !load.detached && this.#isUnchangedButNotHeld(stage, answer.key)) {
        // The key was dropped after the store was asked, or has expired in another stage: it must be read after all.
        answer = await this.#askStore(stage, { background, timeout: keyTimeout - getDuration() });
      }
      return this.#apply(stage, load, answer, getDuration());
    } catch (error) {
      return { error: this.#applyFailure(stage, load, error, getDuration()) };
    } finally {
      if (stage.pendingLoad === load) stage.pendingLoad = undefined;
    }
  }

  /**
   * Asks the store once, within `order.timeout`. Bytes that arrive too late are zeroed. The provider retries by itself: nothing
   * is asked twice here.
   */
  async #askStore(stage: StageState, order: StoreOrder): Promise<StoreAnswer> {
    this.loads++;
    const { keyProvider, keyTimeout, clock } = this.#options;
    const controller = new AbortController();
    const { signal } = controller;
    const request: LoadRequest = { stage: stage.name, signal };
    if (order.known !== undefined && order.known.length > 0) request.known = order.known;
    Object.defineProperty(request, CLOCK, { value: clock });
    Object.defineProperty(request, FRESH_UNTIL, { value: order.freshUntil });

    const aborts = (this.#aborts ??= new Set());
    let stop = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      const abort = (reason: Error): void => {
        reject(reason);
        controller.abort(reason);
      };
      const onTimeout = (): void => {
        const message = `The key store \`${keyProvider.name}\` did not answer within ${String(keyTimeout)} ms.`;
        abort(new KeyTimeoutError(message, { provider: keyProvider.name }));
      };
      const timer = clock.setTimeout(onTimeout, Math.max(1, Math.ceil(order.timeout)), { unref: order.background });
      aborts.add(abort);
      stop = () => {
        timer.cancel();
        aborts.delete(abort);
      };
    });
    aborted.catch(() => undefined);
    const answered = (async (): Promise<StoreAnswer['key']> => keyProvider.load(request))();
    try {
      let failure: StoreAnswer['failure'];
      const key = await Promise.race([answered, aborted]).catch((error: unknown) => {
        // A key that still arrives, even in this very turn, has no taker.
        answered.then(zeroAnswer, () => undefined);
        failure = { error };
        return undefined;
      });
      // If the rollout cannot be read, the last one stays. It is read even when the key could not be loaded, because
      // `pending` may then have to stand in.
      const rollout =
        stage.name === 'current' && !signal.aborted
          ? await Promise.race([this.#readRollout(signal), aborted]).catch(() => undefined)
          : undefined;
      return { key, rollout, failure };
    } finally {
      stop();
    }
  }

  async #readRollout(signal: AbortSignal): Promise<Rollout | undefined> {
    const { id, pendingPercent, previousUntil } = (await this.#options.keyProvider.rollout?.({ signal })) ?? {};
    if (typeof id !== 'string' || typeof pendingPercent !== 'number' || Number.isNaN(pendingPercent)) return undefined;
    return { id, pendingPercent, previousUntil };
  }

  /** Caches the key that a load brought. The store's own array is zeroed, whatever happens. */
  #apply(stage: StageState, load: PendingLoad, answer: StoreAnswer, duration: number): LoadResult {
    const keys = this.#keys;
    const { clock, keyProvider, reloadCooldown } = this.#options;
    try {
      if (this.isClosed) throw closedError();
      if (answer.failure !== undefined) {
        if (!load.detached) keys.applyRollout(answer.rollout);
        throw answer.failure.error;
      }
      const about = { provider: keyProvider.name, version: answer.key?.version };
      const checked = checkAnswer(answer.key, about);
      if (checked === undefined) return { error: this.#applyAbsence(stage, load) };
      const held = 'unchanged' in checked && checked.unchanged === true ? this.#getHeldKey(stage, checked) : undefined;
      const loaded = 'bytes' in checked ? checked : undefined;
      const rest = held === stage.key ? undefined : held?.lifetime;
      const lifetime = keys.computeLifetime(checked, held?.lifetime ?? loaded ?? {}, rest);
      const { bytes, trimmed } = copyKey(held?.bytes ?? loaded?.bytes ?? NO_BYTES, about);
      if (load.detached) {
        const detached = keys.createKey(bytes, checked.version, stage.name, lifetime);
        detached.holdForTurn();
        keys.zero(detached);
        return { key: detached };
      }
      const { key, changed } = keys.store(stage, bytes, checked.version, lifetime);
      stage.loadSucceeded(key, changed, load.reason, reloadCooldown, clock.monotonic());
      if (key.verdict === 'good') keys.setWarmUntil(key, keys.getRefreshTime(key));
      else key.warmUntil = 0;
      key.holdForTurn();
      keys.applyRollout(answer.rollout);
      keys.emit('loaded', key, () => {
        const told = loaded === undefined ? {} : checkStoreRequest(getStoreRequest(loaded.bytes), loaded.bytes);
        return { duration, fingerprint: key.fingerprint, changed, ...told };
      });
      if (trimmed) keys.emit('trimmed', key, () => ({}));
      if (loaded?.breakGlass === true) {
        const until = loaded.until ?? lifetime.purgeAt;
        keys.emit('break-glass', key, () => ({ severity: 'critical' as const, until }));
      }
      return { key };
    } finally {
      zeroAnswer(answer.key);
    }
  }

  /** Notes that a load failed. A failure that will not pass drops the key. */
  #applyFailure(stage: StageState, load: PendingLoad, thrown: unknown, duration: number): GoldKeyError {
    const keys = this.#keys;
    const { clock, keyProvider, reloadCooldown } = this.#options;
    // A provider's error may quote what it sent, or a key that is held already.
    const error = scrub(toKeyError(thrown, keyProvider.name), keys.secrets, keys.goneForms) as GoldKeyError;
    if (this.isClosed) return error;
    this.failures++;
    if (load.detached) return error;
    const retryAfter = stage.loadFailed(error, load.reason, reloadCooldown, clock.monotonic());
    if (!error.retryable) {
      // With a rollout a single version is denied; the key that was held may be another stage's version by now.
      const isAboutVersion = keys.rollout !== undefined && error.version !== undefined;
      if (!isAboutVersion || error.version === stage.key?.version) keys.drop(stage, error.code);
    }
    keys.emit('load-failed', stage, () => ({ duration, error, retryAfter }));
    return error;
  }

  /** Notes that the store has no key of this stage: a failed load for `current`, no error for the others. */
  #applyAbsence(stage: StageState, load: PendingLoad): GoldKeyError {
    const error = this.#createNotFoundError(stage);
    if (stage.name === 'current') throw error;
    if (!load.detached) {
      stage.keyAbsent(this.#options.clock.monotonic() + this.#options.ttl);
      this.#keys.drop(stage, error.code);
    }
    return error;
  }

  /** Returns the key of the version that the store calls unchanged, from whichever stage holds it. */
  #getHeldKey(stage: StageState, { version }: UnchangedKey): CachedKey {
    const key = this.#keys.listReusableKeys(stage).find((held) => held.version === version);
    if (key !== undefined) return key;
    const { name } = this.#options.keyProvider;
    throw new KeyProviderError(`The key store \`${name}\` answered \`unchanged\` for a version that is not held.`, {
      provider: name,
      version,
    });
  }

  #isUnchangedButNotHeld(stage: StageState, answer: unknown): boolean {
    const { unchanged, version } = (answer ?? {}) as Partial<UnchangedKey>;
    if (unchanged !== true || version === undefined) return false;
    return !this.#keys.listReusableKeys(stage).some((key) => key.version === version);
  }

  #createNotFoundError({ name: stage }: StageState): GoldKeyError {
    const { name } = this.#options.keyProvider;
    return new KeyNotFoundError(`The key store \`${name}\` has no ${stage} key.`, { provider: name });
  }
}
