import { KeyProviderError } from '../errors.js';
import { hasSubscribers, publish, type EventName } from '../events.js';
import type { KeyEventBase, KeyEvents } from '../key-events.js';
import type { CheckedOptions } from '../options.js';
import { GoneKeys, type GoneForm } from '../redaction/gone-keys.js';
import type { LoadedKey, Rollout, Stage, UnchangedKey } from '../types.js';
import { copyBytes } from '../util/bytes.js';
import { getUseReporter, USE_INTERVAL_MS } from './report-use.js';
import { getWallClock } from '../util/wall-clock.js';
import { CachedKey, type Lifetime } from './cached-key.js';
import { getExpiryQueue, type Expiring } from './expiry-queue.js';
import { StageState } from './stage-state.js';

/** A client, as the keys that it shares with other clients see it. */
export interface CacheUser {
  readonly name: string;
  hasListener(event: EventName): boolean;
  notify<E extends EventName>(event: E, payload: KeyEvents[E]): void;
  rolloutChanged(): void;
  /** Lets calls ask the price API again, if it has refused the key so often that they did not. */
  openGate(): void;
}

/** The fields of an event beyond {@link KeyEventBase}. */
export type EventDetails<E extends EventName> = Omit<KeyEvents[E], keyof KeyEventBase>;

/** The keys of one store: the stages that hold them, their lifetimes by both clocks, and their end. */
export class CachedKeys implements Expiring {
  readonly options: CheckedOptions;
  readonly current: StageState = new StageState('current');
  users: readonly CacheUser[] = [];
  rollout: Rollout | undefined;
  #pending: StageState | undefined;
  #previous: StageState | undefined;
  /** Zeroed keys whose string a running call still holds. */
  #leaving: CachedKey[] | undefined;
  #gone: GoneKeys | undefined;
  /** @see Expiring */
  dueAt = 0;
  position = -1;

  constructor(options: CheckedOptions) {
    this.options = options;
  }

  stage(name: Stage): StageState {
    if (name === 'current') return this.current;
    if (name === 'pending') return (this.#pending ??= new StageState(name));
    return (this.#previous ??= new StageState(name));
  }

  /** The stages in use. */
  get stages(): StageState[] {
    return [this.current, this.#pending, this.#previous].filter((stage) => stage !== undefined);
  }

  /** Every key held now, in a stage or by a running call, as a string. None may appear in anything that leaves the client. */
  get secrets(): string[] {
    const held = this.stages.flatMap(({ key }) => key ?? []);
    return [...new Set([...held, ...(this.#leaving ?? [])].flatMap(({ textIfKnown }) => textIfKnown ?? []))];
  }

  /** Recognises the last keys that were held. None may appear in anything that leaves the client either. */
  get goneForms(): readonly GoneForm[] {
    return this.#gone?.list() ?? [];
  }

  /** The versions held, in any stage. */
  get versions(): string[] {
    return this.stages.flatMap(({ key }) => key?.version ?? []);
  }

  /** Returns the keys that a load of `stage` need not read again: its own, and unexpired ones of other stages. */
  listReusableKeys(stage: StageState): CachedKey[] {
    const own = stage.key === undefined ? [] : [stage.key];
    const others = this.stages.filter((other) => other !== stage).flatMap(({ key }) => key ?? []);
    return [...own, ...others.filter((key) => this.#isAlive(key))];
  }

  /** Returns the stage's key, fresh or stale. One past its `purgeAt` by either clock is zeroed here. */
  getUsableKey(stage: StageState): CachedKey | undefined {
    const { key } = stage;
    if (key === undefined) return undefined;
    const now = getWallClock(this.options.clock).read();
    const { purgeAt, toMonotonic } = key.lifetime;
    if (now < purgeAt && this.options.clock.monotonic() < purgeAt + toMonotonic) return key;
    this.drop(stage, 'expired');
    return undefined;
  }

  /** Returns the stage's key if it may serve although it is stale: the store has said that it is this stage's key. */
  getStaleKey(stage: StageState): CachedKey | undefined {
    const key = this.getUsableKey(stage);
    return key?.needsRevalidation === true ? undefined : key;
  }

  /** Returns whether the key has expired by neither clock and need not be revalidated. */
  isFresh(key: CachedKey): boolean {
    return !key.needsRevalidation && this.#isAlive(key);
  }

  /** Returns the expiry of a key that is loaded early, after a change notice: until then it need not be read again. */
  getExpiryIfNotDue(key: CachedKey | undefined): number | undefined {
    if (key === undefined || !this.#isAlive(key)) return undefined;
    return this.options.clock.now() < this.getRefreshTime(key) ? key.lifetime.expiresAt : undefined;
  }

  #isAlive({ clockSteps, lifetime }: CachedKey): boolean {
    const { clock } = this.options;
    const { expiresAt, toMonotonic } = lifetime;
    if (clockSteps !== getWallClock(clock).steps) return false;
    return clock.now() < expiresAt && clock.monotonic() < expiresAt + toMonotonic;
  }

  /** Returns the epoch ms from which the key is loaded again in the background. */
  getRefreshTime({ lifetime: { loadedAt, expiresAt } }: CachedKey): number {
    return expiresAt - Math.min(this.options.refreshAhead, (expiresAt - loadedAt) / 2);
  }

  /** Lets calls use a key until that epoch ms without any other check, or for a minute if the store wants its use reported. */
  setWarmUntil(key: CachedKey, until: number): void {
    const { keyProvider, clock } = this.options;
    key.warmUntil = until;
    if (getUseReporter(keyProvider) === undefined) return;
    key.warmUntil = Math.min(until, clock.now() + USE_INTERVAL_MS);
    key.firstSuccessPending ??= 'unreported';
  }

  /** Returns the lifetime of a key just loaded. One that moves from another stage brings the rest of its lifetime. */
  computeLifetime(
    key: LoadedKey | UnchangedKey,
    { until, createdAt }: Pick<LoadedKey, 'until' | 'createdAt'>,
    rest?: Lifetime,
  ): Lifetime {
    const { clock, ttl, ttlJitter, staleIfError, keyProvider } = this.options;
    const now = getWallClock(this.options.clock).read();
    const monotonic = clock.monotonic();
    const storeEnd = Math.min(key.expiresAt ?? Infinity, until ?? Infinity);
    if (storeEnd <= now) {
      throw new KeyProviderError(
        `The key store \`${keyProvider.name}\` gave a key that had expired ${String(now - storeEnd)} ms before; check its clock and this host's.`,
        { provider: keyProvider.name, version: key.version },
      );
    }
    const ownEnd = now + Math.ceil(ttl * (1 - ttlJitter * Math.random()));
    const expiresAt = Math.min(ownEnd, storeEnd, Math.max(now + 1, rest?.expiresAt ?? Infinity));
    const purgeAt = Math.min(expiresAt + staleIfError, until ?? Infinity);
    const lifetime: Lifetime = { loadedAt: now, expiresAt, purgeAt, until, toMonotonic: monotonic - now };
    if (createdAt !== undefined && Number.isFinite(createdAt)) lifetime.createdAt = createdAt;
    return lifetime;
  }

  createKey(bytes: Uint8Array, version: string, stage: Stage, lifetime: Lifetime): CachedKey {
    return new CachedKey(bytes, version, stage, lifetime, this.#clockSteps);
  }

  /** Caches a key. The same bytes again keep their CachedKey, and with it the one string made of them. */
  store(
    stage: StageState,
    bytes: Uint8Array,
    version: string,
    lifetime: Lifetime,
  ): { key: CachedKey; changed: boolean } {
    const held = stage.key;
    let key: CachedKey;
    if (held?.hasBytes(bytes) === true) {
      bytes.fill(0);
      held.renew(version, lifetime, this.#clockSteps);
      key = held;
    } else {
      key = this.createKey(bytes, version, stage.name, lifetime);
      if (held !== undefined) {
        if (stage === this.current && this.rollout !== undefined) this.#keepAsPrevious(held);
        this.zero(held);
      }
    }
    const changed = stage.digest !== key.digest;
    stage.key = key;
    stage.digest = key.digest;
    this.#scheduleExpiry();
    return { key, changed };
  }

  /** Zeroes a key. While running calls hold its string, it is still one of {@link secrets}. */
  zero(key: CachedKey): void {
    if (!key.isZeroed) (this.#gone ??= new GoneKeys()).add(key.bytes);
    key.zero();
    const leaving = this.#leaving?.filter(({ isGone }) => !isGone) ?? [];
    if (!key.isGone) leaving.push(key);
    this.#leaving = leaving.length === 0 ? undefined : leaving;
  }

  /** Zeroes the key of a stage. */
  drop(stage: StageState, reason: string): void {
    const { key } = stage;
    if (key === undefined) return;
    stage.key = undefined;
    this.zero(key);
    this.emit('evicted', key, () => ({ reason }));
  }

  /** Zeroes every key, for good. */
  clear(): void {
    getExpiryQueue(this.options.clock).remove(this);
    for (const stage of this.stages) {
      if (stage.key !== undefined) this.zero(stage.key);
      stage.key = undefined;
    }
  }

  /** Takes the rollout that came with a load, and tells the clients if it differs from the last one. */
  applyRollout(rollout: Rollout | undefined): void {
    const last = this.rollout;
    if (rollout === undefined) return;
    const { id, pendingPercent, previousUntil } = rollout;
    this.rollout = rollout;
    const isSameCanary = last?.id === id && last.pendingPercent === pendingPercent;
    if (isSameCanary && last.previousUntil === previousUntil) return;
    for (const stage of this.stages) {
      // A stage that had no key may have one now, and a rejection may force a load at once.
      stage.absentUntil = 0;
      stage.endCooldown();
      // Another canary may be about another key.
      if (stage.name === 'pending' && last?.id !== id) stage.key?.requireRevalidation();
    }
    for (const user of this.users) user.rolloutChanged();
    const isFirstEmpty = last === undefined && id === '';
    if (!isFirstEmpty && !isSameCanary) this.emit('rollout-changed', this.current, () => ({ pendingPercent }));
  }

  /** Tells every client's listeners, and the diagnostics channel once. `details` runs only if there is a listener. */
  emit<E extends EventName>(event: E, about: CachedKey | StageState, details: () => EventDetails<E>): void {
    let common: EventDetails<E> | undefined;
    let first: CacheUser | undefined;
    for (const user of this.users) {
      first ??= user;
      if (user.hasListener(event)) user.notify(event, this.buildPayload(user.name, about, (common ??= details())));
    }
    if (first !== undefined && hasSubscribers(event))
      publish(event, this.buildPayload(first.name, about, common ?? details()));
  }

  buildPayload<E extends EventName>(
    name: string,
    about: CachedKey | StageState,
    details: EventDetails<E>,
  ): KeyEvents[E] {
    const { keyProvider, clock } = this.options;
    const [stage, key] = about instanceof CachedKey ? [about.stage, about] : [about.name, about.key];
    const base: KeyEventBase = { name, provider: keyProvider.name, stage, at: clock.now() };
    if (key !== undefined) base.version = key.version;
    // All listeners get the same object.
    return Object.freeze({ ...base, ...details }) as unknown as KeyEvents[E];
  }

  /** @see Expiring */
  onDue(): void {
    const now = this.options.clock.monotonic();
    for (const stage of this.stages) {
      const { key } = stage;
      if (key === undefined) continue;
      const { expiresAt, purgeAt, toMonotonic } = key.lifetime;
      if (now >= purgeAt + toMonotonic) this.drop(stage, 'expired');
      else if (now >= expiresAt + toMonotonic) key.warmUntil = 0;
    }
    this.#scheduleExpiry();
  }

  /** Schedules the next expiry or purge on the monotonic clock. The warm path checks the wall clock only. */
  #scheduleExpiry(): void {
    const { clock } = this.options;
    const now = clock.monotonic();
    let next = Infinity;
    for (const { key } of this.stages) {
      if (key === undefined) continue;
      const { expiresAt, purgeAt, toMonotonic } = key.lifetime;
      next = Math.min(next, (now < expiresAt + toMonotonic ? expiresAt : purgeAt) + toMonotonic);
    }
    const queue = getExpiryQueue(clock);
    if (next === Infinity) queue.remove(this);
    else queue.schedule(this, next);
  }

  get #clockSteps(): number {
    return getWallClock(this.options.clock).steps;
  }

  /** Keeps a replaced key as `previous`: with a rollout it may be needed again, and the store then only has to confirm it. */
  #keepAsPrevious(replaced: CachedKey): void {
    const stage = this.stage('previous');
    if (stage.key !== undefined) this.zero(stage.key);
    stage.key = this.createKey(copyBytes(replaced.bytes), replaced.version, 'previous', replaced.lifetime);
    stage.key.requireRevalidation();
    stage.digest = replaced.digest;
  }
}
