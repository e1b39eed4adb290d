import { startCall } from '../call/call.js';
import { NO_QUERY } from '../call/call-options.js';
import { ClientState } from '../state/client-state.js';
import { delay } from '../util/clock.js';
import { ClientClosedError, closedError } from '../errors.js';
import { chooseKey } from '../recovery/select-key.js';
import { KeyCache } from '../cache/key-cache.js';
import type { KeyContext } from '../call/key-context.js';
import { CachedKey } from '../cache/cached-key.js';
import {
  checkOptionNames,
  checkOptions,
  checkInteger,
  invalidType,
  describeType,
  type CheckedOptions,
} from '../options.js';
import { redactValue } from '../redaction/redact.js';
import { readStatus } from './status.js';
import type { CallOptions, KeyedClientOptions, KeyEvents, KeyProvider, KeyStatus } from '../types.js';

/** The caches of the providers in use: clients of the same object share one. */
const caches = new WeakMap<KeyProvider, KeyCache>();

/** What clients of one provider must agree on. */
const SHARED = ['ttl', 'ttlJitter', 'refreshAhead', 'staleIfError', 'reloadCooldown', 'keyTimeout', 'clock'] as const;

/** A client's inside, for the other files of the core. */
export let getClientState: (client: KeyedClient) => ClientState;

/**
 * Runs functions with a key that is decrypted when needed, cached for minutes, and replaced when it is refused.
 *
 * @example
 * ```ts
 * import { KeyedClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 *
 * await using client = new KeyedClient({
 *   keyProvider: fromKms({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream' },
 *   }),
 * });
 * const response = await client.withKey(({ apiKey, signal }) =>
 *   fetch('https://api.example/latest', { headers: { 'x-access-token': apiKey }, signal }),
 * );
 * ```
 */
export class KeyedClient implements AsyncDisposable {
  readonly #core: ClientState;
  #closed: Promise<void> | undefined;

  static {
    getClientState = (client) => client.#core;
  }

  /**
   * @param options - see {@link KeyedClientOptions}; durations in ms
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name, or one that disagrees with another
   *   client of the same provider
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
   */
  constructor(options: KeyedClientOptions);
  /** @internal */
  constructor(options: KeyedClientOptions, checked: CheckedOptions);
  constructor(options: KeyedClientOptions, checked: CheckedOptions = checkOptions('KeyedClient', options)) {
    this.#core = new ClientState(checked, sharedCache(checked));
  }

  /**
   * Runs `call` with the key. What it throws leaves as the same object, with the key removed; what it returns is
   * returned. When the price API refuses the key (`isKeyRejected`), the key is asked for again and the function run again
   * with another one, twice at most; `retry` reruns it on transient faults.
   *
   * @param call - the function; it takes the key from its {@link KeyContext}
   * @param options - `signal`, `timeout` in ms and `once`, for this call alone
   * @returns what `call` returned
   * @throws {KeyRejectedError} `ERR_GOLDKEY_REJECTED`: every live key is refused; `retryAfter` says for how long at least
   * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`: the deadline passed
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   */
  withKey<T>(call: (context: KeyContext) => Promise<T>, options?: CallOptions): Promise<T> {
    if (typeof call !== 'function')
      return Promise.reject(invalidType(`\`call\` must be a function, got ${describeType(call)}.`));
    return startCall<T>(this.#core, call, NO_QUERY, options);
  }

  /**
   * Loads the key if there is none, so that the first call finds it.
   *
   * @param options - `maxJitter` in ms (default 0) spreads a fleet's start; `signal` ends the wait, not the load
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   */
  async prefetch(options: { signal?: AbortSignal | undefined; maxJitter?: number | undefined } = {}): Promise<void> {
    checkOptionNames('`prefetch`', options, ['signal', 'maxJitter']);
    const { signal } = options;
    const jitter = checkInteger('maxJitter', options.maxJitter, 0, 0);
    signal?.throwIfAborted();
    if (jitter > 0) await delay(this.#core.options.clock, Math.floor(Math.random() * jitter), signal);
    if (this.#core.closing) throw closedError();
    const found = await abortable(chooseKey(this.#core), signal);
    if (!(found instanceof CachedKey)) throw found;
  }

  /**
   * Asks the store again, at most once a second: a call within the second waits for its end. The old key serves until the
   * new one is in, and on if the store is down.
   *
   * @param options - `signal` ends the wait, not the load
   * @throws {GoldKeyError} the store's error, with its code
   */
  async reload(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkOptionNames('`reload`', options, ['signal']);
    options.signal?.throwIfAborted();
    if (this.#core.closing) throw closedError();
    const { error } = await abortable(this.#core.cache.reload(), options.signal);
    if (error !== undefined) throw error;
  }

  /**
   * Drops and zeroes the key at once: it is compromised. Waiting callers still get an answer; the loads that follow start
   * at most once a second.
   *
   * @param reason - for the `evicted` event. Default `'evict'`
   */
  evict(reason = 'evict'): void {
    this.#core.cache.evict(reason);
  }

  /** What is held now. Never loads; never undefined. */
  status(): KeyStatus {
    return readStatus(this.#core);
  }

  /** Resolves when no background load is running: before a Lambda freezes, at the end of a test. */
  settled(): Promise<void> {
    return this.#core.cache.settled();
  }

  /**
   * A copy of `value` in which every key held now is replaced by `[REDACTED]`, in all its encodings: a hook for pino or
   * winston. What holds no key comes back as it is.
   *
   * @example
   * ```ts
   * const logger = pino({ hooks: { logMethod(args, method) { method.apply(this, client.redact(args)); } } });
   * ```
   */
  redact<T>(value: T): T {
    return redactValue(value, this.#core.shelf.secrets);
  }

  /**
   * Listens to an event. One that throws harms nobody. The same events go to the diagnostics channels `goldkey:<event>`.
   *
   * @returns the function that stops listening
   */
  on<E extends keyof KeyEvents>(event: E, listener: (payload: KeyEvents[E]) => void): () => void {
    if (!EVENTS.has(event))
      throw invalidType(`There is no event \`${String(event)}\`; there are: ${[...EVENTS].join(', ')}.`);
    if (typeof listener !== 'function')
      throw invalidType(`\`listener\` must be a function, got ${describeType(listener)}.`);
    return this.#core.listeners.add(event, listener);
  }

  /**
   * Refuses new calls, lets running ones finish with their repair, then zeroes the key and, with the provider's last
   * client, closes the provider. Called again, it resolves with the first.
   *
   * @param options - aborting `signal` ends the running calls at once
   */
  close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const core = this.#core;
    const end = (): void => {
      core.endAll(new ClientClosedError('The client was closed while the call ran.'));
    };
    this.#closed ??= this.#close();
    if (options.signal?.aborted === true) end();
    options.signal?.addEventListener('abort', end, { once: true });
    return this.#closed.finally(() => options.signal?.removeEventListener('abort', end));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const core = this.#core;
    core.closing = true;
    await core.idle();
    const { keyProvider } = core.options;
    if (core.shelf.users.length === 1) caches.delete(keyProvider);
    core.emit('closed', core.shelf.current, {});
    await core.cache.leave(core);
  }
}

/** Every event's name; an object, so that the compiler finds one that is missing. */
const EVENTS: ReadonlySet<string> = new Set(
  Object.keys({
    loaded: 0,
    'load-failed': 0,
    stale: 0,
    evicted: 0,
    'key-rejected': 0,
    repaired: 0,
    retry: 0,
    trimmed: 0,
    'rollout-changed': 0,
    'rollout-reverted': 0,
    'break-glass': 0,
    closed: 0,
  } satisfies Record<keyof KeyEvents, 0>),
);

function sharedCache(options: CheckedOptions): KeyCache {
  const { keyProvider } = options;
  const known = caches.get(keyProvider);
  if (known === undefined) {
    const cache = new KeyCache(options);
    caches.set(keyProvider, cache);
    return cache;
  }
  for (const name of SHARED) {
    if (options[name] === known.options[name]) continue;
    throw invalidType(
      `\`${name}\` differs from that of another client with the same \`keyProvider\`: they share the key, so it must agree.`,
    );
  }
  return known;
}

/** Ends the wait, not what is waited for. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
