import { CachedKey } from '../cache/cached-key.js';
import { CallTimeoutError, closedError } from '../errors.js';
import { cancelBody, isResponse } from '../recovery/outcome.js';
import { recover, type RecoverableCall } from '../recovery/recover.js';
import { selectKey } from '../recovery/select-key.js';
import { scrub } from '../redaction/redact.js';
import type { ClientState, KeyHolder } from '../state/client-state.js';
import type { CallOptions, Outcome } from '../types.js';
import { addAbortListener, removeAbortListener } from './abort-listeners.js';
import { checkCallOptions, NO_QUERY, type CallFunction } from './call-options.js';
import { Cancellation } from './cancellation.js';
import { closeContext, createContext, type CallView, type KeyContext } from './key-context.js';

/** Starts a call: `fn(context)`, or `fn(query, context)` unless `query` is {@link NO_QUERY}. */
export function startCall<T>(client: ClientState, fn: CallFunction, query: unknown, options?: CallOptions): Promise<T> {
  let resolve: unknown;
  let reject: unknown;
  // The executor only assigns: V8 then makes the promise without a closure and its context, 140 bytes less.
  const promise = new Promise<T>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  const call = new Call(client, fn, query, resolve as (value: unknown) => void, reject as (reason: unknown) => void);
  if (options === undefined || call.applyOptions(options)) call.start();
  // After the function was called: it should not wait for what only its end needs.
  client.deadlines.setDeadlinesAfterTurn();
  return promise;
}

/** Returns whether `value` is a promise that is what it looks like: nothing but `Promise.prototype` answers for it. */
function isPlainPromise(value: unknown): value is Promise<unknown> {
  return (
    value instanceof Promise &&
    Object.getPrototypeOf(value) === Promise.prototype &&
    !Object.hasOwn(value, 'then') &&
    !Object.hasOwn(value, 'constructor')
  );
}

/** One call, from its start to its answer. The caller's function sees only its {@link KeyContext}. */
class Call implements CallView, KeyHolder, RecoverableCall {
  readonly client: ClientState;
  /** The key of the last run: unset before the first run and once the call has settled. */
  key!: CachedKey;
  attempt = 0;
  position = 0;
  timeout: number;
  deadline: number | undefined;
  once = false;
  settled = false;
  // Plain fields, because V8 checks a private name at each access: 5 % of a warm call. No user can reach a Call.
  fn: CallFunction | undefined;
  query: unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
  context: KeyContext | undefined;
  callerSignal: AbortSignal | undefined;
  joinedSignal: AbortSignal | undefined;
  controller: AbortController | undefined;
  ownCancellation: Cancellation | undefined;
  /** Copies of the bytes that were handed out. */
  copies: Uint8Array[] | undefined;
  /** The keys of earlier runs. */
  earlierKeys: CachedKey[] | undefined;

  constructor(
    client: ClientState,
    fn: CallFunction,
    query: unknown,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.client = client;
    this.timeout = client.timeout;
    this.fn = fn;
    this.query = query;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Applies the options of this call. Returns false if they have ended it already. */
  applyOptions(options: CallOptions): boolean {
    try {
      if (this.client.isClosing) throw closedError();
      const { signal, timeout, once } = checkCallOptions(options);
      this.timeout = timeout ?? this.timeout;
      this.once = once === true;
      signal?.throwIfAborted();
      this.callerSignal = signal;
      return true;
    } catch (error) {
      this.reject(error);
      return false;
    }
  }

  /** Selects a key, runs the caller's function and settles the call. */
  start(): void {
    const { client } = this;
    if (client.isClosing) {
      this.reject(closedError());
      return;
    }
    try {
      if (this.callerSignal !== undefined) addAbortListener(this.callerSignal, this);
    } catch (error) {
      this.reject(error);
      return;
    }
    client.addCall(this);
    const key = client.getWarmKey();
    if (key === undefined) void this.selectKey();
    else this.runFirst(key);
  }

  async selectKey(): Promise<void> {
    for (;;) {
      const selected = await selectKey(this.client);
      if (this.settled) return;
      if (!(selected instanceof CachedKey)) {
        this.fail(selected);
        return;
      }
      // Not before the last `await`: `evict()` may zero the key up to the moment in which it is used.
      if (!selected.isGone) {
        this.runFirst(selected);
        return;
      }
    }
  }

  /** Runs the caller's function for the first time. */
  runFirst(key: CachedKey): void {
    this.key = key;
    try {
      const result = this.invoke();
      if (!isPlainPromise(result)) void this.awaitFirst(result as PromiseLike<unknown>);
      else {
        // Saves 190 bytes and 40 ns of a warm call, against `await`.
        void result.then(
          (value) => this.onFirstResult(value),
          (error: unknown) => void this.recover({ error }),
        );
      }
    } catch (error) {
      void this.recover({ error });
    }
  }

  /** Awaits any thenable: its `then`, its `constructor` and its getters are touched by `await` alone, and may throw. */
  async awaitFirst(result: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      await this.recover({ error });
      return;
    }
    this.onFirstResult(value);
  }

  /** Settles the call if nothing depends on the result and it cannot be a refusal. */
  onFirstResult(result: unknown): void {
    const { client, key } = this;
    if (
      this.settled ||
      (key.firstSuccessPending === undefined &&
        !client.hasCustomChecks &&
        key.stage !== 'pending' &&
        !isResponse(result))
    ) {
      this.succeed(result);
    } else void this.recover({ result });
  }

  /** Runs the caller's function once more. */
  async run(key: CachedKey): Promise<Outcome> {
    if (this.key !== key) (this.earlierKeys ??= []).push(this.key);
    this.key = key;
    try {
      return { result: await this.invoke() };
    } catch (error) {
      return { error };
    }
  }

  /** Returns whether this call has used `key`, so that its error must not show it. */
  holds(key: CachedKey): boolean {
    return this.key === key || this.earlierKeys?.includes(key) === true;
  }

  copyBytes(): Uint8Array {
    const { key } = this;
    const copy = key.isZeroed ? new TextEncoder().encode(key.text) : key.bytes.slice();
    (this.copies ??= []).push(copy);
    return copy;
  }

  get contextSignal(): AbortSignal {
    const { callerSignal, endSignal } = this;
    return (this.joinedSignal ??= callerSignal === undefined ? endSignal : AbortSignal.any([callerSignal, endSignal]));
  }

  get endSignal(): AbortSignal {
    return (this.controller ??= new AbortController()).signal;
  }

  get cancellation(): Cancellation {
    return (this.ownCancellation ??= new Cancellation());
  }

  getTimeLeft(): number {
    return this.client.deadlines.getTimeLeft(this);
  }

  onTimeout(): void {
    const { name } = this.client.options.keyProvider;
    const activity =
      this.attempt === 0 ? 'waiting for the key store' : `in run ${String(this.attempt)} of the function`;
    this.end(
      new CallTimeoutError(
        `The call did not end within its \`timeout\` (it was ${activity}); raise it, or see what is slow.`,
        { provider: name, version: (this.key as CachedKey | undefined)?.version },
      ),
    );
  }

  /** Ends the call early: its deadline has passed, the caller's signal has aborted, or the client closes. */
  end(reason: unknown): void {
    if (this.settled) return;
    this.settle();
    this.reject(reason);
    // After the answer, so that the caller sees this reason and not what the function makes of it.
    this.controller?.abort(reason);
    this.ownCancellation?.end(reason);
  }

  invoke(): unknown {
    this.attempt++;
    const context = (this.context ??= createContext(this));
    const fn = this.fn as (...args: unknown[]) => unknown;
    return this.query === NO_QUERY ? fn(context) : fn(this.query, context);
  }

  /** Takes an outcome to the call's answer: see {@link recover}. Never rejects. */
  async recover(first: Outcome): Promise<void> {
    if (this.settled) {
      cancelBody(first.result);
      return;
    }
    try {
      const last = await recover(this, first);
      if ('error' in last) this.fail(last.error);
      else this.succeed(last.result);
    } catch (error) {
      this.fail(error);
    }
  }

  succeed(result: unknown): void {
    if (this.settled) {
      cancelBody(result);
      return;
    }
    this.settle();
    this.resolve(result);
  }

  /** Rejects with the error, without the keys that this call has used. */
  fail(error: unknown): void {
    if (this.settled) return;
    const used = [...(this.earlierKeys ?? []), this.key as CachedKey | undefined].flatMap(
      (key) => key?.textIfKnown ?? [],
    );
    const scrubbed = scrub(error, [...new Set([...used, ...this.client.keys.secrets])]);
    // Scrubbing reads the error, whose getters may have ended the call.
    if (this.settled as boolean) return;
    this.settle();
    this.reject(scrubbed);
  }

  /** Lets go of everything that holds the key, the caller's function or its query. */
  settle(): void {
    this.settled = true;
    this.client.removeCall(this);
    if (this.context !== undefined) closeContext(this.context);
    this.context = undefined;
    (this as { key: CachedKey | undefined }).key = undefined;
    this.fn = undefined;
    this.query = undefined;
    this.earlierKeys = undefined;
    if (this.callerSignal !== undefined) removeAbortListener(this.callerSignal, this);
    if (this.copies !== undefined) for (const copy of this.copies) copy.fill(0);
  }
}
