import {
  checkClock,
  checkOptionNames,
  closedError,
  addAbortListener,
  checkInteger,
  invalidRange,
  invalidType,
  isGoldKeyError,
  describeType,
  removeAbortListener,
  type Clock,
} from '../../core/index.js';
import { Candidate } from './client-health.js';
import type { FirstAvailable, FirstAvailableCallOptions, FirstAvailableOptions, PriceClient } from './types.js';
import { noneAvailable, outOfTime, type Failure } from './errors.js';

/** A client's own timer may ring this much before ours, in ms: its share is rounded down, and timers are early at times. */
const EARLY = 2;

type AskOne<T> = (client: PriceClient, options: FirstAvailableCallOptions) => Promise<T>;

/**
 * Several clients as one, each a price API with a key of its own: they are asked in order, one at a time, and the first
 * quote is the answer.
 *
 * Whatever one client fails with, the next is asked: its key store is down, its key is refused, its quota is used up, its
 * price is implausible, it does not know the metal. Only the caller's own `signal` and the deadline end a call. Each
 * client gets an even share of the time that is left as its `timeout`, in place of the one it was made with, so that one
 * that hangs leaves time for the others.
 *
 * A client that failed is asked after the others for `cooldown` ms, or for its error's `retryAfter` where that is longer,
 * unless the failure was about the request (`bad-request`). Then one call tries it, and a success puts it back in its
 * place. When all of them are cooling down they are asked in order.
 *
 * @param clients - the best first, e.g. `GoldDataClient`s with a price API spread into each; copied
 * @param options - see {@link FirstAvailableOptions}; durations in ms
 * @returns one client; closing it closes them all
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `clients` is no array, a member is no client, or an option is of a
 * wrong type or name
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: no client, the same one twice, or a value out of its range
 * @throws {PriceApiError} `ERR_GOLDKEY_PRICE_API`, by a call: every client failed. `kind` is `transient` if one of the
 * failures may pass, else that of the first price API's; `retryAfter` is the least of theirs if all have one; `cause` is
 * an `AggregateError` of them, in the order asked. A single client's error leaves as it is
 * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`, by a call: the deadline passed; `cause` holds the failures before it
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { firstAvailable, goldApi, metalsApi } from 'goldkey/prices';
 *
 * const key = (ciphertext: string | undefined) =>
 *   fromKms({ ciphertext, encryptionContext: { service: 'gold-data-stream' } });
 * await using gold = firstAvailable([
 *   new GoldDataClient({ keyProvider: key(process.env.FIRST_CIPHERTEXT), ...metalsApi() }),
 *   new GoldDataClient({ keyProvider: key(process.env.SECOND_CIPHERTEXT), ...goldApi() }),
 * ]);
 * console.log(await gold.getPrice('XAU', { timeout: 3_000 }));
 * ```
 */
export function firstAvailable(clients: readonly PriceClient[], options: FirstAvailableOptions = {}): FirstAvailable {
  const candidates = checkClients(clients).map((client, index) => new Candidate(client, index + 1));
  checkOptionNames('firstAvailable', options, ['timeout', 'cooldown', 'clock']);
  const usual = checkInteger('timeout', options.timeout, 10_000, 1);
  const cooldown = checkInteger('cooldown', options.cooldown, 30_000, 0);
  const clock = checkClock(options.clock);
  const running = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  async function start<T>(ask: AskOne<T>, given: FirstAvailableCallOptions = {}): Promise<T> {
    const { signal, timeout = usual } = checkCall(given);
    signal?.throwIfAborted();
    if (closed !== undefined) throw closedError();
    const call = new FirstAnswer(candidates, ask, clock, timeout, cooldown).until(signal);
    running.add(call);
    try {
      return await call;
    } finally {
      running.delete(call);
    }
  }

  async function shut(): Promise<void> {
    await Promise.allSettled(running);
    // All of them, whatever one of them says.
    const ended = await Promise.allSettled(candidates.map(async ({ client }) => client.close?.()));
    const failed = ended.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  const close = (): Promise<void> => (closed ??= shut());
  return {
    getPrice: (query = 'XAU', own = undefined) => start((client, each) => client.getPrice(query, each), own),
    async getPrices(queries, own) {
      if (!Array.isArray(queries)) throw invalidType(`\`queries\` must be an array, got ${describeType(queries)}.`);
      const list = [...queries];
      return list.length === 0 ? [] : start((client, each) => client.getPrices(list, each), own);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One call: it ends with the first answer, the last failure, the deadline, or the caller's own abort. */
class FirstAnswer<T> {
  readonly #left: Candidate[];
  readonly #ask: AskOne<T>;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #cooldown: number;
  readonly #due: number;
  readonly #failures: Failure[] = [];
  readonly #ending = new AbortController();
  #asked: Candidate | undefined;

  constructor(candidates: readonly Candidate[], ask: AskOne<T>, clock: Clock, timeout: number, cooldown: number) {
    this.#left = [...candidates];
    this.#ask = ask;
    this.#clock = clock;
    this.#timeout = timeout;
    this.#cooldown = cooldown;
    this.#due = clock.monotonic() + timeout;
  }

  /** The answer, or the reason as soon as `signal` aborts: a client that does not listen to it is left behind. */
  async until(signal: AbortSignal | undefined): Promise<T> {
    const timer = this.#clock.setTimeout(() => {
      const late = outOfTime(this.#failures, this.#asked?.position);
      this.#failed(late);
      this.end(late);
    }, this.#timeout);
    if (signal !== undefined) addAbortListener(signal, this);
    try {
      return await new Promise<T>((resolve, reject) => {
        const ended = this.#ending.signal;
        ended.addEventListener('abort', () => {
          reject(ended.reason as Error);
        });
        this.#search().then(resolve, reject);
      });
    } finally {
      timer.cancel();
      if (signal !== undefined) removeAbortListener(signal, this);
      this.#asked?.left(this);
    }
  }

  end(reason: unknown): void {
    this.#ending.abort(reason);
  }

  async #search(): Promise<T> {
    const { signal } = this.#ending;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#asked = next;
      next.asked(this, this.#clock.monotonic());
      // What is left is shared with those that come after it.
      const timeout = Math.max(1, Math.floor(this.#timeLeft() / (this.#left.length + 1)));
      try {
        const answer = await this.#ask(next.client, { signal, timeout });
        next.succeeded();
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        this.#failures.push({ position: next.position, error });
        this.#failed(error);
      }
    }
    const last = this.#failures.at(-1)?.error;
    const isLate = this.#failures.length > 1 && isGoldKeyError(last, 'ERR_GOLDKEY_TIMEOUT');
    if (isLate && this.#timeLeft() <= EARLY) throw outOfTime(this.#failures, undefined);
    throw noneAvailable(this.#failures);
  }

  /** Takes the next one out of those left: the first in order that is not resting, else the first. */
  #next(): Candidate | undefined {
    const now = this.#clock.monotonic();
    const fit = this.#left.findIndex((candidate) => !candidate.isResting(now));
    return this.#left.splice(Math.max(0, fit), 1)[0];
  }

  #failed(error: unknown): void {
    this.#asked?.failed(this, error, this.#clock.monotonic(), this.#cooldown);
  }

  #timeLeft(): number {
    return this.#due - this.#clock.monotonic();
  }
}

function checkClients(clients: unknown): readonly PriceClient[] {
  if (!Array.isArray(clients))
    throw invalidType(`\`clients\` must be an array of clients, got ${describeType(clients)}.`);
  if (clients.length === 0) throw invalidRange('`clients` must hold at least one client, got an empty array.');
  const copy: readonly unknown[] = [...(clients as unknown[])];
  for (const [index, client] of copy.entries()) {
    const { getPrice, getPrices, close } = (client ?? {}) as Partial<PriceClient>;
    if (typeof getPrice !== 'function' || typeof getPrices !== 'function') {
      throw invalidType(
        `\`clients[${String(index)}]\` must be a client with \`getPrice\` and \`getPrices\`, got ${describeType(client)}.`,
      );
    }
    if (close !== undefined && typeof close !== 'function') {
      throw invalidType(`\`clients[${String(index)}].close\` must be a function, got ${describeType(close)}.`);
    }
    if (copy.indexOf(client) !== index) {
      throw invalidRange(`\`clients[${String(index)}]\` is in the list twice: it would only be asked again.`);
    }
  }
  return copy as readonly PriceClient[];
}

function checkCall(given: FirstAvailableCallOptions): FirstAvailableCallOptions {
  checkOptionNames('A call', given, ['signal', 'timeout']);
  const { signal, timeout } = given;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidType(`\`signal\` must be an AbortSignal, got ${describeType(signal)}.`);
  }
  checkInteger('timeout', timeout, 1, 1);
  return given;
}
