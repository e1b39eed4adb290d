import { GoldDataClient, type GoldDataClientOptions } from '../../src/index.js';
import { manualClock, memoryKeyProvider, type ManualClock, type MemoryKeyProvider } from '../../src/testing/index.js';

/** A price API in memory: it knows which keys are live, and counts. */
export class PriceDesk {
  readonly live = new Set<string>();
  calls = 0;
  refusals = 0;

  constructor(...keys: string[]) {
    for (const key of keys) this.live.add(key);
  }

  /** Only these keys are good from now on. */
  rotateTo(...keys: string[]): void {
    this.live.clear();
    for (const key of keys) this.live.add(key);
  }

  readonly fetchPrice = async (symbol: string, { apiKey }: { apiKey: string }): Promise<string> => {
    this.calls++;
    await Promise.resolve();
    if (this.live.has(apiKey)) return `${symbol} 2000`;
    this.refusals++;
    throw unauthorized();
  };
}

export function unauthorized(): Error {
  return Object.assign(new Error('Request failed with status code 401'), { status: 401 });
}

export const FIRST = 'first-key-000001';
export const SECOND = 'second-key-00002';
export const THIRD = 'third-key-0000003';

export interface Stage {
  clock: ManualClock;
  keys: MemoryKeyProvider;
  desk: PriceDesk;
  gold: GoldDataClient<string>;
}

/** A client on a manual clock, over a store and a price API in memory. */
export function setUp(options: Partial<GoldDataClientOptions<string>> = {}): Stage {
  const clock = manualClock();
  const keys = memoryKeyProvider({ current: FIRST });
  const desk = new PriceDesk(FIRST);
  const gold = new GoldDataClient<string>({
    keyProvider: keys,
    clock,
    ttlJitter: 0,
    retry: false,
    fetchPrice: desk.fetchPrice,
    ...options,
  });
  return { clock, keys, desk, gold };
}

/** How calls ended: how many well, and the codes of the others. */
export async function tally(
  calls: Iterable<Promise<unknown>>,
): Promise<{ good: number; failed: Record<string, number> }> {
  const failed: Record<string, number> = {};
  let good = 0;
  for (const end of await Promise.allSettled(calls)) {
    if (end.status === 'fulfilled') good++;
    else {
      const code = String((end.reason as { code?: unknown }).code ?? (end.reason as Error).name);
      failed[code] = (failed[code] ?? 0) + 1;
    }
  }
  return { good, failed };
}

/** Calls at a steady rate for a while, on the clock. */
export async function steady(
  { clock, gold }: Pick<Stage, 'clock' | 'gold'>,
  { perSecond, ms, at }: { perSecond: number; ms: number; at?: (elapsed: number) => void },
): Promise<Array<{ at: number; call: Promise<string> }>> {
  const step = 1_000 / perSecond;
  const calls: Array<{ at: number; call: Promise<string> }> = [];
  for (let elapsed = 0; elapsed < ms; elapsed += step) {
    at?.(elapsed);
    const call = gold.getPrice('XAU');
    call.catch(() => undefined);
    calls.push({ at: elapsed, call });
    await clock.advance(step);
  }
  return calls;
}
