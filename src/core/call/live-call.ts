import { CachedKey } from '../cache/cached-key.js';
import { CallTimeoutError, type GoldKeyError } from '../errors.js';
import type { ClientState, KeyHolder } from '../state/client-state.js';
import type { CallOptions, LiveKey, Stage } from '../types.js';
import { addAbortListener, readAbortReason, removeAbortListener } from '../util/abort-listeners.js';
import { tryOrUndefined } from '../util/safe-access.js';
import { checkCallOptions, type CheckedCallOptions } from './call-options.js';
import { describeBound, limitCall, readTimeout } from './time-limit.js';

/** The stages whose keys are live, in the order in which they are handed out. */
const LIVE: readonly Stage[] = ['current', 'pending', 'previous'];

type LiveFunction<T> = (keys: readonly LiveKey[]) => T | Promise<T>;

/** Starts a call with every live key. Nothing that its function does makes the client ask its store. */
export async function startLiveCall<T>(client: ClientState, fn: LiveFunction<T>, given?: CallOptions): Promise<T> {
  const { refusal } = client;
  if (refusal !== undefined) throw refusal();
  try {
    const options = given === undefined ? undefined : checkCallOptions(given);
    if (options?.signal?.aborted === true) throw readAbortReason(options.signal);
    return await new Promise<T>((resolve, reject) => {
      const call = new LiveCall(client, options, resolve, reject);
      client.deadlines.setDeadlinesAfterTurn();
      void call.run(fn);
    });
  } catch (error) {
    throw client.scrub(error);
  }
}

/** One call with every live key, from its start to its answer. */
class LiveCall<T> implements KeyHolder {
  readonly client: ClientState;
  position = 0;
  deadline: number | undefined;
  readonly #options: CheckedCallOptions | undefined;
  readonly #resolve: (result: T) => void;
  readonly #reject: (reason: unknown) => void;
  #copies: readonly LiveKey[] = [];
  #isSettled = false;

  constructor(
    client: ClientState,
    options: CheckedCallOptions | undefined,
    resolve: (result: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.client = client;
    this.#options = limitCall(options, client.options.timeout);
    this.#resolve = resolve;
    this.#reject = reject;
    if (options?.signal !== undefined) addAbortListener(options.signal, this);
    client.addCall(this);
  }

  get timeout(): number {
    return readTimeout(this.#options, this.client.options.timeout);
  }

  async run(fn: LiveFunction<T>): Promise<void> {
    try {
      await this.#copyKeys();
      if (this.#isSettled) return;
      const result = await fn(this.#copies);
      this.#settle(() => this.#resolve(result));
    } catch (error) {
      this.end(error);
    }
  }

  onTimeout(): void {
    const { name } = this.client.options.keyProvider;
    const message = `The call with the live keys did not end within ${describeBound(this.#options)}; raise it, or see what is slow.`;
    this.end(new CallTimeoutError(message, { provider: name }));
  }

  end(reason: unknown): void {
    this.#settle(() => this.#reject(reason));
  }

  /** Copies the key of each stage that has one, each key once. Rejects if there is none. */
  async #copyKeys(): Promise<void> {
    const { cache, keys } = this.client;
    for (;;) {
      const answers = await Promise.all(LIVE.map((stage) => cache.getOrLoad(keys.stage(stage))));
      // Nothing would zero the copies of a call that has ended meanwhile.
      if (this.#isSettled) return;
      const found = answers.filter((answer) => answer instanceof CachedKey);
      if (found.length === 0) throw answers[0] as GoldKeyError;
      // Keys may be evicted while others are loaded: none that is live may be left out.
      if (found.some(({ isGone }) => isGone)) continue;
      this.#copies = found
        .filter(({ digest }, index) => found.findIndex((other) => other.digest === digest) === index)
        .map((key) => ({ bytes: key.copyBytes(), version: key.version, stage: key.stage }));
      return;
    }
  }

  #settle(answer: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    // Bytes that were transferred to another thread are detached, and throw.
    for (const { bytes } of this.#copies) tryOrUndefined(() => bytes.fill(0));
    const signal = this.#options?.signal;
    if (signal !== undefined) removeAbortListener(signal, this);
    this.client.removeCall(this);
    answer();
  }
}
