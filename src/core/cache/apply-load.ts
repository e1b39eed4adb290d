import { afterTurn } from '../util/clock.js';
import { closedError, copyError, KeyNotFoundError, KeyProviderError, type GoldKeyError } from '../errors.js';
import { checkAnswer, copyKey } from './validate-key.js';
import { asKeyError, wipe, type Loaded } from './load-key.js';
import { CachedKey } from './cached-key.js';
import type { CachedKeys } from './cached-keys.js';
import { scrub } from '../redaction/redact.js';
import type { PendingLoad, LoadOutcome, StageState } from './stage-state.js';
import type { Rollout, UnchangedKey } from '../types.js';

const NO_BYTES = new Uint8Array(0);

/** What is counted per store. */
export interface KeyCounts {
  loads: number;
  loadFailures: number;
  stale: number;
  evictions: number;
}

/** Takes in what loads bring: a key onto the shelf, a failure into the slot's back-off. */
export class KeyIntake {
  loads = 0;
  loadFailures = 0;
  evictions = 0;
  #stale = 0;
  /** The last client has left: nothing is taken in any more. */
  closed = false;
  readonly #shelf: CachedKeys;

  constructor(shelf: CachedKeys) {
    this.#shelf = shelf;
  }

  get counts(): KeyCounts {
    const { loads, loadFailures, evictions } = this;
    return { loads, loadFailures, stale: this.#stale, evictions };
  }

  /** A load ended well. What the store handed over is zeroed here, whatever becomes of it. */
  arrived(slot: StageState, flight: PendingLoad, { key, rollout, failure }: Loaded, duration: number): LoadOutcome {
    const shelf = this.#shelf;
    const { options } = shelf;
    const { clock, keyProvider } = options;
    try {
      if (this.closed) throw closedError();
      if (failure !== undefined) {
        if (!flight.orphan) this.#follow(rollout);
        throw failure.error;
      }
      const about = { provider: keyProvider.name, version: key?.version };
      const answer = checkAnswer(key, about);
      if (answer === undefined) return { error: this.#absent(slot, flight) };
      const held = 'unchanged' in answer && answer.unchanged === true ? this.#held(slot, answer) : undefined;
      const given = 'bytes' in answer ? answer : undefined;
      const life = shelf.lifeOf(
        answer,
        held?.life.until ?? given?.until,
        held === slot.record ? undefined : held?.life,
      );
      const { bytes, trimmed } = copyKey(held?.bytes ?? given?.bytes ?? NO_BYTES, about);
      if (flight.orphan) {
        const record = new CachedKey(bytes, answer.version, slot.stage, life);
        record.retire(true);
        return { record };
      }
      const { record, changed } = shelf.place(slot, bytes, answer.version, life);
      slot.succeeded();
      slot.preferred = undefined;
      slot.absentUntil = 0;
      if (flight.kind === 'refusal') slot.cool(changed, options.reloadCooldown, clock.monotonic());
      else if (changed) slot.endCooldown();
      if (changed) {
        record.standing = 'good';
        record.watched = 'changed';
      } else if (flight.kind === 'refusal') {
        record.standing = 'rejected';
        record.watched = 'refused';
      } else if (slot.pausing) {
        // Refused before it was evicted or its client replaced, and back now: its success is news still.
        record.watched ??= 'refused';
      }
      record.warmUntil = shelf.refreshAt(record);
      record.landing = true;
      afterTurn(() => {
        record.landing = false;
      });
      this.#follow(rollout);
      shelf.emit('loaded', record, () => ({ duration, fingerprint: record.fingerprint, changed }));
      if (trimmed) shelf.emit('trimmed', record, () => ({}));
      if (given?.breakGlass === true) {
        const until = given.until ?? life.purgeAt;
        shelf.emit('break-glass', record, () => ({ severity: 'critical' as const, until }));
      }
      return { record };
    } finally {
      wipe(key);
    }
  }

  /** A load failed. */
  missed(slot: StageState, flight: PendingLoad, thrown: unknown, duration: number): GoldKeyError {
    const { clock, keyProvider, reloadCooldown } = this.#shelf.options;
    // A store's own error may quote what it sent, or a key that is held already.
    const error = scrub(asKeyError(thrown, keyProvider.name), this.#shelf.secrets) as GoldKeyError;
    if (this.closed) return error;
    this.loadFailures++;
    if (flight.orphan) return error;
    const retryAfter = slot.failed(error, clock.monotonic());
    if (flight.kind === 'refusal') {
      slot.cool(false, reloadCooldown, clock.monotonic());
      if (slot.record !== undefined) {
        slot.record.standing = 'good';
        slot.record.watched = 'refused';
      }
    }
    if (slot.record !== undefined) slot.record.warmUntil = 0;
    if (!error.retryable) {
      slot.preferred = undefined;
      // Where there are stages, what is denied is one version: the one held before it may now be another stage's.
      const other = this.#shelf.rollout !== undefined && error.version !== undefined;
      if (!other || error.version === slot.record?.version) this.#shelf.drop(slot, error.code);
    }
    this.#shelf.emit('load-failed', slot, () => ({ duration, error, retryAfter }));
    return error;
  }

  /** Why no load may start now, if none may. */
  barred(slot: StageState): GoldKeyError | undefined {
    if (this.closed) return closedError();
    const mono = this.#shelf.options.clock.monotonic();
    const { lastError, retryAt, absentUntil } = slot;
    if (mono < absentUntil) return this.#notFound(slot);
    return lastError !== undefined && mono < retryAt
      ? copyError(lastError, { retryAfter: Math.ceil(retryAt - mono) })
      : undefined;
  }

  /** A key past its expiry is chosen. */
  stale(slot: StageState, record: CachedKey): CachedKey {
    this.#stale++;
    const { lastError } = slot;
    const age = this.#shelf.options.clock.now() - record.life.loadedAt;
    this.#shelf.emit('stale', record, () => (lastError === undefined ? { age } : { age, error: lastError }));
    return record;
  }

  /** The key of a version that the store says has not changed, from whichever stage holds it. */
  #held(slot: StageState, { version }: UnchangedKey): CachedKey {
    const { name } = this.#shelf.options.keyProvider;
    const record = this.#shelf.heldFor(slot).find((held) => held.version === version);
    if (record !== undefined) return record;
    throw new KeyProviderError(`The key store \`${name}\` says \`unchanged\` of a version that is not held.`, {
      provider: name,
      version,
    });
  }

  #follow(rollout: Rollout | undefined): void {
    const shelf = this.#shelf;
    if (rollout === undefined) return;
    const { id, pendingPercent } = rollout;
    const before = shelf.rollout;
    shelf.rollout = rollout;
    if (before?.id === id && before.pendingPercent === pendingPercent && before.previousUntil === rollout.previousUntil)
      return;
    for (const slot of shelf.slots) {
      // What was absent may be there now, and a refusal may ask again.
      slot.absentUntil = 0;
      slot.endCooldown();
      // Another trial may be of another key.
      if (slot.stage === 'pending' && before?.id !== id && slot.record !== undefined) slot.record.doubt();
    }
    for (const user of shelf.users) user.rolloutChanged();
    const quiet = before === undefined ? id === '' : before.id === id && before.pendingPercent === pendingPercent;
    if (!quiet) shelf.emit('rollout-changed', shelf.current, () => ({ pendingPercent }));
  }

  /** Without a current key nothing works: that is a failed load. The other stages need not have one. */
  #absent(slot: StageState, flight: PendingLoad): GoldKeyError {
    const error = this.#notFound(slot);
    if (slot.stage === 'current') throw error;
    if (!flight.orphan) {
      slot.succeeded();
      slot.absentUntil = this.#shelf.options.clock.monotonic() + this.#shelf.options.ttl;
      this.#shelf.drop(slot, error.code);
    }
    return error;
  }

  #notFound({ stage }: StageState): GoldKeyError {
    const { name } = this.#shelf.options.keyProvider;
    return new KeyNotFoundError(`The key store \`${name}\` has no ${stage} key.`, { provider: name });
  }
}
