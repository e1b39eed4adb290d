import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadsOf, refusal, scene, timersOf, watch, type Scene } from '../scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Subscribed extends Scene {
  notice(change?: object): void;
  readonly attempts: number[];
  readonly ended: number[];
}

/** A client whose store takes a subscription after so many attempts. */
function subscribed(failures = 0, draw = 0): Subscribed {
  vi.spyOn(Math, 'random').mockReturnValue(draw);
  const play = scene();
  const attempts: number[] = [];
  const ended: number[] = [];
  let tell = (_change: object | undefined): void => undefined;
  play.store.subscribe = async (onChange) => {
    attempts.push(play.clock.monotonic() - 1);
    if (attempts.length <= failures) throw new Error('no events');
    tell = (change) => onChange(change as { version?: string });
    return async () => void ended.push(play.clock.monotonic() - 1);
  };
  return { ...play, attempts, ended, notice: (change) => tell(change) };
}

/** Subscribes a client that has had its key for ten seconds; what it asked the store for up to then is not counted. */
async function subscribedForLong(failures: number, draw: number): Promise<Subscribed> {
  const play = subscribed(failures, draw);
  await play.client.prefetch();
  await play.clock.advance(10_000);
  play.store.asked.length = 0;
  return play;
}

describe('a subscription', () => {
  it('is made once, with the first load, and never before', async () => {
    const { clock, client, call, attempts } = subscribed();
    expect(attempts).toEqual([]);
    await clock.advance(500);
    await call();
    await clock.advance(5_000);
    await client.reload();
    await clock.advance(1_000);
    await client.reload();

    expect(attempts).toEqual([500]);
  });

  it('that fails is made again after 1, 2, 4 … and then every 30 s, by timers that hold no process', async () => {
    const play = subscribed(8);
    const timers = timersOf(play.clock);
    await play.client.prefetch();
    for (let second = 0; second < 150; second++) await play.clock.advance(1_000);

    expect(play.attempts).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    const pauses = timers.filter(({ ms }) => [1_000, 2_000, 4_000, 8_000, 16_000, 30_000].includes(ms));
    expect(pauses.length).toBeGreaterThanOrEqual(8);
    expect(pauses.map(({ holds }) => holds)).not.toContain(true);
  });

  it('that fails starts no second chain of attempts with the loads that come meanwhile', async () => {
    const play = subscribed(2);
    await play.client.prefetch();
    await play.clock.advance(100);
    await play.client.reload();
    await play.clock.advance(5_000);

    expect(play.attempts).toEqual([0, 1_000, 3_000]);
  });

  it('is not made again after the close', async () => {
    const play = subscribed(10);
    await play.client.prefetch();
    await play.client.close();
    await play.clock.advance(60_000);

    expect(play.attempts).toEqual([0]);
  });

  it('ends with the client, once, also when it was still being made', async () => {
    const ends: unknown[] = [];
    for (const late of [false, true]) {
      const play = subscribed();
      const { store, clock, client } = play;
      const subscribe = store.subscribe?.bind(store);
      store.subscribe = async (onChange) => {
        if (late) await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
        return subscribe?.(onChange) as Promise<() => Promise<void>>;
      };
      await client.prefetch();
      await client.close();
      await clock.advance(5_000);
      ends.push([play.ended, loadsOf(store).length]);
    }

    expect(ends).toEqual([
      [[0], 1],
      [[100], 1],
    ]);
  });
});

describe('notices of changes', () => {
  it.each([
    [0, 0],
    [0.25, 250],
    [0.9995, 1_000],
  ])('drawn at %d are followed by a load after %i ms', async (draw, wait) => {
    const play = await subscribedForLong(0, draw);
    const { clock, store } = play;
    const from = clock.monotonic();
    play.notice();
    play.notice();
    await clock.advance(Math.max(wait - 1, 0));
    if (wait > 0) expect(store.asked).toEqual([]);
    await clock.advance(1);
    await clock.advance(5_000);

    expect(loadsOf(store).map((at) => at - from)).toEqual([wait]);
  });

  it('are followed by a load that holds no process, and that says which version is held', async () => {
    const play = await subscribedForLong(0, 0);
    const { clock, store } = play;
    const timers = timersOf(clock);
    play.notice();
    await clock.advance(1_000);

    expect(store.asked.map(({ known }) => known)).toEqual([['v1']]);
    expect(timers.some(({ holds }) => holds)).toBe(false);
  });

  it('during a load are answered by the `reload()` that waits for its end', async () => {
    const play = await subscribedForLong(0, 0);
    const { clock, client, store } = play;
    store.latency = 100;
    play.notice();
    await clock.advance(10);
    watch(clock, client.reload());
    await clock.advance(1);
    play.notice();
    store.latency = 2_000;
    await clock.advance(10_000);

    expect(loadsOf(store)).toHaveLength(3);
  });

  it('during a load that the close ends are followed by none', async () => {
    const play = subscribed(0, 0);
    const { clock, client, store } = play;
    await client.prefetch();
    await clock.advance(10_000);
    store.latency = 1_000;
    watch(clock, client.reload());
    await clock.advance(10);
    play.notice();
    await clock.advance(10);
    const before = loadsOf(store).length;
    watch(clock, client.close({ signal: AbortSignal.abort() }));
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(before);
  });

  it('that come one after the other are followed by loads a second apart', async () => {
    const play = await subscribedForLong(0, 0);
    const { clock, store } = play;
    const from = clock.monotonic();
    for (let step = 0; step < 35; step++) {
      play.notice();
      await clock.advance(100);
    }
    await clock.advance(5_000);

    expect(loadsOf(store).map((at) => at - from)).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
  });

  it('wait by timers that hold no process, and are forgotten with the close', async () => {
    const play = subscribed(0, 0.5);
    const { clock, client, store } = play;
    await client.prefetch();
    await clock.advance(10_000);
    const timers = timersOf(clock);
    play.notice();
    expect(timers).toEqual([{ ms: 500, holds: false }]);
    const before = loadsOf(store).length;
    const closing = watch(clock, client.close());
    play.notice();
    await clock.advance(5_000);

    expect(closing.state).toBe('resolved');
    expect(loadsOf(store)).toHaveLength(before);
  });

  it.each<[string, object | undefined, number]>([
    ['that is not held', { version: 'v2' }, 1],
    ['that is held', { version: 'v1' }, 0],
    ['that is no text', { version: 2 }, 0],
    ['left out', {}, 0],
    ['left out, with all else', undefined, 0],
  ])('with a version %s lets the next refusal ask the store at once, or not: %j', async (_, change, loads) => {
    const play = subscribed(0, 0.9);
    const { clock, client, store } = play;
    const refuse = (): Promise<unknown> => client.withKey(() => Promise.reject(refusal())).catch(() => undefined);
    await client.prefetch();
    await clock.advance(10_000);
    await refuse();
    const before = loadsOf(store).length;
    play.notice(change);
    await refuse();

    expect(loadsOf(store).length - before).toBe(loads);
  });
});
