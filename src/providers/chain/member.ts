import {
  getRequestClock,
  copyKey,
  copyError,
  isGoldKeyError,
  KeyNotFoundError,
  KeyProviderError,
  KeyTimeoutError,
  type Clock,
  type GoldKeyError,
  type KeyProvider,
  type LoadedKey,
  type LoadRequest,
} from '../../core/index.js';
import { BREAK_GLASS, type Store } from './options.js';
import { nameInChain, nameOfStore } from './version-names.js';
import { withDeadline } from '../../util/deadline.js';

type Answer = Awaited<ReturnType<KeyProvider['load']>>;

/** How long a store may take while another could answer, in ms. */
const PATIENCE = 2_000;
/** After a fault that may pass a store comes last for a while, longer each time, in ms. */
const REST_FIRST = 1_000;
const REST_LAST = 30_000;

/** A request for another store, with what the core leaves on it unseen: its clock, and when a key is due. */
export function requestFor(request: LoadRequest, own: LoadRequest): LoadRequest {
  const { stage: _, signal: __, known: ___, ...hidden } = Object.getOwnPropertyDescriptors(request);
  return Object.defineProperties(own, hidden);
}

/** One store of a chain, and how it has been doing. */
export class ChainLink {
  readonly store: Store;
  readonly index: number;
  /** An emergency store, whose seal was broken when it was last looked at. */
  isOpen = false;
  #failures = 0;
  #restUntil = -Infinity;

  constructor(store: Store, index: number) {
    this.store = store;
    this.index = index;
  }

  get isEmergency(): boolean {
    return this.store[BREAK_GLASS] !== undefined;
  }

  isResting(clock: Clock): boolean {
    return clock.monotonic() < this.#restUntil;
  }

  /** Whether an emergency store's seal is broken. Never rejects. */
  async look(clock: Clock, signal: AbortSignal): Promise<boolean> {
    this.isOpen = (await this.store[BREAK_GLASS]?.(clock, signal).catch(() => false)) === true;
    return this.isOpen;
  }

  /** The store's key, named as the chain names it; rejects with a `GoldKeyError`, or as the request is aborted. */
  async load(request: LoadRequest, isLast: boolean): Promise<Answer> {
    const clock = getRequestClock(request);
    try {
      const answer = isLast ? await this.#ask(request, request.signal) : await this.#askSoon(request, clock);
      this.#failures = 0;
      this.#restUntil = -Infinity;
      return answer;
    } catch (error) {
      const fault = this.#faultOf(error);
      if (fault.retryable) {
        this.#restUntil = clock.monotonic() + Math.min(REST_FIRST * 2 ** this.#failures, REST_LAST);
        this.#failures = Math.min(this.#failures + 1, 16);
      }
      request.signal.throwIfAborted();
      throw fault;
    }
  }

  async #askSoon(request: LoadRequest, clock: Clock): Promise<Answer> {
    const { name } = this.store;
    const late = (): Error =>
      new KeyTimeoutError(
        `The key store \`${name}\` did not answer within ${String(PATIENCE)} ms; the chain has others.`,
        { provider: name },
      );
    return withDeadline({ ms: PATIENCE, clock, late, signals: [request.signal] }, (signal) =>
      this.#ask(request, signal),
    );
  }

  async #ask(request: LoadRequest, signal: AbortSignal): Promise<Answer> {
    const { stage } = request;
    const known = request.known
      ?.map(nameOfStore)
      .filter(({ index }) => index === this.index)
      .map(({ name }) => name);
    const order = known === undefined || known.length === 0 ? { stage, signal } : { stage, signal, known };
    const answer = await this.store.load(requestFor(request, order));
    if (answer === undefined && stage === 'current') throw this.#absent();
    // What the core would complain of is left to it.
    if (typeof answer?.version !== 'string') return answer;
    if ('bytes' in answer) this.#check(answer, signal);
    return { ...answer, version: nameInChain(this.index, answer.version) };
  }

  /** What is no key is this store's fault, and known before the chain has answered with it. */
  #check({ bytes, version }: LoadedKey, signal: AbortSignal): void {
    if (!(bytes instanceof Uint8Array)) return;
    try {
      // What comes too late goes to nobody.
      signal.throwIfAborted();
      copyKey(bytes, { provider: this.store.name, version }).bytes.fill(0);
    } catch (error) {
      bytes.fill(0);
      throw error;
    }
  }

  #absent(): KeyNotFoundError {
    const { name } = this.store;
    return new KeyNotFoundError(`The key store \`${name}\` has no current key.`, { provider: name });
  }

  #faultOf(error: unknown): GoldKeyError {
    const { name } = this.store;
    if (!isGoldKeyError(error)) {
      return new KeyProviderError(`The key store \`${name}\` failed; its error is the \`cause\`.`, {
        cause: error,
        provider: name,
      });
    }
    const version = error.version === undefined ? undefined : nameInChain(this.index, error.version);
    return version === error.version ? error : copyError(error, { version });
  }
}
