import type { GoldKeyError } from '../errors.js';
import type { CachedKey } from './cached-key.js';
import { BACKOFF_FIRST, BACKOFF_LAST, COOLDOWN_CHANGED, COOLDOWN_FIRST } from './timing.js';
import type { Stage } from '../types.js';

/** How a load ended. A load never rejects: who waits for it gets one of these. */
export type LoadOutcome = { record: CachedKey; error?: undefined } | { record?: undefined; error: GoldKeyError };

/** Why a load runs: because a key is needed, because one was refused, or because `reload()` was called. */
export type LoadKind = 'ordinary' | 'refusal' | 'reload';

/** One load under way. */
export interface PendingLoad {
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

/** What a stage remembers once something has gone wrong, or somebody has intervened. */
class Trouble {
  lastError: GoldKeyError | undefined;
  retryAt = 0;
  cooldownUntil = 0;
  absentUntil = 0;
  evictLoadAt: number = -Infinity;
  reloadAt: number = -Infinity;
  evicted = false;
  failures = 0;
  pause = 0;
}

const NONE: Readonly<Trouble> = Object.freeze(new Trouble());

/** All that is known of one stage. Times without another word are on the monotonic clock. */
export class StageState {
  readonly stage: Stage;
  record: CachedKey | undefined;
  /** The digest of the last bytes seen: it outlives them, so that generations can be told apart after `evict()`. */
  digest: string | undefined;
  flight: PendingLoad | undefined;
  /** Another stage's slot that worked when this one was refused; until this one's next load. */
  preferred: StageState | undefined;
  /** When the last background load started. */
  backgroundAt: number = -Infinity;
  // Most stages never see any, and there may be a hundred thousand of them.
  #trouble: Readonly<Trouble> = NONE;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  get lastError(): GoldKeyError | undefined {
    return this.#trouble.lastError;
  }

  /** No load may start before, since the last ones failed. */
  get retryAt(): number {
    return this.#trouble.retryAt;
  }

  /** No reload may be forced before. */
  get cooldownUntil(): number {
    return this.#trouble.cooldownUntil;
  }

  /** The store has no key of this stage; not asked again before. */
  get absentUntil(): number {
    return this.#trouble.absentUntil;
  }

  set absentUntil(at: number) {
    if (at !== this.absentUntil) this.#more().absentUntil = at;
  }

  /** When the last load that follows an `evict()` started. */
  get evictLoadAt(): number {
    return this.#trouble.evictLoadAt;
  }

  set evictLoadAt(at: number) {
    this.#more().evictLoadAt = at;
  }

  /** When `reload()` last asked. */
  get reloadAt(): number {
    return this.#trouble.reloadAt;
  }

  set reloadAt(at: number) {
    this.#more().reloadAt = at;
  }

  get evicted(): boolean {
    return this.#trouble.evicted;
  }

  set evicted(evicted: boolean) {
    if (evicted !== this.evicted) this.#more().evicted = evicted;
  }

  /** Whether the last load failed. */
  get failing(): boolean {
    return this.#trouble.failures > 0;
  }

  /** A load failed: none starts within a window that doubles from 1 s to 30 s, drawn from its upper half. */
  failed(error: GoldKeyError, mono: number): number {
    const trouble = this.#more();
    const window = Math.min(BACKOFF_FIRST * 2 ** trouble.failures, BACKOFF_LAST);
    trouble.failures = Math.min(trouble.failures + 1, 16);
    trouble.lastError = error;
    const wait = Math.ceil((window * (1 + Math.random())) / 2);
    trouble.retryAt = mono + wait;
    return wait;
  }

  succeeded(): void {
    if (this.#trouble === NONE) return;
    const trouble = this.#more();
    trouble.failures = 0;
    trouble.retryAt = 0;
    trouble.lastError = undefined;
  }

  /** A forced reload ended: a pause until the next, longer each time nothing came of it. */
  cool(changed: boolean, longest: number, mono: number): void {
    const trouble = this.#more();
    if (changed) {
      trouble.pause = 0;
      trouble.cooldownUntil = mono + Math.min(COOLDOWN_CHANGED, longest);
      return;
    }
    trouble.pause = Math.min(trouble.pause === 0 ? COOLDOWN_FIRST : trouble.pause * 2, longest);
    trouble.cooldownUntil = mono + trouble.pause;
  }

  /** Whether forced reloads have brought nothing new, and no call with the key has succeeded since. */
  get pausing(): boolean {
    return this.#trouble.pause > 0;
  }

  /** A call with the key succeeded: the next pause is a short one again. */
  shortenPauses(): void {
    if (this.#trouble !== NONE) this.#more().pause = 0;
  }

  /** A changed key works, or the store told of a change: a refusal may force a reload at once. */
  endCooldown(): void {
    if (this.#trouble === NONE) return;
    const trouble = this.#more();
    trouble.pause = 0;
    trouble.cooldownUntil = 0;
  }

  /** What a client that replaces this one must go on honouring. */
  get restraint(): Restraint {
    const { retryAt, cooldownUntil, lastError, failures, pause } = this.#trouble;
    return { retryAt, cooldownUntil, digest: this.digest, lastError, failures, pause };
  }

  restrain({ digest, ...restraint }: Restraint): void {
    this.digest = digest;
    Object.assign(this.#more(), restraint);
  }

  #more(): Trouble {
    if (this.#trouble === NONE) this.#trouble = new Trouble();
    return this.#trouble;
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
