import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallTimeoutError } from '../../../src/core/index.js';
import { firstAvailable, PriceApiError, type PriceClient, type Quote } from '../../../src/prices/index.js';
import { manualClock, type ManualClock } from '../../../src/testing/index.js';
import { runs } from '../../core/property/jitter.js';
import { fault, quoteOf } from './desk.js';

/** What one client does in one call: after `ms` (`Infinity`: never) it answers, or fails with an error of `kind`. */
interface Turn {
  ms: number;
  kind: 'ok' | 'bad-request' | 'quota' | 'transient';
  retryAfter: number | undefined;
}
interface Plan {
  /** Before the call, in ms. */
  pause: number;
  timeout: number;
  turns: readonly Turn[];
}

const CLIENTS = 3;
const turn: fc.Arbitrary<Turn> = fc.record({
  ms: fc.constantFrom(0, 0, 0, 700, 2_500, Infinity),
  kind: fc.constantFrom('ok', 'ok', 'bad-request', 'quota', 'transient'),
  retryAfter: fc.constantFrom(undefined, undefined, 500, 20_000),
});
const plan: fc.Arbitrary<Plan> = fc.record({
  pause: fc.constantFrom(0, 0, 1, 900, 4_000, 9_999),
  timeout: fc.constantFrom(1, 10, 1_000, 3_000, 9_000),
  turns: fc.array(turn, { minLength: CLIENTS, maxLength: CLIENTS }),
});
const plans = fc.array(plan, { minLength: 1, maxLength: 12 });
const cooldowns = fc.constantFrom(0, 5_000, 30_000);

const turnOf = (all: readonly Plan[], call: number, client: number): Turn => (all[call] as Plan).turns[client] as Turn;

interface Asked {
  client: number;
  from: number;
  to: number;
  timeout: number;
}

/** Clients that do in each call what its plan says; a call is known by its metal. */
class World {
  readonly clock: ManualClock = manualClock();
  readonly asked: Asked[][] = [];
  readonly clients: readonly PriceClient[];

  constructor(all: readonly Plan[]) {
    this.clients = Array.from({ length: CLIENTS }, (_, client) => ({
      getPrice: async (query, { signal, timeout = 0 } = {}) => {
        const call = Number(query);
        const { ms, kind, retryAfter } = turnOf(all, call, client);
        const asked: Asked = { client, from: this.clock.monotonic(), to: Infinity, timeout };
        (this.asked[call] ??= []).push(asked);
        try {
          await this.#spend(ms, timeout, signal as AbortSignal);
          if (kind !== 'ok') throw fault(kind, retryAfter);
          return quoteOf(String(client), String(call));
        } finally {
          asked.to = this.clock.monotonic();
        }
      },
      getPrices: () => Promise.reject(new Error('not asked')),
    }));
  }

  #spend(ms: number, timeout: number, signal: AbortSignal): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = ms >= timeout;
      const end = (): void => (late ? reject(new CallTimeoutError('late')) : resolve());
      const timer = this.clock.setTimeout(end, late ? timeout : ms);
      signal.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });
  }
}

interface Settled {
  quote?: Quote;
  error?: unknown;
  times: number;
  at: number;
}

function watch(world: World, promise: Promise<Quote>): Settled {
  const settled: Settled = { times: 0, at: Infinity };
  const end = (): void => {
    settled.times++;
    settled.at = world.clock.monotonic();
  };
  promise.then(
    (quote) => void ((settled.quote = quote), end()),
    (error: unknown) => void ((settled.error = error), end()),
  );
  return settled;
}

/** The order and the answer of calls that come one after the other, said once more in other words. */
function expected(all: readonly Plan[], cooldown: number): Array<{ order: number[]; answer: string; took: number }> {
  const restUntil = Array.from({ length: CLIENTS }, () => -Infinity);
  let now = 1;
  return all.map(({ pause, timeout, turns }) => {
    now += pause;
    const start = now;
    const order: number[] = [];
    let answer: string | undefined;
    let late = false;
    while (answer === undefined && !late && order.length < CLIENTS) {
      const left = restUntil.map((_, client) => client).filter((client) => !order.includes(client));
      const client = left.find((one) => now >= (restUntil[one] ?? 0)) ?? (left[0] as number);
      order.push(client);
      const remaining = start + timeout - now;
      const share = Math.max(1, Math.floor(remaining / left.length));
      const { ms, kind, retryAfter } = turns[client] as Turn;
      const isSlow = ms > 0 && ms >= share;
      now += isSlow ? Math.min(share, remaining) : ms;
      late = now >= start + timeout && (isSlow || ms > 0);
      if (!isSlow && kind === 'ok' && !late) {
        answer = String(client);
        restUntil[client] = -Infinity;
      } else if (cooldown > 0 && (isSlow || late || kind !== 'bad-request')) {
        const wait = isSlow || late ? 0 : (retryAfter ?? 0);
        restUntil[client] = Math.max(restUntil[client] as number, now + Math.max(cooldown, wait));
      }
    }
    return { order, answer: answer ?? (late ? 'late' : 'none'), took: now - start };
  });
}

describe('however clients fail and hang', () => {
  it('calls one after the other ask in order, those that rest last, and come to what they must', async () => {
    await fc.assert(
      fc.asyncProperty(plans, cooldowns, async (all, cooldown) => {
        const world = new World(all);
        const gold = firstAvailable(world.clients, { clock: world.clock, cooldown });
        const came: unknown[] = [];
        for (const [index, { pause, timeout }] of all.entries()) {
          await world.clock.advance(pause);
          const start = world.clock.monotonic();
          const settled = watch(world, gold.getPrice(String(index), { timeout }));
          // In steps, so that the next call starts when this one has ended.
          for (let step = 0; step <= CLIENTS && settled.times === 0; step++) {
            await world.clock.advance(nextIn(world, index, all, start + timeout));
          }
          const { quote, error } = settled;
          const failed = error instanceof PriceApiError ? 'none' : 'late';
          if (error !== undefined)
            expect(error instanceof PriceApiError || error instanceof CallTimeoutError).toBe(true);
          came.push({
            order: world.asked[index]?.map(({ client }) => client),
            answer: quote?.source ?? failed,
            took: settled.at - start,
          });
        }

        expect(came).toEqual(expected(all, cooldown));
      }),
      runs(150),
    );
  });

  it('calls beside each other each end once, in time, and never ask two clients at once', async () => {
    await fc.assert(
      fc.asyncProperty(plans, cooldowns, async (all, cooldown) => {
        const unhandled: unknown[] = [];
        const hear = (reason: unknown): void => void unhandled.push(reason);
        process.on('unhandledRejection', hear);
        const world = new World(all);
        const gold = firstAvailable(world.clients, { clock: world.clock, cooldown });
        const calls: Array<{ start: number; settled: Settled }> = [];
        for (const [index, { pause, timeout }] of all.entries()) {
          await world.clock.advance(pause);
          calls.push({
            start: world.clock.monotonic(),
            settled: watch(world, gold.getPrice(String(index), { timeout })),
          });
        }
        await world.clock.advance(9_000);
        process.off('unhandledRejection', hear);

        expect(unhandled).toEqual([]);
        calls.forEach(({ start, settled }, index) => {
          const asked = world.asked[index] ?? [];
          expect(settled.times).toBe(1);
          expect(settled.at - start).toBeLessThanOrEqual(all[index]?.timeout ?? 0);
          expect(new Set(asked.map(({ client }) => client)).size).toBe(asked.length);
          asked.slice(1).forEach(({ from }, place) => expect(from).toBeGreaterThanOrEqual(asked[place]?.to ?? NaN));
          expect(asked.every(({ to }) => to <= settled.at)).toBe(true);
          const last = asked.at(-1)?.client;
          if (settled.quote !== undefined) expect(settled.quote).toEqual(quoteOf(String(last), String(index)));
          else if (settled.error instanceof PriceApiError) expect(asked).toHaveLength(CLIENTS);
          else expect(settled.error).toBeInstanceOf(CallTimeoutError);
        });
      }),
      runs(150),
    );
  });
});

/** How long until something happens to a call: its client's turn is over, or its time. */
function nextIn(world: World, call: number, all: readonly Plan[], due: number): number {
  const now = world.clock.monotonic();
  const asked = world.asked[call]?.at(-1);
  if (asked === undefined || asked.to < Infinity) return 0;
  const { ms } = turnOf(all, call, asked.client);
  return Math.max(0, Math.min(asked.from + Math.min(ms, asked.timeout), due) - now);
}
