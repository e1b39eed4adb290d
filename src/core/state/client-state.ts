import type { Call } from '../call/call.js';
import { getDeadlineTimer, systemDeadlineTimer, type DeadlineTimer } from './deadline-timer.js';
import { Listeners, observed, publish, type EventName } from '../events.js';
import type { KeyCache } from '../cache/key-cache.js';
import type { CachedKey } from '../cache/cached-key.js';
import type { EventDetails, CachedKeys, KeyUser } from '../cache/cached-keys.js';
import type { CheckedOptions } from '../options.js';
import { Canary } from './canary.js';
import type { StageState } from '../cache/stage-state.js';
import type { KeyEvents } from '../types.js';

/** What a client is made of, without its public face. */
export class ClientState implements KeyUser {
  // First what every call reads, so that it lies together.
  /** The stage this client uses. */
  slot: StageState;
  readonly shelf: CachedKeys;
  readonly deadlines: DeadlineTimer;
  readonly timeout: number;
  /** The calls that have not settled. */
  inFlight = 0;
  calls = 0;
  closing = false;
  /** Whether every outcome has to be looked at by a function of the caller's. */
  readonly careful: boolean;
  readonly options: CheckedOptions;
  readonly cache: KeyCache;
  rejections = 0;
  repairs = 0;
  retries = 0;
  #canary: Canary | undefined;
  #listeners: Listeners | undefined;
  #idle: (() => void) | undefined;

  constructor(options: CheckedOptions, cache: KeyCache) {
    this.options = options;
    this.cache = cache;
    this.shelf = cache.shelf;
    this.deadlines = getDeadlineTimer(options.clock);
    this.timeout = options.timeout;
    this.careful = options.isKeyRejected !== undefined || options.isTransient !== undefined;
    this.slot = this.shelf.current;
    // Not by a spread: that leaves room for sixteen more.
    this.shelf.users = this.shelf.users.concat(this);
    this.rolloutChanged();
  }

  get name(): string {
    return this.options.name;
  }

  /** Whether the `pending` key may be used at all: its rollout is known, and this client has not given up on it. */
  get trustsPending(): boolean {
    return this.shelf.rollout !== undefined && this.canary.trusts(this.shelf.rollout);
  }

  rolloutChanged(): void {
    this.slot = this.shelf.slot(this.#takesPart ? 'pending' : 'current');
  }

  /** Made when there is a rollout to follow. */
  get canary(): Canary {
    return (this.#canary ??= new Canary(this.options.instanceId));
  }

  get #takesPart(): boolean {
    return this.shelf.rollout !== undefined && this.canary.takesPart(this.shelf.rollout);
  }

  holds(record: CachedKey): boolean {
    return this.#running.some((call) => call.holds(record));
  }

  get listeners(): Listeners {
    return (this.#listeners ??= new Listeners());
  }

  hears(event: EventName): boolean {
    return this.#listeners?.has(event) === true;
  }

  tell<E extends EventName>(event: E, payload: KeyEvents[E]): void {
    this.#listeners?.tell(event, payload);
  }

  /** An event of this client's own. */
  emit<E extends EventName>(event: E, about: CachedKey | StageState, details: EventDetails<E>): void {
    const heard = this.hears(event);
    const seen = observed(event);
    if (!heard && !seen) return;
    const payload = this.shelf.payload(this.name, about, details);
    if (heard) this.tell(event, payload);
    if (seen) publish(event, payload);
  }

  /** The key, when it may be handed out without looking any further. */
  warm(): CachedKey | undefined {
    const { shelf } = this;
    const { record } = this.slot;
    // Not by `options.clock`: among many clients that would be one more object out of the processor's caches.
    const now = this.deadlines === systemDeadlineTimer ? Date.now() : this.options.clock.now();
    if (record === undefined || now >= record.warmUntil || now < shelf.highest) return undefined;
    shelf.highest = now;
    return record;
  }

  /** Takes a call in. */
  enter(call: Call): void {
    this.calls++;
    this.inFlight++;
    call.index = this.deadlines.running.push(call) - 1;
  }

  /** Lets a call go. */
  exit(call: Call): void {
    const { deadlines } = this;
    const { running } = deadlines;
    const last = running.pop();
    if (last !== call && last !== undefined) {
      running[call.index] = last;
      last.index = call.index;
    }
    call.index = -1;
    if (running.length === 0 && deadlines.timed) deadlines.emptied();
    if (--this.inFlight === 0) this.#idle?.();
  }

  /** Resolves when no call is running. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Ends every running call. */
  endAll(reason: unknown): void {
    for (const call of this.#running) call.end(reason);
  }

  get #running(): Call[] {
    return (this.deadlines.running as Call[]).filter(({ core }) => core === this);
  }
}
