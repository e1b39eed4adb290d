import { ChangeSubscription } from './change-subscription.js';
import { delay } from '../util/clock.js';
import { closedError, type GoldKeyError } from '../errors.js';
import { KeyIntake, type KeyCounts } from './apply-load.js';
import { askStore } from './load-key.js';
import type { CachedKey } from './cached-key.js';
import { CachedKeys, type KeyUser } from './cached-keys.js';
import { ASK_EVERY, BACKGROUND_EVERY, SHORT_WAIT } from './timing.js';
import type { CheckedOptions } from '../options.js';
import type { PendingLoad, LoadKind, LoadOutcome, StageState } from './stage-state.js';
import type { UnchangedKey } from '../types.js';

/** Brings keys onto the shelf: one load per stage at a time, however many wait for it. */
export class KeyCache {
  readonly options: CheckedOptions;
  readonly shelf: CachedKeys;
  readonly #intake: KeyIntake;
  // Made for a load and dropped after it: an empty set is as large as a key with its record.
  #flights: Set<Promise<unknown>> | undefined;
  #aborts: Set<(reason: Error) => void> | undefined;
  #reloading: Promise<LoadOutcome> | undefined;
  #notices: ChangeSubscription | undefined;

  constructor(options: CheckedOptions) {
    this.options = options;
    this.shelf = new CachedKeys(options);
    this.#intake = new KeyIntake(this.shelf);
  }

  get counts(): KeyCounts {
    return this.#intake.counts;
  }

  /**
   * A key of this stage to use now, or the reason why there is none. Never rejects. Who holds a usable key waits 250 ms
   * for a better one, and not at all while loads fail.
   */
  async obtain(slot: StageState): Promise<CachedKey | GoldKeyError> {
    const { shelf } = this;
    let waited = false;
    for (;;) {
      const record = shelf.usable(slot);
      if (record !== undefined && shelf.isFresh(record)) {
        if (record.standing === 'suspect' && slot.flight !== undefined && !waited) {
          waited = true;
          await this.#soon(slot.flight);
          continue;
        }
        this.lookAhead(slot, record);
        return record;
      }
      const { failing } = slot;
      const refused = slot.flight === undefined ? this.#intake.barred(slot) : undefined;
      if (refused !== undefined) {
        return record === undefined || !refused.retryable ? refused : this.#intake.stale(slot, record);
      }
      const flight = slot.flight ?? this.begin(slot, 'ordinary', record !== undefined && failing);
      if (record !== undefined) {
        if (!waited && !failing) await this.#soon(flight);
        const still = shelf.usable(slot);
        if (still !== undefined) return shelf.isFresh(still) ? still : this.#intake.stale(slot, still);
      }
      const outcome = await flight.promise;
      if (outcome.record !== undefined) return outcome.record;
      if (!flight.orphan) return outcome.error;
    }
  }

  /** Starts a background load when the key is about to expire, and says until when nobody need look again. */
  lookAhead(slot: StageState, record: CachedKey): void {
    const { clock } = this.options;
    const { expiresAt, loadedAt } = record.life;
    const refreshAt = this.shelf.refreshAt(record);
    const now = clock.now();
    if (record.standing === 'suspect' || slot.preferred !== undefined) return;
    if (now < refreshAt) {
      record.warmUntil = refreshAt;
      return;
    }
    const mono = clock.monotonic();
    const pause = Math.max(BACKGROUND_EVERY, (expiresAt - loadedAt) / 4);
    const next = Math.max(slot.retryAt, slot.backgroundAt + pause);
    if (slot.flight === undefined && mono >= next) this.begin(slot, 'ordinary', true);
    record.warmUntil = slot.flight === undefined ? Math.min(expiresAt, now + next - mono) : expiresAt;
  }

  /** Loads a key that is not in use when its time comes, so that a preference for another does not last for ever. */
  keepUp(slot: StageState): void {
    const { clock, ttl } = this.options;
    const record = this.shelf.usable(slot);
    if (record !== undefined && this.shelf.isFresh(record) && clock.now() < this.shelf.refreshAt(record)) return;
    const due = clock.monotonic() >= slot.backgroundAt + Math.max(BACKGROUND_EVERY, ttl / 4);
    if (due && slot.flight === undefined && this.#intake.barred(slot) === undefined) this.begin(slot, 'ordinary', true);
  }

  /** Starts a load. The caller has made sure that none of this stage is under way. */
  begin(slot: StageState, kind: LoadKind, background: boolean): PendingLoad {
    const mono = this.options.clock.monotonic();
    let wait = 0;
    if (slot.evicted) {
      slot.evicted = false;
      wait = Math.max(0, slot.evictLoadAt + ASK_EVERY - mono);
      slot.evictLoadAt = mono + wait;
    }
    if (background) slot.backgroundAt = mono;
    if (kind === 'refusal' && slot.record !== undefined) {
      slot.record.standing = 'suspect';
      slot.record.warmUntil = 0;
    }
    // The promise exists before the store is asked: it may use the client while it is.
    let land: (outcome: LoadOutcome) => void = () => undefined;
    const promise = new Promise<LoadOutcome>((resolve) => {
      land = resolve;
    });
    const flight: PendingLoad = { kind, startedAt: mono, promise, soon: undefined, asked: false, orphan: false };
    slot.flight = flight;
    void this.#load(slot, flight, wait, background).then(land);
    const flights = (this.#flights ??= new Set());
    flights.add(flight.promise);
    void flight.promise.then(() => {
      flights.delete(flight.promise);
      if (flights.size === 0) this.#flights = undefined;
      if (this.#aborts?.size === 0) this.#aborts = undefined;
    });
    this.#listen();
    return flight;
  }

  /** `reload()`: asks the store whatever the cooldown says, at most once a second; callers meanwhile share one load. */
  reload(): Promise<LoadOutcome> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  /** Drops and zeroes every key. A load under way still answers those who wait for it, and nobody else. */
  evict(reason: string): void {
    this.#intake.evictions++;
    for (const slot of this.shelf.slots) {
      if (slot.flight?.asked === true) {
        slot.flight.orphan = true;
        slot.flight = undefined;
      }
      slot.evicted = true;
      slot.preferred = undefined;
      this.shelf.drop(slot, reason);
    }
  }

  /** Resolves when no load is under way. */
  async settled(): Promise<void> {
    while (this.#flights !== undefined) await Promise.all(this.#flights);
  }

  /** A client has closed. With the last one everything ends: loads, timers, keys, the subscription, the provider. */
  async leave(user: KeyUser): Promise<void> {
    this.shelf.users = this.shelf.users.filter((other) => other !== user);
    if (this.shelf.users.length > 0 || this.#intake.closed) return;
    this.#intake.closed = true;
    for (const abort of this.#aborts ?? []) abort(closedError());
    this.shelf.clear();
    await this.settled();
    await this.#notices?.close();
    await this.options.keyProvider.close?.();
  }

  /** Why no load of this stage may start now, if none may. */
  barred(slot: StageState): GoldKeyError | undefined {
    return this.#intake.barred(slot);
  }

  async #load(slot: StageState, flight: PendingLoad, wait: number, background: boolean): Promise<LoadOutcome> {
    const { clock } = this.options;
    let startedAt = clock.monotonic();
    const duration = (): number => clock.monotonic() - startedAt;
    try {
      if (wait > 0) await this.#turn(wait);
      flight.asked = true;
      startedAt = clock.monotonic();
      this.#intake.loads++;
      const known = flight.kind === 'ordinary' ? this.shelf.versions : [];
      const { keyTimeout } = this.options;
      const order = { stage: slot.stage, background, timeout: keyTimeout, aborts: (this.#aborts ??= new Set()) };
      const freshUntil = this.shelf.endOf(slot.record);
      let loaded = await askStore(this.options, { ...order, known: known.length > 0 ? known : undefined, freshUntil });
      if (known.length > 0 && !flight.orphan && isUnheld(loaded.key, this.shelf.heldFor(slot))) {
        // `unchanged` of a key that has gone since it was asked for, or that expired in another stage: it has to be read.
        this.#intake.loads++;
        loaded = await askStore(this.options, { ...order, known: undefined, timeout: keyTimeout - duration() });
      }
      return this.#intake.arrived(slot, flight, loaded, duration());
    } catch (error) {
      return { error: this.#intake.missed(slot, flight, error, duration()) };
    } finally {
      if (slot.flight === flight) slot.flight = undefined;
    }
  }

  /** A load after `evict()` waits for its turn; closing ends the wait. */
  async #turn(wait: number): Promise<void> {
    const controller = new AbortController();
    const abort = (reason: Error): void => {
      controller.abort(reason);
    };
    const aborts = (this.#aborts ??= new Set());
    aborts.add(abort);
    try {
      await delay(this.options.clock, wait, controller.signal);
    } finally {
      aborts.delete(abort);
    }
  }

  async #reload(): Promise<LoadOutcome> {
    const { clock } = this.options;
    const slot = this.shelf.current;
    const wait = slot.reloadAt + ASK_EVERY - clock.monotonic();
    if (wait > 0) await this.#turn(wait).catch(() => undefined);
    while (slot.flight !== undefined) await slot.flight.promise;
    if (this.#intake.closed) return { error: closedError() };
    slot.reloadAt = clock.monotonic();
    for (const other of this.shelf.slots) other.absentUntil = 0;
    for (const other of this.shelf.slots) {
      if (other !== slot && other.record !== undefined && other.flight === undefined) this.begin(other, 'reload', true);
    }
    return this.begin(slot, 'reload', false).promise;
  }

  #soon(flight: PendingLoad): Promise<unknown> {
    const { clock } = this.options;
    flight.soon ??= new Promise<void>((resolve) => {
      const left = Math.max(0, Math.ceil(flight.startedAt + SHORT_WAIT - clock.monotonic()));
      const timer = clock.setTimeout(resolve, left);
      void flight.promise.then(() => {
        timer.cancel();
        resolve();
      });
    });
    return flight.soon;
  }

  /** What a running load brings may be older than the notice: it is followed by another. */
  async #afterNotice(): Promise<void> {
    const slot = this.shelf.current;
    await slot.flight?.promise;
    if (!this.#intake.closed && slot.flight === undefined) this.begin(slot, 'ordinary', true);
  }

  #listen(): void {
    if (this.options.keyProvider.subscribe === undefined) return;
    this.#notices ??= new ChangeSubscription(
      this.options,
      () => {
        void this.#afterNotice();
      },
      (version) => {
        // A version that is held already is no news: a store that repeats itself must not lift every cooldown.
        if (this.shelf.slots.some(({ record }) => record?.version === version)) return;
        for (const slot of this.shelf.slots) slot.endCooldown();
      },
    );
    this.#notices.listen();
  }
}

function isUnheld(key: unknown, held: readonly CachedKey[]): boolean {
  const { unchanged, version } = (key ?? {}) as Partial<UnchangedKey>;
  return unchanged === true && version !== undefined && !held.some((record) => record.version === version);
}
