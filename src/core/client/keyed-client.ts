import { CachedKey } from '../cache/cached-key.js';
import { KeyCache } from '../cache/key-cache.js';
import { startCall } from '../call/call.js';
import { startLiveCall } from '../call/live-call.js';
import { NO_QUERY } from '../call/call-options.js';
import type { KeyContext } from '../call/key-context.js';
import { ClientClosedError } from '../errors.js';
import {
  checkInteger,
  checkOptionNames,
  checkOptions,
  checkSignal,
  describeType,
  invalidType,
  type CheckedOptions,
} from '../options.js';
import { hasSubscribers, publishOn } from '../events.js';
import type { KeyEvents } from '../key-events.js';
import { selectKey } from '../recovery/select-key.js';
import { redactValue } from '../redaction/redact.js';
import { ClientState } from '../state/client-state.js';
import type { CallOptions, KeyedClientOptions, KeyProvider, KeyStatus, LiveKey } from '../types.js';
import { delay } from '../util/clock.js';
import { addAbortListener, readAbortReason, removeAbortListener } from '../util/abort-listeners.js';
import { quote } from '../util/quote.js';
import { raceAbort } from '../util/race-abort.js';
import { readStatus } from './status.js';

/** Caches of the providers in use: clients that were given the same provider object share one. */
const caches = new WeakMap<KeyProvider, KeyCache>();

/** Options that clients of one provider must agree on. */
const SHARED = ['ttl', 'ttlJitter', 'refreshAhead', 'staleIfError', 'reloadCooldown', 'keyTimeout', 'clock'] as const;

/**
 * Returns the state behind a client, for what stands above the core.
 *
 * @internal
 */
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
 *     keyId: 'alias/gold-api-keys',
 *   }),
 * });
 * const response = await client.withKey(({ apiKey, signal }) =>
 *   fetch('https://api.example/latest', { headers: { 'x-access-token': apiKey }, signal }),
 * );
 * ```
 */
export class KeyedClient implements AsyncDisposable {
  readonly #state: ClientState;
  #closed: Promise<void> | undefined;

  static {
    getClientState = (client) => client.#state;
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
    this.#state = new ClientState(checked, getSharedCache(checked));
    const { keyProvider, clock } = checked;
    if (hasSubscribers('client-created')) publishOn('client-created', { client: this, keyProvider, clock });
  }

  /**
   * Runs `call` with the key and resolves to its result. An error that it throws leaves as the same object, with the key
   * removed. When the price API refuses the key (`isKeyRejected`), the store is asked again and the function run with
   * another key, twice at most; `retry` runs it again on transient failures.
   *
   * @param call - the function; it reads the key from its {@link KeyContext}
   * @param options - `signal`, `timeout` in ms and `once`, for this call alone
   * @throws {KeyRejectedError} `ERR_GOLDKEY_REJECTED`: every live key is refused; `retryAfter` is the shortest wait in ms
   * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`: the deadline passed
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   * @example
   * ```ts
   * const response = await client.withKey(({ apiKey, signal }) => fetch(url, { headers: { authorization: apiKey }, signal }));
   * ```
   */
  withKey<T>(call: (context: KeyContext) => Promise<T>, options?: CallOptions): Promise<T> {
    if (typeof call !== 'function')
      return Promise.reject(invalidType(`\`call\` must be a function, got ${describeType(call)}.`));
    return startCall<T>(this.#state, call, NO_QUERY, options);
  }

  /**
   * Runs `call` with every live key: `current`, and `pending` and `previous` where the store has them, each loaded when it
   * is not held. For verifying signatures: whatever `call` makes of the keys, none is repaired, loaded again or marked, so
   * that junk signatures never make the client ask its store.
   *
   * @param call - the function; the bytes that it gets are zeroed when the call settles
   * @param options - `signal` and `timeout` in ms, for this call alone; `once` means nothing here
   * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`: the deadline passed
   * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`: after `close()`
   * @throws {GoldKeyError} when there is no key at all: the store's error, with its code
   * @example
   * ```ts
   * import { createHmac, timingSafeEqual } from 'node:crypto';
   *
   * const sign = (key: Uint8Array) => createHmac('sha256', key).update('the message').digest();
   * const signature = Buffer.alloc(32);
   * const isGenuine = await client.withLiveKeys((keys) => keys.some(({ bytes }) => timingSafeEqual(sign(bytes), signature)));
   * ```
   */
  async withLiveKeys<T>(call: (keys: readonly LiveKey[]) => T | Promise<T>, options?: CallOptions): Promise<T> {
    if (typeof call !== 'function') throw invalidType(`\`call\` must be a function, got ${describeType(call)}.`);
    return startLiveCall(this.#state, call, options);
  }

  /**
   * Loads the key if there is none, so that the first call finds it.
   *
   * @param options - `maxJitter` (ms, default 0) delays the load by a random time up to it, which spreads a fleet's start;
   *   `signal` ends the wait, not the load
   * @throws {GoldKeyError} when there is no key: the store's error, with its code
   * @example
   * ```ts
   * await client.prefetch({ maxJitter: 2_000 });
   * ```
   */
  async prefetch(options: { signal?: AbortSignal | undefined; maxJitter?: number | undefined } = {}): Promise<void> {
    checkOptionNames('`prefetch`', options, ['signal', 'maxJitter']);
    const { signal } = options;
    checkSignal(signal);
    const jitter = checkInteger('maxJitter', options.maxJitter, 0, 0);
    this.#throwIfAborted(signal);
    if (jitter > 0)
      await this.#race(delay(this.#state.options.clock, Math.floor(Math.random() * jitter), signal), signal);
    this.#throwIfRefused();
    const selected = await this.#race(selectKey(this.#state), signal);
    if (!(selected instanceof CachedKey)) throw selected;
  }

  /**
   * Loads the key again, at most once a second: a call within that second waits for its end. The old key serves until the
   * new one is there, and on if the store is down.
   *
   * @param options - `signal` ends the wait, not the load
   * @throws {GoldKeyError} the store's error, with its code
   * @example
   * ```ts
   * process.on('SIGHUP', () => void client.reload().catch(console.error));
   * ```
   */
  async reload(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkOptionNames('`reload`', options, ['signal']);
    checkSignal(options.signal);
    this.#throwIfAborted(options.signal);
    this.#throwIfRefused();
    const { error } = await this.#race(this.#state.cache.reload(), options.signal);
    if (error !== undefined) throw error;
  }

  /**
   * Drops and zeroes the key at once, because it is compromised. Callers that wait for a load still get its answer; later
   * loads start at most once a second.
   *
   * @param reason - the reason in the `evicted` event; default `'evict'`
   * @example
   * ```ts
   * client.evict('leaked in a support ticket');
   * ```
   */
  evict(reason?: string): void {
    this.#state.cache.evict(reason);
  }

  /** Returns what the client holds now: state, version, times in epoch ms and counts. Never loads; never undefined. */
  status(): KeyStatus {
    return readStatus(this.#state);
  }

  /** Resolves when no load is running: await it before a Lambda environment freezes, or at the end of a test. */
  settled(): Promise<void> {
    return this.#state.cache.settled();
  }

  /**
   * Returns a copy of `value` in which every key that is held, and the last 16 that were, is replaced by `[REDACTED]`, in
   * all its encodings: a hook for pino or winston. A value that holds no key is returned itself. Works after `close()`.
   *
   * @example
   * ```ts
   * const logger = pino({ hooks: { logMethod(args, method) { method.apply(this, client.redact(args)); } } });
   * ```
   */
  redact<T>(value: T): T {
    return redactValue(value, this.#state.keys.secrets, this.#state.keys.goneForms);
  }

  /**
   * Calls `listener` for each event of this name. A listener that throws affects neither the call nor other listeners. The
   * same events are published on the diagnostics channels `goldkey:<event>`.
   *
   * @returns a function that removes the listener
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an unknown event, or a listener that is not a function
   * @example
   * ```ts
   * client.on('load-failed', ({ error, retryAfter }) => console.warn(error.code, retryAfter));
   * ```
   */
  on<E extends keyof KeyEvents>(event: E, listener: (payload: KeyEvents[E]) => void): () => void {
    if (!EVENTS.has(event))
      throw invalidType(
        `There is no event ${typeof event === 'string' ? quote(event) : describeType(event)}; there are: ${[...EVENTS].join(', ')}.`,
      );
    if (typeof listener !== 'function')
      throw invalidType(`\`listener\` must be a function, got ${describeType(listener)}.`);
    return this.#state.listeners.add(event, listener);
  }

  /**
   * Refuses new calls, lets running ones finish with their repair, at most until their deadlines, then zeroes the key and,
   * with the provider's last client, closes the provider, which has `timeout` ms for it. A second call resolves with the
   * first.
   *
   * @param options - aborting `signal` ends the running calls at once
   * @example
   * ```ts
   * process.once('SIGTERM', () => void client.close({ signal: AbortSignal.timeout(5_000) }));
   * ```
   */
  async close(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkOptionNames('`close`', options, ['signal']);
    const { signal } = options;
    checkSignal(signal);
    this.#closed ??= this.#close();
    if (signal === undefined) return this.#closed;
    const listener = {
      end: () => this.#state.endCalls(new ClientClosedError('The client was closed while the call ran.')),
    };
    try {
      if (signal.aborted) listener.end();
      else addAbortListener(signal, listener);
    } catch (error) {
      throw this.#state.scrub(error);
    }
    return this.#closed.finally(() => removeAbortListener(signal, listener));
  }

  /** Closes the client: see {@link KeyedClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #throwIfRefused(): void {
    const { refusal } = this.#state;
    if (refusal !== undefined) throw refusal();
  }

  #throwIfAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) throw this.#state.scrub(readAbortReason(signal));
  }

  /** Resolves like `work`, or rejects with the signal's reason, which may hold the key. */
  async #race<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await raceAbort(work, signal);
    } catch (error) {
      throw this.#state.scrub(error);
    }
  }

  async #close(): Promise<void> {
    const { keys, cache, options } = this.#state;
    await this.#state.close();
    if (keys.users.length === 1) caches.delete(options.keyProvider);
    this.#state.emit('closed', keys.current, {});
    try {
      await cache.removeUser(this.#state);
    } catch (error) {
      // The store's own error.
      throw this.#state.scrub(error);
    }
  }
}

/** Names of all events. Made from an object so that the compiler reports a missing one. */
const EVENTS: ReadonlySet<string> = new Set(
  Object.keys({
    loaded: 0,
    'load-failed': 0,
    stale: 0,
    evicted: 0,
    'key-rejected': 0,
    'gate-closed': 0,
    'gate-opened': 0,
    repaired: 0,
    retry: 0,
    trimmed: 0,
    'rollout-changed': 0,
    'rollout-reverted': 0,
    'break-glass': 0,
    closed: 0,
  } satisfies Record<keyof KeyEvents, 0>),
);

function getSharedCache(options: CheckedOptions): KeyCache {
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
