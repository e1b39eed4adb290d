import { CachedKey } from '../cache/cached-key.js';
import { CallTimeoutError } from '../errors.js';
import { cancelBody, isResponse } from '../recovery/outcome.js';
import { recover, type RecoverableCall } from '../recovery/recover.js';
import { selectKey } from '../recovery/select-key.js';
import type { ClientState, KeyHolder } from '../state/client-state.js';
import type { CallOptions, Outcome } from '../types.js';
import { addAbortListener, readAbortReason, removeAbortListener } from '../util/abort-listeners.js';
import { readProperty, tryOrUndefined } from '../util/safe-access.js';
import { checkCallOptions, NO_QUERY, type CallFunction, type CheckedCallOptions } from './call-options.js';
import { CallSignals } from './call-signals.js';
import type { Cancellation } from './cancellation.js';
import { handleFirstRun } from './first-run.js';
import { createContext, type CallView } from './key-context.js';
import { describeBound, limitCall, readTimeout, timeLimits } from './time-limit.js';

type Settle = (value: unknown) => void;

/** Starts a call: `fn(context)`, or `fn(query, context)` unless `query` is {@link NO_QUERY}. */
export function startCall<T>(client: ClientState, fn: CallFunction, query: unknown, options?: CallOptions): Promise<T> {
  const promise = new Promise<unknown>(keepSettlers) as Promise<T>;
  const call = new Call(client, fn, query, resolveNext as Settle, rejectNext as Settle);
  resolveNext = undefined;
  rejectNext = undefined;
  if (options === undefined || call.applyOptions(options)) call.start();
  // After the function was called: it should not wait for what only its end needs.
  client.deadlines.setDeadlinesAfterTurn();
  return promise;
}

/** The functions that settle the promise made last. One executor for all calls: V8 makes no closure and no scope a call, 100 bytes. */
let resolveNext: Settle | undefined;
let rejectNext: Settle | undefined;

function keepSettlers(resolve: Settle, reject: Settle): void {
  resolveNext = resolve;
  rejectNext = reject;
}

/** One call, from its start to its answer. The caller's function sees only its {@link KeyContext}. */
class Call implements CallView, KeyHolder, RecoverableCall {
  readonly client: ClientState;
  /** The key of the last run: unset before the first run and once the call has settled. */
  key!: CachedKey;
  attempt = 0;
  position = 0;
  deadline: number | undefined;
  options: CheckedCallOptions | undefined;
  // Plain fields, because V8 checks a private name at each access: 5 % of a warm call. No user can reach a Call.
  fn: CallFunction | undefined;
  query: unknown;
  resolve: Settle | undefined;
  reject: Settle | undefined;
  ownSignals: CallSignals | undefined;
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
    this.fn = fn;
    this.query = query;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Applies the options of this call. Returns false if they have ended it already. */
  applyOptions(options: CallOptions): boolean {
    try {
      const { refusal } = this.client;
      if (refusal !== undefined) throw refusal();
      this.options = checkCallOptions(options);
      const { signal } = this.options;
      if (signal?.aborted === true) throw readAbortReason(signal);
      return true;
    } catch (error) {
      this.reject?.(this.client.scrub(error));
      return false;
    }
  }

  /** Selects a key, runs the caller's function and settles the call. */
  start(): void {
    const { client } = this;
    const { refusal } = client;
    if (refusal !== undefined) {
      this.reject?.(refusal());
      return;
    }
    if (timeLimits.findOwn !== undefined) this.options = limitCall(this.options, client.options.timeout);
    try {
      if (this.options?.signal !== undefined) addAbortListener(this.options.signal, this);
    } catch (error) {
      this.reject?.(this.client.scrub(error));
      return;
    }
    client.addCall(this);
    const key = client.getWarmKey();
    if (key === undefined) void this.selectKey();
    else this.runFirst(key);
  }

  async selectKey(): Promise<void> {
    const { client } = this;
    for (;;) {
      const isCold = client.keys.rollout === undefined;
      let selected = await selectKey(client);
      // The load brought a rollout in which this client takes part, and so does the call that waited for it.
      if (isCold && client.stage.name === 'pending' && !this.settled) selected = await selectKey(client);
      if (this.settled) return;
      if (!(selected instanceof CachedKey)) {
        this.fail(selected);
        return;
      }
      // Not before the last `await`: `evict()` may zero the key up to the moment in which it is used.
      if (selected.isGone) continue;
      const refusal = client.enterGate(selected);
      if (refusal === undefined) this.runFirst(selected);
      else this.fail(refusal, true);
      return;
    }
  }

  /** Runs the caller's function for the first time. */
  runFirst(key: CachedKey): void {
    this.key = key;
    key.hold();
    let result: unknown;
    try {
      result = this.invoke();
    } catch (error) {
      this.onFirstError(error);
      return;
    }
    if (!handleFirstRun(result, this)) void this.awaitFirst(result as PromiseLike<unknown>);
  }

  /** Awaits any thenable: its `then`, its `constructor` and its getters are touched by `await` alone, and may throw. */
  async awaitFirst(result: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      this.onFirstError(error);
      return;
    }
    this.onFirstResult(value);
  }

  onFirstError(error: unknown): void {
    void this.recover({ error });
  }

  /** Settles the call if nothing depends on the result and it cannot be a refusal. */
  onFirstResult(result: unknown): void {
    const { client, key } = this;
    if (
      this.settled ||
      (key.firstSuccessPending === undefined && !client.judgesResults && key.stage !== 'pending' && !isResponse(result))
    ) {
      this.succeed(result);
    } else void this.recover({ result });
  }

  /** Runs the caller's function once more. */
  async run(key: CachedKey): Promise<Outcome> {
    if (this.key !== key) {
      (this.earlierKeys ??= []).push(this.key);
      this.key = key;
      key.hold();
    }
    try {
      return { result: await this.invoke() };
    } catch (error) {
      return { error };
    }
  }

  copyBytes(): Uint8Array {
    const { key } = this;
    const copy = key.copyBytes();
    (this.copies ??= []).push(copy);
    return copy;
  }

  /** True once the caller has an answer. */
  get settled(): boolean {
    return this.fn === undefined;
  }

  get once(): boolean {
    return this.options?.once === true;
  }

  get timeout(): number {
    return readTimeout(this.options, this.client.options.timeout);
  }

  get signals(): CallSignals {
    return (this.ownSignals ??= new CallSignals());
  }

  get endSignal(): AbortSignal {
    return this.signals.ended;
  }

  get cancellation(): Cancellation {
    return this.signals.cancellation;
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
        `The call did not end within ${describeBound(this.options)} (it was ${activity}); raise it, or see what is slow.`,
        { provider: name, version: (this.key as CachedKey | undefined)?.version },
      ),
    );
  }

  /** Ends the call early: its deadline has passed, the caller's signal has aborted, or the client closes. */
  end(reason: unknown): void {
    this.fail(reason);
  }

  invoke(): unknown {
    this.attempt++;
    const context = createContext(this);
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
      if (this.query !== NO_QUERY && isResponse(last.result)) this.client.warnOfResponse(last.result.status);
      if ('error' in last) this.fail(last.error);
      else this.succeed(last.result);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the call with the caller's own result, which is not touched. */
  succeed(result: unknown): void {
    if (this.settled) {
      cancelBody(result);
      return;
    }
    const { resolve } = this;
    this.letGo();
    resolve?.(result);
  }

  /** Ends the call with an error that shows no key: the one way out, whatever ended it. `isOwn`: goldkey has made it. */
  fail(error: unknown, isOwn = false): void {
    if (this.settled) return;
    const scrubbed = isOwn ? error : this.client.scrub(error);
    // Scrubbing reads the error, whose getters may have ended the call.
    if (this.settled) return;
    const { reject, ownSignals } = this;
    this.letGo();
    reject?.(scrubbed);
    // After the answer, so that the caller sees this reason and not what the function makes of it.
    ownSignals?.abort(scrubbed);
  }

  /** Lets go of everything that holds the key, the caller's function or its query. */
  letGo(): void {
    (this.key as CachedKey | undefined)?.release();
    (this as { key: CachedKey | undefined }).key = undefined;
    if (this.earlierKeys !== undefined) for (const key of this.earlierKeys.splice(0)) key.release();
    // One that was transferred to another thread is detached, and throws.
    if (this.copies !== undefined) for (const copy of this.copies) tryOrUndefined(() => copy.fill(0));
    const signal = this.options?.signal;
    if (signal !== undefined) {
      if (readProperty(signal, 'aborted') === false) this.ownSignals?.follow(signal);
      removeAbortListener(signal, this);
    }
    this.fn = undefined;
    this.query = undefined;
    // A context that the caller keeps should not keep the answer.
    this.resolve = undefined;
    this.reject = undefined;
    this.client.removeCall(this);
  }
}
