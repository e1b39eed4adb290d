import { checkCallOptions, NO_QUERY, noExtras, type CallFunction, type Extras } from './call-extras.js';
import type { ClientCore } from './client-core.js';
import { CallTimeoutError, closedError } from './errors.js';
import { chooseLivingKey } from './key-choice.js';
import { KeyRecord } from './key-record.js';
import { cancelBody, isResponse } from './outcome.js';
import { conclude, type CallPort } from './recovery.js';
import { scrub } from './redact.js';
import { follow, unfollow } from './signal-hub.js';
import type { CallOptions, Outcome, Stage } from './types.js';

let start: <T>(core: ClientCore, call: CallFunction, query: unknown, options?: CallOptions) => Promise<T>;

const FORGET = (): void => undefined;
let resolveNext: (value: unknown) => void = FORGET;
let rejectNext: (reason: unknown) => void = FORGET;
/** One executor for every promise: a closure a call is what the warm path can do without. */
function capture(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  resolveNext = resolve as (value: unknown) => void;
  rejectNext = reject;
}

/**
 * Handed to the caller's function: the key, and the signal to hand on. Getters on the class: destructure it; printing or
 * serialising it shows no key. Every getter throws once the call has settled.
 *
 * @example
 * ```ts
 * await client.withKey(async ({ apiKey, signal }) => fetch('https://api.example/latest', {
 *   headers: { 'x-access-token': apiKey }, signal,
 * }));
 * ```
 */
export class KeyContext {
  // One object of one shape is the call, its place in the list of running calls, and what the function sees.
  readonly #core: ClientCore;
  readonly #call: CallFunction;
  readonly #query: unknown;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  #record: KeyRecord | undefined;
  #attempt = 0;
  #extras: Extras | undefined;
  /** @internal */
  index = -1;
  /** @internal */
  deadline: number;

  private constructor(core: ClientCore, call: CallFunction, query: unknown, timeout: number) {
    this.#core = core;
    this.#call = call;
    this.#query = query;
    this.#resolve = resolveNext;
    this.#reject = rejectNext;
    this.deadline = -timeout;
  }

  static {
    start = <T>(core: ClientCore, call: CallFunction, query: unknown, options?: CallOptions): Promise<T> => {
      const promise = new Promise<T>(capture);
      const context = new KeyContext(core, call, query, core.options.timeout);
      // Not to be held: through them the last call's outcome could be reached.
      resolveNext = rejectNext = FORGET;
      if (core.closing) {
        context.#reject(closedError());
        return promise;
      }
      if (options !== undefined && !context.#configure(options)) return promise;
      core.enter(context);
      const { record } = core.slot;
      const { shelf } = core;
      const now = core.options.clock.now();
      if (record !== undefined && now < record.warmUntil && now >= shelf.highest) {
        shelf.highest = now;
        context.#record = record;
        void context.#run();
      } else void context.#acquire();
      return promise;
    };
  }

  /** The key. One string is made per cached key, when it is first read. */
  get apiKey(): string {
    return this.#live().text;
  }

  /** A copy of the key's bytes, zeroed when the call settles. */
  get bytes(): Uint8Array {
    const record = this.#live();
    const copy = record.retired ? new TextEncoder().encode(record.text) : record.bytes.slice();
    (this.#more().copies ??= []).push(copy);
    return copy;
  }

  /** The key's version. */
  get version(): string {
    return this.#live().version;
  }

  /** The stage the key comes from. */
  get stage(): Stage {
    return this.#live().stage;
  }

  /** 1 for the first run of the function in this call, counting retries and repeats alike. */
  get attempt(): number {
    this.#live();
    return this.#attempt;
  }

  /** Aborts at the call's deadline while it runs, and with the caller's own signal at any time. Made on first read. */
  get signal(): AbortSignal {
    this.#live();
    const more = this.#more();
    if (more.signal === undefined) {
      const own = this.#controller().signal;
      more.signal = more.caller === undefined ? own : AbortSignal.any([more.caller, own]);
    }
    return more.signal;
  }

  /** @internal */
  toJSON(): object {
    return this.#shown();
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.#shown();
  }

  /** @internal */
  holds(record: KeyRecord): boolean {
    return this.#record === record || this.#extras?.records?.includes(record) === true;
  }

  /** @internal */
  outOfTime(): void {
    const what = this.#attempt === 0 ? 'waiting for the key store' : `in run ${String(this.#attempt)} of the function`;
    this.end(
      new CallTimeoutError(
        `The call did not end within its \`timeout\` (it was ${what}); raise it, or see what is slow.`,
        {
          provider: this.#core.options.keyProvider.name,
          version: this.#record?.version,
        },
      ),
    );
  }

  /** @internal */
  end(reason: unknown): void {
    if (this.index < 0) return;
    this.#settle();
    this.#reject(reason);
    // After the answer, so that it is this reason, and not what the function makes of it, that the caller sees.
    this.#extras?.controller?.abort(reason);
  }

  /** The call as its recovery sees it. */
  get #port(): CallPort {
    const context = this;
    return {
      core: context.#core,
      get record() {
        return context.#record as KeyRecord;
      },
      once: context.#extras?.once === true,
      get settled() {
        return context.index < 0;
      },
      get signal() {
        return context.#controller().signal;
      },
      timeLeft: () => context.#core.timeLeft(context),
      run: (record) => context.#rerun(record),
      get attempt() {
        return context.#attempt;
      },
    };
  }

  async #acquire(): Promise<void> {
    const found = await chooseLivingKey(this.#core);
    if (this.index < 0) return;
    if (!(found instanceof KeyRecord)) {
      this.#fail(found);
      return;
    }
    this.#record = found;
    await this.#run();
  }

  /** The first run. An outcome that is plainly good ends here; every other goes through {@link conclude}. */
  async #run(): Promise<void> {
    const record = this.#record as KeyRecord;
    let result: unknown;
    try {
      this.#attempt = 1;
      result = await this.#invoke();
    } catch (error) {
      if (this.index >= 0) void this.#conclude({ error });
      return;
    }
    if (this.index < 0) {
      cancelBody(result);
      return;
    }
    if (record.watched !== undefined || this.#core.careful || record.stage === 'pending' || isResponse(result)) {
      void this.#conclude({ result });
      return;
    }
    this.#settle();
    this.#resolve(result);
  }

  #invoke(): unknown {
    const call = this.#call as (...args: unknown[]) => unknown;
    return this.#query === NO_QUERY ? call(this) : call(this.#query, this);
  }

  async #rerun(record: KeyRecord): Promise<Outcome> {
    if (this.#record !== undefined && this.#record !== record) (this.#more().records ??= []).push(this.#record);
    this.#record = record;
    this.#attempt++;
    try {
      return { result: await this.#invoke() };
    } catch (error) {
      return { error };
    }
  }

  async #conclude(outcome: Outcome): Promise<void> {
    try {
      const last = await conclude(this.#port, outcome);
      if (this.index < 0) {
        cancelBody(last.result);
        return;
      }
      if ('error' in last) {
        this.#fail(last.error);
        return;
      }
      this.#settle();
      this.#resolve(last.result);
    } catch (error) {
      if (this.index >= 0) this.#fail(error);
    }
  }

  /** Rejects with the error, without the keys that this call has held. */
  #fail(error: unknown): void {
    const held = [...(this.#extras?.records ?? []), this.#record].flatMap((record) => record?.textIfAny ?? []);
    const clean = scrub(error, [...new Set([...held, ...this.#core.shelf.secrets])]);
    // Cleaning reads the error, and what reads may run the caller's own code.
    if (this.index < 0) return;
    this.#settle();
    this.#reject(clean);
  }

  #settle(): void {
    this.#core.exit(this);
    this.#record = undefined;
    const extras = this.#extras;
    if (extras === undefined) return;
    if (extras.caller !== undefined) unfollow(extras.caller, this);
    if (extras.copies !== undefined) for (const copy of extras.copies) copy.fill(0);
    extras.records = undefined;
  }

  #live(): KeyRecord {
    if (this.index < 0 || this.#record === undefined) {
      throw new TypeError('The call has settled: read what you need of the context before its function returns.');
    }
    return this.#record;
  }

  #shown(): object {
    if (this.#record === undefined) return { settled: true };
    const { version, stage } = this.#record;
    return { version, stage, attempt: this.#attempt };
  }

  #more(): Extras {
    return (this.#extras ??= noExtras());
  }

  #controller(): AbortController {
    return (this.#more().controller ??= new AbortController());
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
      this.#reject(error);
      return false;
    }
  }
}

/** Starts a call: `call(context)`, or `call(query, context)` unless the query is {@link NO_QUERY}. */
export { start as startCall };
