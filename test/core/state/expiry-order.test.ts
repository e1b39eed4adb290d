import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { manualClock, type ManualClock } from '../../../src/testing/index.js';
import { A, pause, scene, testStore, timersOf, watch } from '../scene.js';

/** Many clients on one clock, each with a life of its own; `ended` tells when each lost its key. */
async function clients(
  clock: ManualClock,
  lives: number[],
): Promise<{ all: KeyedClient[]; ended: Map<number, number> }> {
  const ended = new Map<number, number>();
  const from = clock.monotonic();
  const all: KeyedClient[] = [];
  for (const ttl of lives) {
    const keyProvider = testStore(clock, { current: A });
    const client = new KeyedClient({ keyProvider, clock, ttl, ttlJitter: 0, refreshAhead: 0, staleIfError: 0 });
    client.on('evicted', () => ended.set(ttl, clock.monotonic() - from));
    await client.prefetch();
    all.push(client);
  }
  return { all, ended };
}

/** The numbers from 1 to `count`, in an order that is neither up nor down. */
const mixed = (count: number): number[] => Array.from({ length: count }, (_, index) => ((index * 17) % count) + 1);

describe('many keys on one clock', () => {
  it('end each at its own moment, whatever the order they came in', async () => {
    const clock = manualClock();
    const lives = mixed(41).map((part) => part * 100);
    const { ended } = await clients(clock, lives);

    await clock.advance(10_000);

    expect(ended).toEqual(new Map(lives.toSorted((a, b) => a - b).map((ttl) => [ttl, ttl])));
    expect([...ended.keys()]).toEqual(lives.toSorted((a, b) => a - b));
  });

  it('end on time although others have gone before theirs, and others come', async () => {
    const clock = manualClock();
    const lives = mixed(41).map((part) => part * 100);
    const { all, ended } = await clients(clock, lives);
    const left = lives.filter((_, index) => index % 3 !== 0);
    await Promise.all(all.filter((_, index) => index % 3 === 0).map((client) => client.close()));
    const more = await clients(clock, [50, 2_550, 5_050]);

    await clock.advance(10_000);

    expect([...ended.entries()]).toEqual(left.toSorted((a, b) => a - b).map((ttl) => [ttl, ttl]));
    expect([...more.ended.entries()]).toEqual([
      [50, 50],
      [2_550, 2_550],
      [5_050, 5_050],
    ]);
  });

  it('end on time although a client that never had a key is closed meanwhile', async () => {
    const clock = manualClock();
    const { ended } = await clients(clock, [100, 300, 200]);
    const idle = new KeyedClient({ keyProvider: testStore(clock, { current: A }), clock });
    await idle.close();
    await clock.advance(10_000);

    expect([...ended.entries()]).toEqual([
      [100, 100],
      [200, 200],
      [300, 300],
    ]);
  });

  it('share one timer at a time, which holds no process, and leave none behind', async () => {
    const clock = manualClock();
    const timers = timersOf(clock);
    const set = clock.setTimeout.bind(clock);
    const open = new Set<object>();
    clock.setTimeout = (callback, ms, options) => {
      const own = {};
      if (options?.unref === true) open.add(own);
      const ring = (): void => {
        open.delete(own);
        callback();
      };
      const timer = set(ring, ms, options);
      const cancel = (): void => {
        open.delete(own);
        timer.cancel();
      };
      return { cancel };
    };
    const { all } = await clients(clock, [300, 100, 200]);
    const before = open.size;
    await clock.advance(150);
    const during = open.size;
    // A key that is loaded again moves, whether it is the next to end or not.
    for (const client of all) await client.reload();
    await Promise.all(all.map((client) => client.close()));

    expect([before, during, open.size]).toEqual([1, 1, 0]);
    expect(timers.filter(({ holds }) => !holds).map(({ ms }) => ms)).toEqual([300, 100, 100, 100, 200]);
  });
});

describe('many deadlines on one clock', () => {
  it('pass each at its own moment, and set a timer only where it is the next', async () => {
    const clock = manualClock();
    const keyProvider = testStore(clock, { current: A });
    const client = new KeyedClient({ keyProvider, clock });
    await client.prefetch();
    const timers = timersOf(clock);
    const calls = [300, 100, 200, 100].map((timeout) =>
      watch(
        clock,
        client.withKey(() => pause(clock, 10_000), { timeout }),
      ),
    );
    const own = timers.filter(({ ms }) => ms < 10_000).length;
    await clock.advance(1_000);

    expect(calls.map(({ at }) => at)).toEqual([301, 101, 201, 101]);
    expect(own).toBe(2);
  });
});

describe('a key whose timers are late', () => {
  it.each<[string, (clock: ManualClock, ms: number) => void]>([
    [
      'the monotonic clock',
      (clock, ms) => {
        const monotonic = clock.monotonic.bind(clock);
        clock.monotonic = () => monotonic() + ms;
      },
    ],
    ['the wall clock', (clock, ms) => clock.freeze(ms)],
  ])('is not used past its end by %s, and is zeroed when next looked at', async (_, move) => {
    const states: unknown[] = [];
    for (const ms of [14_999, 15_000]) {
      const { clock, client } = scene({ ttl: 10_000, refreshAhead: 0, staleIfError: 5_000 });
      const reasons: string[] = [];
      client.on('evicted', ({ reason }) => reasons.push(reason));
      await client.prefetch();
      move(clock, ms);
      states.push([client.status().state, reasons]);
    }

    expect(states).toEqual([
      ['stale', []],
      ['empty', ['expired']],
    ]);
  });
});
