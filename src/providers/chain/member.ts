import {
  asUint8Array,
  copyError,
  copyKey,
  describeType,
  getRequestClock,
  invalidType,
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
import { CandidateHealth } from '../../util/candidate-health.js';
import { withDeadline } from '../../util/deadline.js';
import { formatChainName, parseChainName } from './version-names.js';

/** The key of an emergency store's seal check, which resolves to true while the seal is broken. */
export const BREAK_GLASS: unique symbol = Symbol.for('goldkey.breakGlass');

/** A key store that may have a seal. */
export type Store = KeyProvider & {
  readonly [BREAK_GLASS]?: (clock: Clock, signal: AbortSignal) => Promise<boolean>;
};

/** Returns `value` if it has what a chain calls on a key store, which the option `name` must have. */
export function checkStore(name: string, value: unknown): Store {
  const store = (value ?? {}) as Store;
  if (typeof store.name === 'string' && store.name !== '' && typeof store.load === 'function') return store;
  throw invalidType(
    `\`${name}\` must be a key store with a \`name\` and a \`load\` function, got ${describeType(value)}.`,
  );
}

type Answer = Awaited<ReturnType<KeyProvider['load']>>;

/** The longest time a store gets while another could answer, in ms. */
const STORE_TIMEOUT_MS = 2_000;
/** The rest of a store after an error that may pass, in ms; it doubles with each further one. */
const FIRST_REST_MS = 1_000;
const LAST_REST_MS = 30_000;

/** Returns `fields` as a request with the hidden properties of `request`: the core's clock, and when a key is due. */
export function deriveRequest(request: LoadRequest, fields: LoadRequest): LoadRequest {
  const { stage: _, signal: __, known: ___, ...hidden } = Object.getOwnPropertyDescriptors(request);
  return Object.defineProperties(fields, hidden);
}

/** One store of a chain, and its health. */
export class ChainMember {
  readonly store: Store;
  readonly index: number;
  /** Whether this is an emergency store whose seal was broken when last checked. */
  isOpen = false;
  readonly #health = new CandidateHealth();

  constructor(store: Store, index: number) {
    this.store = store;
    this.index = index;
  }

  get isEmergency(): boolean {
    return this.store[BREAK_GLASS] !== undefined;
  }

  isResting(clock: Clock): boolean {
    return this.#health.isResting(clock.monotonic());
  }

  /** Updates {@link isOpen}. Never rejects. */
  async checkSeal(clock: Clock, signal: AbortSignal): Promise<void> {
    this.isOpen = (await this.store[BREAK_GLASS]?.(clock, signal).catch(() => false)) === true;
  }

  /**
   * Loads the store's key, with the chain's name for its version. Rejects with a `GoldKeyError` or the abort's reason.
   */
  async load(request: LoadRequest, isLast: boolean): Promise<Answer> {
    const clock = getRequestClock(request);
    const { name } = this.store;
    const late = (): Error =>
      new KeyTimeoutError(
        `The key store \`${name}\` did not answer within ${String(STORE_TIMEOUT_MS)} ms, so the chain tries the next one.`,
        { provider: name },
      );
    const limits = { ms: STORE_TIMEOUT_MS, clock, late, signals: [request.signal] };
    try {
      const answer = isLast
        ? await this.#loadFromStore(request, request.signal)
        : await withDeadline(limits, (signal) => this.#loadFromStore(request, signal));
      this.#health.recordSuccess();
      return answer;
    } catch (thrown) {
      const error = this.#toGoldKeyError(thrown);
      if (error.retryable) this.#health.recordFailure(clock.monotonic(), FIRST_REST_MS, LAST_REST_MS);
      request.signal.throwIfAborted();
      throw error;
    }
  }

  async #loadFromStore(request: LoadRequest, signal: AbortSignal): Promise<Answer> {
    const { stage } = request;
    const { name: provider } = this.store;
    const known = request.known
      ?.map(parseChainName)
      .filter(({ index }) => index === this.index)
      .map(({ name }) => name);
    const fields = known === undefined || known.length === 0 ? { stage, signal } : { stage, signal, known };
    const answer = await this.store.load(deriveRequest(request, fields));
    if (answer === undefined && stage === 'current') {
      throw new KeyNotFoundError(`The key store \`${provider}\` has no current key.`, { provider });
    }
    // A malformed answer is passed on: the core throws the error for it.
    if (typeof answer?.version !== 'string') return answer;
    if ('bytes' in answer) this.#checkKey(answer, signal);
    return { ...answer, version: formatChainName(this.index, answer.version) };
  }

  /** Throws if the bytes are not a key, so that the error names this store, or if they came too late to be used. */
  #checkKey({ bytes, version }: LoadedKey, signal: AbortSignal): void {
    if (asUint8Array(bytes) === undefined) return;
    try {
      signal.throwIfAborted();
      copyKey(bytes, { provider: this.store.name, version }).bytes.fill(0);
    } catch (error) {
      // A store may have given its bytes away: those cannot be written to, and hold nothing.
      if (bytes.byteLength > 0) bytes.fill(0);
      throw error;
    }
  }

  #toGoldKeyError(error: unknown): GoldKeyError {
    const { name } = this.store;
    if (!isGoldKeyError(error)) {
      const message = `The key store \`${name}\` failed; its error is the \`cause\`.`;
      return new KeyProviderError(message, { cause: error, provider: name });
    }
    const version = error.version === undefined ? undefined : formatChainName(this.index, error.version);
    return version === error.version ? error : copyError(error, { version });
  }
}
