import { observed, publish, type EventName } from '../events.js';
import { KeyProviderError } from '../errors.js';
import { CachedKey, type Lifetime } from './cached-key.js';
import { getExpiryQueue, type Expiring } from './expiry-queue.js';
import { STEP_BACK } from './timing.js';
import type { CheckedOptions } from '../options.js';
import { StageState } from './stage-state.js';
import type { KeyEventBase, KeyEvents, LoadedKey, Rollout, Stage, UnchangedKey } from '../types.js';

/** A client, as the keys it shares see it. */
export interface KeyUser {
  readonly name: string;
  hears(event: EventName): boolean;
  tell<E extends EventName>(event: E, payload: KeyEvents[E]): void;
  /** Whether a running call still needs this key. */
  holds(record: CachedKey): boolean;
  rolloutChanged(): void;
}

/** What is particular to an event, beside what is known here. */
export type EventDetails<E extends EventName> = Omit<KeyEvents[E], keyof KeyEventBase>;

/** The keys of one store as they are held: their places, their lives by both clocks, and their end. */
export class CachedKeys implements Expiring {
  readonly options: CheckedOptions;
  readonly current: StageState = new StageState('current');
  users: readonly KeyUser[] = [];
  /** The highest wall-clock reading so far: a lower one is a clock that stepped back. */
  highest: number = -Infinity;
  rollout: Rollout | undefined;
  #pending: StageState | undefined;
  #previous: StageState | undefined;
  /** @see Expiring */
  due = 0;
  rank = -1;

  constructor(options: CheckedOptions) {
    this.options = options;
  }

  slot(stage: Stage): StageState {
    if (stage === 'current') return this.current;
    if (stage === 'pending') return (this.#pending ??= new StageState(stage));
    return (this.#previous ??= new StageState(stage));
  }

  /** The slots in use. */
  get slots(): StageState[] {
    return [this.current, this.#pending, this.#previous].filter((slot) => slot !== undefined);
  }

  /** Every key held now, as strings: what must not appear in anything that leaves. */
  get secrets(): string[] {
    return this.slots.flatMap(({ record }) => record?.textIfAny ?? []);
  }

  /** The versions held, in any stage. */
  get versions(): string[] {
    return this.slots.flatMap(({ record }) => record?.version ?? []);
  }

  /** The keys that a load of this stage need not read again: its own, and those of the other stages that have not expired. */
  heldFor(slot: StageState): CachedKey[] {
    const own = slot.record === undefined ? [] : [slot.record];
    const others = this.slots.filter((other) => other !== slot).flatMap(({ record }) => record ?? []);
    return [...own, ...others.filter((record) => this.#isAlive(record))];
  }

  /** The key of a slot unless it must not be used at all; one past its `purgeAt` by either clock is zeroed here. */
  usable(slot: StageState): CachedKey | undefined {
    const { record } = slot;
    if (record === undefined) return undefined;
    const now = this.#wall();
    if (now < record.life.purgeAt && this.options.clock.monotonic() < record.life.purgeAt + record.life.toMono)
      return record;
    this.drop(slot, 'expired');
    return undefined;
  }

  /** Whether neither clock says that the key has expired. */
  isFresh(record: CachedKey): boolean {
    return !record.doubted && this.#isAlive(record);
  }

  /** The end of a key that is asked for before its time, after a notice: until then it need not be read again. */
  endOf(record: CachedKey | undefined): number | undefined {
    if (record === undefined || !this.#isAlive(record)) return undefined;
    return this.options.clock.now() < this.refreshAt(record) ? record.life.expiresAt : undefined;
  }

  #isAlive({ expired, life }: CachedKey): boolean {
    const { clock } = this.options;
    return !expired && clock.now() < life.expiresAt && clock.monotonic() < life.expiresAt + life.toMono;
  }

  /** From when on a key is asked for again in the background. */
  refreshAt({ life: { loadedAt, expiresAt } }: CachedKey): number {
    return expiresAt - Math.min(this.options.refreshAhead, (expiresAt - loadedAt) / 2);
  }

  /** How long a key that has just come may be used; one that moves from another stage brings the rest of its `life`. */
  lifeOf(key: LoadedKey | UnchangedKey, until: number | undefined, life?: Lifetime): Lifetime {
    const { clock, ttl, ttlJitter, staleIfError, keyProvider } = this.options;
    const now = this.#wall();
    const mono = clock.monotonic();
    const theirs = Math.min(key.expiresAt ?? Infinity, until ?? Infinity);
    if (theirs <= now) {
      throw new KeyProviderError(
        `The key store \`${keyProvider.name}\` gave a key that had expired ${String(now - theirs)} ms before; check its clock and this host's.`,
        { provider: keyProvider.name, version: key.version },
      );
    }
    const ours = now + Math.ceil(ttl * (1 - ttlJitter * Math.random()));
    const expiresAt = Math.min(ours, theirs, Math.max(now + 1, life?.expiresAt ?? Infinity));
    const purgeAt = Math.min(expiresAt + staleIfError, until ?? Infinity);
    return { loadedAt: now, expiresAt, purgeAt, until, toMono: mono - now };
  }

  /** Puts a key in its place. The same bytes again keep their record, and with it the one string made of them. */
  place(slot: StageState, bytes: Uint8Array, version: string, life: Lifetime): { record: CachedKey; changed: boolean } {
    const held = slot.record;
    let record: CachedKey;
    if (held?.sameBytes(bytes) === true) {
      bytes.fill(0);
      held.renew(version, life);
      record = held;
    } else {
      record = new CachedKey(bytes, version, slot.stage, life);
      if (held !== undefined) {
        if (slot === this.current && this.rollout !== undefined) this.#setAside(held);
        this.#retire(held);
      }
    }
    const changed = slot.digest !== record.digest;
    slot.record = record;
    slot.digest = record.digest;
    this.arm();
    return { record, changed };
  }

  /** Zeroes the key of a slot. */
  drop(slot: StageState, reason: string): void {
    const { record } = slot;
    if (record === undefined) return;
    slot.record = undefined;
    this.#retire(record);
    this.emit('evicted', record, () => ({ reason }));
  }

  /** Zeroes everything, for good. */
  clear(): void {
    getExpiryQueue(this.options.clock).remove(this);
    for (const slot of this.slots) {
      slot.record?.retire(false);
      slot.record = undefined;
    }
  }

  /** Has the next expiry or end looked after, on the monotonic clock: the side that the warm path does not read. */
  arm(): void {
    const { clock } = this.options;
    const mono = clock.monotonic();
    let next = Infinity;
    for (const { record } of this.slots) {
      if (record === undefined) continue;
      const { expiresAt, purgeAt, toMono } = record.life;
      next = Math.min(next, (mono < expiresAt + toMono ? expiresAt : purgeAt) + toMono);
    }
    const expiries = getExpiryQueue(clock);
    if (next === Infinity) expiries.remove(this);
    else expiries.set(this, next);
  }

  /** Tells every client's listeners, and the diagnostics channel once. Builds a payload only for somebody. */
  emit<E extends EventName>(event: E, about: CachedKey | StageState, details: () => EventDetails<E>): void {
    let common: EventDetails<E> | undefined;
    let first: KeyUser | undefined;
    for (const user of this.users) {
      first ??= user;
      if (user.hears(event)) user.tell(event, this.payload(user.name, about, (common ??= details())));
    }
    if (first !== undefined && observed(event)) publish(event, this.payload(first.name, about, common ?? details()));
  }

  /** An event's payload. */
  payload<E extends EventName>(name: string, about: CachedKey | StageState, details: EventDetails<E>): KeyEvents[E] {
    const { keyProvider, clock } = this.options;
    const version = about instanceof CachedKey ? about.version : about.record?.version;
    const base: KeyEventBase = { name, provider: keyProvider.name, stage: about.stage, at: clock.now() };
    if (version !== undefined) base.version = version;
    return { ...base, ...details } as unknown as KeyEvents[E];
  }

  /** The wall clock; one that has stepped back expires every key. */
  #wall(): number {
    const now = this.options.clock.now();
    if (now < this.highest - STEP_BACK) this.#steppedBack(now);
    else if (now > this.highest) this.highest = now;
    return now;
  }

  /** A key has reached its expiry or its end. */
  expire(): void {
    const mono = this.options.clock.monotonic();
    for (const slot of this.slots) {
      const { record } = slot;
      if (record === undefined) continue;
      const { expiresAt, purgeAt, toMono } = record.life;
      if (mono >= purgeAt + toMono) this.drop(slot, 'expired');
      else if (mono >= expiresAt + toMono) record.warmUntil = 0;
    }
    this.arm();
  }

  #steppedBack(now: number): void {
    this.highest = now;
    for (const { record } of this.slots) {
      if (record === undefined) continue;
      record.expire();
    }
  }

  /** Where keys have two lives the replaced one may be needed once more: the store then has only to say which it is. */
  #setAside(replaced: CachedKey): void {
    const slot = this.slot('previous');
    if (slot.record !== undefined) this.#retire(slot.record);
    slot.record = new CachedKey(replaced.bytes.slice(), replaced.version, 'previous', replaced.life);
    slot.record.doubt();
    slot.digest = replaced.digest;
  }

  #retire(record: CachedKey): void {
    let needed = record.landing;
    for (const user of this.users) needed ||= user.holds(record);
    record.retire(needed);
  }
}
