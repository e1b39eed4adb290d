import { MAX_TIMER_MS, systemClock } from './clock.js';
import { Listeners, observed, publish, type EventName } from './diagnostics.js';
import type { KeyCache } from './key-cache.js';
import type { KeyRecord } from './key-record.js';
import type { EventDetails, KeyShelf, KeyUser } from './key-shelf.js';
import type { CheckedOptions } from './options.js';
import { Canary } from './rollout.js';
import type { StageSlot } from './stage-slot.js';
import type { KeyEvents } from './types.js';

/** A running call, as its client sees it. */
export interface RunningCall {
  /** Its place in the client's list. */
  index: number;
  /** The deadline on the monotonic clock; below 0, not stamped yet: minus the call's timeout. */
  deadline: number;
  holds(record: KeyRecord): boolean;
  outOfTime(): void;
  end(reason: unknown): void;
}

/** What a client is made of, without its public face. */
export class ClientCore implements KeyUser {
  readonly options: CheckedOptions;
  readonly cache: KeyCache;
  readonly shelf: KeyShelf;
  /** Whether every outcome has to be looked at by a function of the caller's. */
  readonly careful: boolean;
  readonly canary: Canary;
  readonly running: RunningCall[] = [];
  readonly counts = { calls: 0, rejections: 0, repairs: 0, retries: 0 };
  /** The stage this client uses. */
  slot: StageSlot;
  closing = false;
  #listeners: Listeners | undefined;
  #idle: (() => void) | undefined;
  #timer: { cancel(): void } | undefined;
  #timerDue = Infinity;
  #stamping = false;

  constructor(options: CheckedOptions, cache: KeyCache) {
    this.options = options;
    this.cache = cache;
    this.shelf = cache.shelf;
    this.careful = options.isKeyRejected !== undefined || options.isTransient !== undefined;
    this.canary = new Canary(options.instanceId);
    this.slot = this.shelf.current;
    this.shelf.users.add(this);
    this.rolloutChanged();
  }

  get name(): string {
    return this.options.name;
  }

  /** Whether the `pending` key may be used at all: its rollout is known, and this client has not given up on it. */
  get trustsPending(): boolean {
    return this.canary.trusts(this.shelf.rollout);
  }

  rolloutChanged(): void {
    this.slot = this.shelf.slot(this.canary.takesPart(this.shelf.rollout) ? 'pending' : 'current');
  }

  holds(record: KeyRecord): boolean {
    return this.running.some((call) => call.holds(record));
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
  emit<E extends EventName>(event: E, about: KeyRecord | StageSlot, details: EventDetails<E>): void {
    const heard = this.hears(event);
    const seen = observed(event);
    if (!heard && !seen) return;
    const payload = this.shelf.payload(this.name, about, details);
    if (heard) this.tell(event, payload);
    if (seen) publish(event, payload);
  }

  /**
   * Takes a call in. Deadlines share one timer. Reading the monotonic clock and making a timer costs as much as a warm
   * call, so calls are stamped once per turn of the event loop, and only those that outlive it ever need the timer. A
   * clock of the caller's own knows no turns: there every call is stamped at once.
   */
  enter(call: RunningCall): void {
    this.counts.calls++;
    call.index = this.running.push(call) - 1;
    if (this.#stamping) return;
    if (this.options.clock === systemClock) {
      this.#stamping = true;
      setImmediate(stamp, this);
    } else this.#stampAll();
  }

  /** Lets a call go. */
  exit(call: RunningCall): void {
    const { running } = this;
    const last = running.pop();
    if (last !== call && last !== undefined) {
      running[call.index] = last;
      last.index = call.index;
    }
    call.index = -1;
    if (running.length > 0) return;
    if (this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
      this.#timerDue = Infinity;
    }
    this.#idle?.();
  }

  /** What is left of a call's time, in ms. */
  timeLeft(call: RunningCall): number {
    const mono = this.options.clock.monotonic();
    if (call.deadline < 0) this.#stamp(call, mono);
    return call.deadline - mono;
  }

  /** Resolves when no call is running. */
  idle(): Promise<void> {
    if (this.running.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Ends every running call. */
  endAll(reason: unknown): void {
    for (const call of [...this.running]) call.end(reason);
  }

  /** The calls that began in the turn that ends now. */
  stampTurn(): void {
    this.#stamping = false;
    this.#stampAll();
  }

  #stampAll(): void {
    const { running } = this;
    if (running.length === 0) return;
    const mono = this.options.clock.monotonic();
    for (let index = running.length - 1; index >= 0; index--) {
      const call = running[index];
      if (call !== undefined && call.deadline < 0) this.#stamp(call, mono);
    }
  }

  #stamp(call: RunningCall, mono: number): void {
    call.deadline = mono - call.deadline;
    this.#wake(call.deadline, mono);
  }

  /** Sees to it that the timer rings at `due`, or before. */
  #wake(due: number, mono: number): void {
    if (due >= this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    const ring = (): void => {
      this.#ring();
    };
    this.#timer = this.options.clock.setTimeout(ring, Math.min(Math.ceil(due - mono), MAX_TIMER_MS));
  }

  #ring(): void {
    this.#timer = undefined;
    this.#timerDue = Infinity;
    const mono = this.options.clock.monotonic();
    for (const call of [...this.running]) if (call.deadline >= 0 && call.deadline <= mono) call.outOfTime();
    for (const call of this.running) if (call.deadline >= 0) this.#wake(call.deadline, mono);
  }
}

function stamp(core: ClientCore): void {
  core.stampTurn();
}
