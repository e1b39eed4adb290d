import { CallEnding } from './call-ending.js';
import { checkCallOptions, NO_QUERY, noExtras, timeoutError, type CallFunction, type Extras } from './call-extras.js';
import type { ClientCore } from './client-core.js';
import { closedError } from './errors.js';
import { chooseLivingKey } from './key-choice.js';
import { openContext, shutContext, type KeyContext } from './key-context.js';
import { KeyRecord } from './key-record.js';
import { cancelBody, isResponse } from './outcome.js';
import { conclude, type CallPort } from './recovery.js';
import { scrub } from './redact.js';
import { follow, unfollow } from './signal-hub.js';
import type { CallOptions, Outcome } from './types.js';

/** The one that `await` uses: what a caller's promise, or whoever instruments promises, has put there is not asked. */
const { then } = Promise.prototype;
/** Calls that have settled, to be used again: on the warm path their two closures are most of what a call would make. */
const idle: Call[] = [];
const MAX_IDLE = 64;

/** A call that holds nothing. */
interface Emptied {
  core: ClientCore | undefined;
  record: KeyRecord | undefined;
}

/** One call, from its start to its answer. What the caller's function sees of it is its {@link KeyContext}. */
export class Call implements CallPort {
  /** Both are there while the call is running, and after it for as long as its function is. */
  core!: ClientCore;
  record!: KeyRecord;
  attempt = 0;
  index = -1;
  deadline = -0.5;
  call: CallFunction | undefined;
  query: unknown;
  resolve: ((value: unknown) => void) | undefined;
  reject: ((reason: unknown) => void) | undefined;
  context: KeyContext | undefined;
  extras: Extras | undefined;
  readonly onResult: (result: unknown) => void;
  readonly onError: (error: unknown) => void;

  constructor() {
    this.onResult = (result) => {
      ended(this, result);
    };
    this.onError = (error) => {
      if (this.index >= 0) void this.conclude({ error });
    };
  }

  /** A call that has options, or no warm key. */
  startSlowly(options: CallOptions | undefined): void {
    const { core } = this;
    if (core.closing) {
      (this.reject as (reason: unknown) => void)(closedError());
      return;
    }
    if (options !== undefined && !this.#configure(options)) return;
    core.enter(this);
    const record = core.warm();
    if (record === undefined) void this.#acquire(core);
    else {
      this.record = record;
      this.runFirst();
    }
  }

  /** Whether this call has held `record`, and its error must not show it. */
  holds(record: KeyRecord): boolean {
    return this.record === record || this.extras?.records?.includes(record) === true;
  }

  copyBytes(): Uint8Array {
    const record = this.record;
    const copy = record.retired ? new TextEncoder().encode(record.text) : record.bytes.slice();
    (this.#more().copies ??= []).push(copy);
    return copy;
  }

  /** What the caller's function gets. */
  joinedSignal(): AbortSignal {
    const more = this.#more();
    const own = this.signal;
    return (more.signal ??= more.caller === undefined ? own : AbortSignal.any([more.caller, own]));
  }

  /** What our own adapters get in its place. */
  ending(): CallEnding {
    return (this.#more().ending ??= new CallEnding());
  }

  get once(): boolean {
    return this.extras?.once === true;
  }

  get settled(): boolean {
    return this.index < 0;
  }

  get signal(): AbortSignal {
    return (this.#more().controller ??= new AbortController()).signal;
  }

  timeLeft(): number {
    return this.core.deadlines.timeLeft(this);
  }

  /** Runs the caller's function once more. */
  async run(record: KeyRecord): Promise<Outcome> {
    if ((this.record as KeyRecord | undefined) !== undefined && this.record !== record)
      (this.#more().records ??= []).push(this.record);
    this.record = record;
    try {
      return { result: await this.invoke() };
    } catch (error) {
      return { error };
    }
  }

  outOfTime(): void {
    const { name } = this.core.options.keyProvider;
    this.end(timeoutError(this.attempt, name, (this.record as KeyRecord | undefined)?.version));
  }

  end(reason: unknown): void {
    if (this.index < 0) return;
    const { controller, ending } = this.extras ?? {};
    const reject = this.reject as (reason: unknown) => void;
    this.settle();
    reject(reason);
    // After the answer, so that it is this reason, and not what the function makes of it, that the caller sees.
    controller?.abort(reason);
    ending?.end(reason);
  }

  async #acquire(core: ClientCore): Promise<void> {
    const found = await chooseLivingKey(core, this);
    if (this.index < 0) return;
    if (!(found instanceof KeyRecord)) {
      this.#fail(found);
      return;
    }
    this.record = found;
    this.runFirst();
  }

  /** The first run. */
  runFirst(): void {
    let running: unknown;
    let plain = true;
    try {
      running = this.invoke();
      if (running instanceof Promise) plain = running.then === then;
      else running = Promise.resolve(running);
    } catch (error) {
      running = Promise.reject(error as Error);
    }
    const promise = running as Promise<unknown>;
    // Called as a method the compiler knows it, by `call` it does not: 5 % of a warm call.
    if (plain) void promise.then(this.onResult, this.onError);
    else void then.call(promise, this.onResult, this.onError);
  }

  // Not private: before every private method the engine looks whether the object has it.
  invoke(): unknown {
    this.attempt++;
    const context = (this.context ??= openContext(this));
    const call = this.call as (...args: unknown[]) => unknown;
    return this.query === NO_QUERY ? call(context) : call(this.query, context);
  }

  async conclude(outcome: Outcome): Promise<void> {
    try {
      const last = await conclude(this, outcome);
      if (this.index < 0) {
        cancelBody(last.result);
        return;
      }
      if ('error' in last) {
        this.#fail(last.error);
        return;
      }
      const resolve = this.resolve as (value: unknown) => void;
      this.settle();
      resolve(last.result);
    } catch (error) {
      if (this.index >= 0) this.#fail(error);
    }
  }

  /** Rejects with the error, without the keys that this call has held. */
  #fail(error: unknown): void {
    const { core } = this;
    const held = [...(this.extras?.records ?? []), this.record as KeyRecord | undefined].flatMap(
      (record) => record?.textIfAny ?? [],
    );
    const clean = scrub(error, [...new Set([...held, ...core.shelf.secrets])]);
    // Cleaning reads the error, and what reads may run the caller's own code.
    if (this.index < 0) return;
    const reject = this.reject as (reason: unknown) => void;
    this.settle();
    reject(clean);
  }

  /** Lets go of everything: the promise's resolver, the key, the caller's function and query. */
  settle(): void {
    this.core.exit(this);
    if (this.context !== undefined) shutContext(this.context);
    this.empty();
    const extras = this.extras;
    if (extras === undefined) return;
    if (extras.caller !== undefined) unfollow(extras.caller, this);
    if (extras.copies !== undefined) for (const copy of extras.copies) copy.fill(0);
    extras.records = undefined;
  }

  empty(): void {
    this.context = undefined;
    (this as Emptied).record = undefined;
    this.resolve = undefined;
    this.reject = undefined;
    this.call = undefined;
    this.query = undefined;
    this.attempt = 0;
  }

  #more(): Extras {
    return (this.extras ??= noExtras());
  }

  /** Takes the options of one call in; false when they have already settled it. */
  #configure(options: CallOptions): boolean {
    try {
      const { signal, timeout, once } = checkCallOptions(options);
      if (timeout !== undefined) this.deadline = -timeout;
      if (once === true) this.#more().once = true;
      if (signal === undefined) return true;
      signal.throwIfAborted();
      this.#more().caller = signal;
      follow(signal, this);
      return true;
    } catch (error) {
      (this.reject as (reason: unknown) => void)(error);
      return false;
    }
  }
}

/** An outcome that is plainly good ends here; every other goes through {@link conclude}. */
function ended(call: Call, result: unknown): void {
  if (call.index < 0) {
    cancelBody(result);
    return;
  }
  const { record, core, resolve } = call;
  if (record.watched !== undefined || core.careful || record.stage === 'pending' || isResponse(result)) {
    void call.conclude({ result });
    return;
  }
  if (call.extras === undefined) {
    core.exit(call);
    shutContext(call.context as KeyContext);
    call.empty();
    (call as Emptied).core = undefined;
    // Its function has ended and nobody else holds it: it can serve again.
    if (idle.length < MAX_IDLE) idle.push(call);
  } else call.settle();
  (resolve as (value: unknown) => void)(result);
}

/** Starts a call: `call(context)`, or `call(query, context)` unless the query is {@link NO_QUERY}. */
export function startCall<T>(core: ClientCore, fn: CallFunction, query: unknown, options?: CallOptions): Promise<T> {
  const call = idle.length > 0 ? (idle.pop() as Call) : new Call();
  call.core = core;
  call.call = fn;
  call.query = query;
  call.deadline = -core.timeout;
  let resolve: unknown;
  let reject: unknown;
  // Local variables and a closure on the spot: the compiler then makes the promise without either.
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  call.resolve = resolve as (value: unknown) => void;
  call.reject = reject as (reason: unknown) => void;
  const record = options === undefined && !core.closing ? core.warm() : undefined;
  if (record === undefined) call.startSlowly(options);
  else {
    core.enter(call);
    call.record = record;
    call.runFirst();
  }
  // After the function has been called: it should not wait for what only its end needs.
  core.deadlines.armTurn();
  return promise;
}
