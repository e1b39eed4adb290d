import { Cancellation } from './cancellation.js';
import { checkCallOptions, NO_QUERY, noExtras, timeoutError, type CallFunction, type Extras } from './call-options.js';
import type { ClientState } from '../state/client-state.js';
import { closedError } from '../errors.js';
import { chooseLivingKey } from '../recovery/select-key.js';
import { createContext, closeContext, type KeyContext } from './key-context.js';
import { CachedKey } from '../cache/cached-key.js';
import { cancelBody, isResponse } from '../recovery/outcome.js';
import { conclude, type CallPort } from '../recovery/recover.js';
import { scrub } from '../redaction/redact.js';
import { addAbortListener, removeAbortListener } from './abort-listeners.js';
import type { CallOptions, Outcome } from '../types.js';

/** A call that has settled. */
interface Emptied {
  record: CachedKey | undefined;
}

/** One call, from its start to its answer. What the caller's function sees of it is its {@link KeyContext}. */
export class Call implements CallPort {
  readonly core: ClientState;
  /** The key of the last run; none before the first and once the call has settled. */
  record!: CachedKey;
  attempt = 0;
  index = -1;
  deadline: number;
  call: CallFunction | undefined;
  query: unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
  context: KeyContext | undefined;
  extras: Extras | undefined;

  constructor(
    core: ClientState,
    fn: CallFunction,
    query: unknown,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.core = core;
    this.call = fn;
    this.query = query;
    this.deadline = -core.timeout;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** A call that has options, or no warm key. */
  startSlowly(options: CallOptions | undefined): void {
    const { core } = this;
    if (core.closing) {
      this.reject(closedError());
      return;
    }
    if (options !== undefined && !this.#configure(options)) return;
    core.enter(this);
    const record = core.warm();
    if (record === undefined) void this.#acquire(core);
    else {
      this.record = record;
      void this.runFirst();
    }
  }

  /** Whether this call has held `record`, and its error must not show it. */
  holds(record: CachedKey): boolean {
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
  ending(): Cancellation {
    return (this.#more().ending ??= new Cancellation());
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
  async run(record: CachedKey): Promise<Outcome> {
    if ((this.record as CachedKey | undefined) !== undefined && this.record !== record)
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
    this.end(timeoutError(this.attempt, name, (this.record as CachedKey | undefined)?.version));
  }

  end(reason: unknown): void {
    if (this.index < 0) return;
    const { controller, ending } = this.extras ?? {};
    this.settle();
    this.reject(reason);
    // After the answer, so that it is this reason, and not what the function makes of it, that the caller sees.
    controller?.abort(reason);
    ending?.end(reason);
  }

  async #acquire(core: ClientState): Promise<void> {
    const found = await chooseLivingKey(core, this);
    if (this.index < 0) return;
    if (!(found instanceof CachedKey)) {
      this.#fail(found);
      return;
    }
    this.record = found;
    void this.runFirst();
  }

  /**
   * Runs the caller's function for the first time and settles the call. `await` alone touches what the function returns:
   * any thenable may come, and its `then`, its `constructor` and its getters may throw.
   */
  async runFirst(): Promise<void> {
    let result: unknown;
    try {
      result = await this.invoke();
    } catch (error) {
      if (this.index >= 0) await this.conclude({ error });
      return;
    }
    const { record, core } = this;
    // A result that is plainly good settles the call here; every other goes through conclude.
    if (this.index < 0) cancelBody(result);
    else if (record.watched !== undefined || core.careful || record.stage === 'pending' || isResponse(result))
      await this.conclude({ result });
    else {
      this.settle();
      this.resolve(result);
    }
  }

  // Not private: before every private method the engine looks whether the object has it.
  invoke(): unknown {
    this.attempt++;
    const context = (this.context ??= createContext(this));
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
      this.settle();
      this.resolve(last.result);
    } catch (error) {
      if (this.index >= 0) this.#fail(error);
    }
  }

  /** Rejects with the error, without the keys that this call has held. */
  #fail(error: unknown): void {
    const { core } = this;
    const held = [...(this.extras?.records ?? []), this.record as CachedKey | undefined].flatMap(
      (record) => record?.textIfAny ?? [],
    );
    const clean = scrub(error, [...new Set([...held, ...core.shelf.secrets])]);
    // Cleaning reads the error, and what reads may run the caller's own code.
    if (this.index < 0) return;
    this.settle();
    this.reject(clean);
  }

  /** Lets go of the key, the caller's function and query. */
  settle(): void {
    this.core.exit(this);
    if (this.context !== undefined) closeContext(this.context);
    this.context = undefined;
    (this as Emptied).record = undefined;
    this.call = undefined;
    this.query = undefined;
    const extras = this.extras;
    if (extras === undefined) return;
    if (extras.caller !== undefined) removeAbortListener(extras.caller, this);
    if (extras.copies !== undefined) for (const copy of extras.copies) copy.fill(0);
    extras.records = undefined;
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
      addAbortListener(signal, this);
      return true;
    } catch (error) {
      this.reject(error);
      return false;
    }
  }
}

/** Starts a call: `call(context)`, or `call(query, context)` unless the query is {@link NO_QUERY}. */
export function startCall<T>(core: ClientState, fn: CallFunction, query: unknown, options?: CallOptions): Promise<T> {
  const promise = new Promise<T>((resolve, reject) => {
    const call = new Call(core, fn, query, resolve as (value: unknown) => void, reject);
    const record = options === undefined && !core.closing ? core.warm() : undefined;
    if (record === undefined) call.startSlowly(options);
    else {
      core.enter(call);
      call.record = record;
      void call.runFirst();
    }
  });
  // After the function has been called: it should not wait for what only its end needs.
  core.deadlines.armTurn();
  return promise;
}
