import {
  checkClock,
  checkInteger,
  checkOptionalFunction,
  checkOptionNames,
  checkSignal,
  closedError,
  describeType,
  invalidRange,
  invalidType,
  isGoldKeyError,
  type CallOptions,
  type Clock,
} from '../../core/index.js';
import { CandidateHealth } from '../../util/candidate-health.js';
import { closeAll } from '../../util/close-all.js';
import { withDeadline } from '../../util/deadline.js';
import type { PriceQuery, Quote } from '../types.js';
import { combineFailures, createTimeoutError, isRequestError, type ClientFailure } from './errors.js';

/** The ms by which a client's timer may fire before the call's: its share is rounded down, and timers can be early. */
const TIMER_TOLERANCE_MS = 2;

/** The call options that clients of {@link firstAvailable} understand: `signal`, and `timeout` in ms from 1. */
export type FirstAvailableCallOptions = Pick<CallOptions, 'signal' | 'timeout'>;

/**
 * The part of a client that {@link firstAvailable} uses; a `GoldDataClient` with a price API spread into it has it.
 * Your own client must keep to `signal` and `timeout` and leave no key in its errors.
 */
export interface PriceClient {
  /** Returns one price: of a metal, or of a metal in a currency. Default: `XAU`. */
  getPrice(query?: string | PriceQuery, options?: FirstAvailableCallOptions): Promise<Quote>;
  /** Returns several prices, in the order asked for. */
  getPrices(queries: ReadonlyArray<string | PriceQuery>, options?: FirstAvailableCallOptions): Promise<Quote[]>;
  /** Refuses new calls and lets running ones finish. */
  close?(): Promise<void>;
}

/** Options of {@link firstAvailable}. Durations are integer milliseconds. */
export interface FirstAvailableOptions {
  /** The longest time of a call with all its clients, in ms from 1. Default 10_000. A call may override it. */
  timeout?: number | undefined;
  /**
   * The time during which a client that failed is asked after the others, in ms from 0. Default 30_000; 0 turns it off.
   * A longer `retryAfter` of the error prolongs it.
   */
  cooldown?: number | undefined;
  /** The monotonic clock and the timers; give the clients the same. Default: the system's. */
  clock?: Clock | undefined;
}

/**
 * The client that {@link firstAvailable} returns. Its calls reject as described there. An empty list of queries resolves
 * to an empty list without a request; otherwise all prices of a list come from one client.
 */
export interface FirstAvailable extends PriceClient, AsyncDisposable {
  /** Refuses new calls, lets running ones finish, then closes every client. May be called again. */
  close(): Promise<void>;
}

type Ask<T> = (client: PriceClient, options: FirstAvailableCallOptions) => Promise<T>;

interface Candidate {
  readonly client: PriceClient;
  /** From 1, as messages name it. */
  readonly position: number;
  readonly health: CandidateHealth;
}

/**
 * Joins several clients, each with its price API and key, into one: they are asked in order, one at a time, and the
 * first quote is returned.
 *
 * After any error of a client the next one is asked: its key store is down, its key is rejected, its quota is used up,
 * its price is implausible, it does not know the metal. Only the caller's `signal` and the deadline end a call early.
 * Each client gets an even share of the time that is left as its `timeout`, instead of its configured one, so that a
 * client that hangs leaves time for the others.
 *
 * A client that failed is asked after the others for `cooldown` ms, or for its error's `retryAfter` if that is longer,
 * unless the error was about the request (`bad-request`). Then one call tries it, and a success puts it back in its
 * place. When all clients are cooling down, they are asked in order.
 *
 * @param clients - the preferred one first, e.g. `GoldDataClient`s with a price API spread into each; copied
 * @param options - see {@link FirstAvailableOptions}; durations in ms
 * @returns one client; closing it closes all of them
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: `clients` is not an array, a member is not a client, or an
 * option is unknown or mistyped
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: there is no client, one is in the list twice, or a value is
 * out of range
 * @throws {PriceApiError} `ERR_GOLDKEY_PRICE_API`, by a call: every client failed. `kind` is `transient` if one of the
 * errors may pass, else that of the first price API's error; `retryAfter` is the shortest if all errors have one;
 * `cause` is an `AggregateError` of them, in the order asked. A single client's error is thrown unchanged
 * @throws {CallTimeoutError} `ERR_GOLDKEY_TIMEOUT`, by a call: the deadline passed; `cause` holds the errors before it
 * @throws {ClientClosedError} `ERR_GOLDKEY_CLOSED`, by a call: `close()` was called before
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKms } from 'goldkey/kms';
 * import { firstAvailable, goldApi, metalsApi } from 'goldkey/prices';
 *
 * const key = (ciphertext: string | undefined) =>
 *   fromKms({ ciphertext, encryptionContext: { service: 'gold-data-stream' }, keyId: 'alias/gold-api-keys' });
 * await using gold = firstAvailable([
 *   new GoldDataClient({ keyProvider: key(process.env.FIRST_CIPHERTEXT), ...metalsApi() }),
 *   new GoldDataClient({ keyProvider: key(process.env.SECOND_CIPHERTEXT), ...goldApi() }),
 * ]);
 * console.log(await gold.getPrice('XAU', { timeout: 3_000 }));
 * ```
 */
export function firstAvailable(clients: readonly PriceClient[], options: FirstAvailableOptions = {}): FirstAvailable {
  const candidates: readonly Candidate[] = checkClients(clients).map((client, index) => ({
    client,
    position: index + 1,
    health: new CandidateHealth(),
  }));
  checkOptionNames('firstAvailable', options, ['timeout', 'cooldown', 'clock']);
  const defaultTimeout = checkInteger('timeout', options.timeout, 10_000, 1);
  const cooldown = checkInteger('cooldown', options.cooldown, 30_000, 0);
  const clock = checkClock(options.clock);
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function run<T>(ask: Ask<T>, callOptions: FirstAvailableCallOptions = {}): Promise<T> {
    const { signal, timeout = defaultTimeout } = checkCallOptions(callOptions);
    signal?.throwIfAborted();
    if (closing !== undefined) throw closedError();
    const call = askInOrder(ask, timeout, signal);
    running.add(call);
    try {
      return await call;
    } finally {
      running.delete(call);
    }
  }

  /** Makes one call: it ends with the first answer, the last client's error, the deadline, or the caller's abort. */
  async function askInOrder<T>(ask: Ask<T>, timeout: number, callerSignal: AbortSignal | undefined): Promise<T> {
    const due = clock.monotonic() + timeout;
    const left = [...candidates];
    const failures: ClientFailure[] = [];
    let current: Candidate | undefined;

    const endTrial = (): void => current?.health.endTrial(left);
    const recordFailure = (error: unknown): void => {
      endTrial();
      // A request that one API cannot serve is not a failure of that API.
      if (cooldown === 0 || isRequestError(error)) return;
      const retryAfter = isGoldKeyError(error) ? (error.retryAfter ?? 0) : 0;
      current?.health.recordFailure(clock.monotonic(), Math.max(cooldown, retryAfter));
    };
    const late = (): Error => {
      const error = createTimeoutError(failures, current?.position);
      recordFailure(error);
      return error;
    };

    try {
      // A client that ignores its signal is left behind.
      return await withDeadline({ ms: timeout, clock, late, signals: [callerSignal] }, async (signal) => {
        while (left.length > 0) {
          const now = clock.monotonic();
          // The first that is not resting, else the first.
          const next = Math.max(
            0,
            left.findIndex(({ health }) => !health.isResting(now)),
          );
          const share = Math.max(1, Math.floor((due - now) / left.length));
          current = left.splice(next, 1)[0] as Candidate;
          current.health.startTrial(left, now);
          try {
            const answer = await ask(current.client, { signal, timeout: share });
            current.health.recordSuccess();
            return answer;
          } catch (error) {
            signal.throwIfAborted();
            failures.push({ position: current.position, error });
            recordFailure(error);
          }
        }
        const isLate = due - clock.monotonic() <= TIMER_TOLERANCE_MS && failures.length > 1;
        if (isLate && isGoldKeyError(failures.at(-1)?.error, 'ERR_GOLDKEY_TIMEOUT')) {
          throw createTimeoutError(failures, undefined);
        }
        throw combineFailures(failures);
      });
    } finally {
      endTrial();
    }
  }

  async function finish(): Promise<void> {
    await Promise.allSettled(running);
    await closeAll(candidates.map(({ client }) => client));
  }

  const close = (): Promise<void> => (closing ??= finish());
  return {
    getPrice: (query = 'XAU', callOptions = undefined) =>
      run((client, shared) => client.getPrice(query, shared), callOptions),
    async getPrices(queries, callOptions) {
      if (!Array.isArray(queries)) throw invalidType(`\`queries\` must be an array, got ${describeType(queries)}.`);
      const list = [...queries];
      return list.length === 0 ? [] : run((client, shared) => client.getPrices(list, shared), callOptions);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checkClients(clients: unknown): readonly PriceClient[] {
  if (!Array.isArray(clients)) {
    throw invalidType(`\`clients\` must be an array of clients, got ${describeType(clients)}.`);
  }
  if (clients.length === 0) throw invalidRange('`clients` must hold at least one client, got an empty array.');
  const copy: readonly unknown[] = [...(clients as unknown[])];
  for (const [index, client] of copy.entries()) {
    const name = `clients[${String(index)}]`;
    const { getPrice, getPrices, close } = (client ?? {}) as Partial<PriceClient>;
    if (typeof getPrice !== 'function' || typeof getPrices !== 'function') {
      const type = describeType(client);
      throw invalidType(`\`${name}\` must be a client with \`getPrice\` and \`getPrices\`, got ${type}.`);
    }
    checkOptionalFunction(`${name}.close`, close);
    if (copy.indexOf(client) !== index) throw invalidRange(`\`${name}\` is in the list twice; remove one.`);
  }
  return copy as readonly PriceClient[];
}

function checkCallOptions(options: FirstAvailableCallOptions): FirstAvailableCallOptions {
  checkOptionNames('A call', options, ['signal', 'timeout']);
  const { signal, timeout } = options;
  checkSignal(signal);
  checkInteger('timeout', timeout, 1, 1);
  return options;
}
