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
/** Number of times that keys are selected again because they were evicted meanwhile. */
const MAX_SELECTIONS = 3;

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
      const keys = await this.#selectKeys();
      // The call may have ended meanwhile: then nothing would zero the copies.
      if (this.#isSettled) return;
      this.#copies = keys.map((key) => ({ bytes: key.copyBytes(), version: key.version, stage: key.stage }));
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

  /** Resolves to the key of each stage that has one, each key once. Rejects if there is none. */
  async #selectKeys(): Promise<CachedKey[]> {
    const { cache, keys } = this.client;
    let missing: GoldKeyError | undefined;
    for (let selection = 0; selection < MAX_SELECTIONS; selection++) {
      const answers = await Promise.all(LIVE.map((stage) => cache.getOrLoad(keys.stage(stage))));
      missing = answers.find((answer) => !(answer instanceof CachedKey)) as GoldKeyError | undefined;
      const found = answers.filter((answer) => answer instanceof CachedKey);
      const live = found.filter(({ isGone }) => !isGone);
      if (live.length > 0)
        return live.filter(({ digest }, index) => live.findIndex((other) => other.digest === digest) === index);
      if (found.length === 0) break;
    }
    throw missing as GoldKeyError;
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
