import type { GoldKeyError } from './errors.js';
import type { KeyRecord } from './key-record.js';
import { BACKOFF_FIRST, BACKOFF_LAST, COOLDOWN_CHANGED, COOLDOWN_FIRST } from './limits.js';
import type { Stage } from './types.js';

/** How a load ended. A load never rejects: who waits for it gets one of these. */
export type LoadOutcome = { record: KeyRecord; error?: undefined } | { record?: undefined; error: GoldKeyError };

/** Why a load runs: because a key is needed, because one was refused, or because `reload()` was called. */
export type LoadKind = 'ordinary' | 'refusal' | 'reload';

/** One load under way. */
export interface Flight {
  readonly kind: LoadKind;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** Resolves when the load ends. */
  promise: Promise<LoadOutcome>;
  /** Resolves when the load ends, at the latest 250 ms after it began; made when first needed. */
  soon: Promise<unknown> | undefined;
  /** The store has really been asked (a load after `evict()` may have to wait for its turn). */
  asked: boolean;
  /** `evict()` came while it ran: its key goes to those who already waited, and nowhere else. */
  orphan: boolean;
}

/** All that is known of one stage. Times without another word are on the monotonic clock. */
export class StageSlot {
  readonly stage: Stage;
  record: KeyRecord | undefined;
  /** The digest of the last bytes seen: it outlives them, so that generations can be told apart after `evict()`. */
  digest: string | undefined;
  flight: Flight | undefined;
  /** Another stage's slot that worked when this one was refused; until this one's next load. */
  preferred: StageSlot | undefined;
  lastError: GoldKeyError | undefined;
  /** No load may start before, since the last ones failed. */
  retryAt = 0;
  /** No reload may be forced before. */
  cooldownUntil = 0;
  /** The store has no key of this stage; not asked again before. */
  absentUntil = 0;
  /** When the last load that follows an `evict()` started. */
  evictLoadAt: number = -Infinity;
  /** When the last background load started. */
  backgroundAt: number = -Infinity;
  /** When `reload()` last asked. */
  reloadAt: number = -Infinity;
  evicted = false;
  #failures = 0;
  #pause = 0;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  /** Whether the last load failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** A load failed: none starts within a window that doubles from 1 s to 30 s, drawn from its upper half. */
  failed(error: GoldKeyError, mono: number): number {
    const window = Math.min(BACKOFF_FIRST * 2 ** this.#failures, BACKOFF_LAST);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.lastError = error;
    const wait = Math.ceil((window * (1 + Math.random())) / 2);
    this.retryAt = mono + wait;
    return wait;
  }

  succeeded(): void {
    this.#failures = 0;
    this.retryAt = 0;
    this.lastError = undefined;
  }

  /** A forced reload ended: a pause until the next, longer each time nothing came of it. */
  cool(changed: boolean, longest: number, mono: number): void {
    if (changed) {
      this.#pause = 0;
      this.cooldownUntil = mono + Math.min(COOLDOWN_CHANGED, longest);
      return;
    }
    this.#pause = Math.min(this.#pause === 0 ? COOLDOWN_FIRST : this.#pause * 2, longest);
    this.cooldownUntil = mono + this.#pause;
  }

  /** A call with the key succeeded: the next pause is a short one again. */
  shortenPauses(): void {
    this.#pause = 0;
  }

  /** A changed key works, or the store told of a change: a refusal may force a reload at once. */
  endCooldown(): void {
    this.#pause = 0;
    this.cooldownUntil = 0;
  }

  /** What a client that replaces this one must go on honouring. */
  get restraint(): Restraint {
    const { retryAt, cooldownUntil, digest, lastError } = this;
    return { retryAt, cooldownUntil, digest, lastError, failures: this.#failures, pause: this.#pause };
  }

  restrain(restraint: Restraint): void {
    this.retryAt = restraint.retryAt;
    this.cooldownUntil = restraint.cooldownUntil;
    this.digest = restraint.digest;
    this.lastError = restraint.lastError;
    this.#failures = restraint.failures;
    this.#pause = restraint.pause;
  }
}

/** A slot's back-off and cooldown, without its key. */
export interface Restraint {
  readonly retryAt: number;
  readonly cooldownUntil: number;
  readonly digest: string | undefined;
  readonly lastError: GoldKeyError | undefined;
  readonly failures: number;
  readonly pause: number;
}
