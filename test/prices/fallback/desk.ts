import { CallTimeoutError } from '../../../src/core/index.js';
import {
  PriceApiError,
  type FirstAvailableCallOptions,
  type PriceApiErrorKind,
  type PriceClient,
  type PriceQuery,
  type Quote,
} from '../../../src/prices/index.js';
import type { ManualClock } from '../../../src/testing/index.js';

type Query = string | PriceQuery;
type Turn = { fail: unknown } | { hang: number } | { wait: number; fail?: unknown };

/** A client in memory that does as it is told, keeps to `signal` and `timeout`, and counts. */
export class Desk implements PriceClient {
  readonly name: string;
  readonly asked: Array<{ queries: readonly Query[]; timeout: number | undefined }> = [];
  running = 0;
  closed = 0;
  readonly #clock: ManualClock;
  readonly #turns: Turn[] = [];

  constructor(name: string, clock: ManualClock) {
    this.name = name;
    this.#clock = clock;
  }

  /** The next call fails with `error`. */
  next(error: unknown): void {
    this.#turns.push({ fail: error });
  }

  /** The next calls last until they are ended; `early` moves the end of their time. */
  hang(early = 0, times = 1): void {
    for (let time = 0; time < times; time++) this.#turns.push({ hang: early });
  }

  /** The next call answers, or fails, after `ms`. */
  take(ms: number, ...fail: [] | [unknown]): void {
    this.#turns.push(fail.length === 0 ? { wait: ms } : { wait: ms, fail: fail[0] });
  }

  getPrice: PriceClient['getPrice'] = async (query, options) => {
    const [quote] = await this.#answer([query as Query], options);
    return quote as Quote;
  };

  getPrices: PriceClient['getPrices'] = (queries, options) => this.#answer(queries, options);

  close: () => Promise<void> = async () => void this.closed++;

  async #answer(queries: readonly Query[], options: FirstAvailableCallOptions = {}): Promise<Quote[]> {
    this.asked.push({ queries, timeout: options.timeout });
    this.running++;
    try {
      const turn = this.#turns.shift() ?? { wait: 0 };
      if ('hang' in turn) await this.#spend(Infinity, options, turn.hang);
      if ('wait' in turn && turn.wait > 0) await this.#spend(turn.wait, options, 0);
      if ('fail' in turn) throw turn.fail;
      return queries.map((query) => quoteOf(this.name, typeof query === 'string' ? query : query.metal));
    } finally {
      this.running--;
    }
  }

  #spend(ms: number, { signal, timeout = Infinity }: FirstAvailableCallOptions, early: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = ms < timeout ? resolve : () => reject(new CallTimeoutError(`${this.name} is late`));
      const timer = this.#clock.setTimeout(done, Math.min(ms, timeout + early));
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });
  }
}

export function quoteOf(source: string, metal: string): Quote {
  return {
    metal,
    currency: 'USD',
    price: 2000,
    unit: 'troy_ounce',
    timestamp: 1_700_000_000_000,
    source,
    direction: 'direct',
    raw: undefined,
  };
}

export function fault(kind: PriceApiErrorKind, retryAfter?: number): PriceApiError {
  return new PriceApiError(`an-api: ${kind}.`, { kind, source: 'an-api', retryAfter });
}
