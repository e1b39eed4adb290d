import { describe, expect, it } from 'vitest';
import { A, B, busy, loadsOf, scene, timersOf, watch, type Scene } from '../scene.js';

interface Noticed extends Scene {
  notice(): void;
  ended(): number;
}

/** A client that has heard of its store once: the connection itself counts as a notice. */
async function noticed(options: object = {}): Promise<Noticed> {
  const play = scene(options);
  let notice: (() => void) | undefined;
  let ended = 0;
  play.store.subscribe = async (onChange) => {
    notice = () => onChange({});
    return async () => void ended++;
  };
  await play.call();
  await play.clock.advance(2_000);
  play.store.asked.length = 0;
  return { ...play, notice: () => notice?.(), ended: () => ended };
}

describe('a notice of a change', () => {
  it('is followed by one load within a second, however many come', async () => {
    const { clock, store, call, notice, api } = await noticed();
    store.put('current', B);
    api.live.add(B);

    for (let index = 0; index < 100; index++) notice();
    const from = clock.monotonic();
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(1);
    expect((loadsOf(store)[0] ?? 0) - from).toBeLessThanOrEqual(1_000);
    expect(await call()).toBe(`price by ${B}`);
  });

  it('comes again and again: at most one load a second', async () => {
    const { clock, store, notice } = await noticed();

    for (let index = 0; index < 500; index++) {
      notice();
      await clock.advance(20);
    }
    await clock.advance(2_000);

    const at = loadsOf(store);
    expect(at.length).toBeLessThanOrEqual(12);
    expect(at.slice(1).every((moment, index) => moment - (at[index] ?? 0) >= 1_000)).toBe(true);
  });

  it('during a load is followed by one more', async () => {
    const { clock, store, client, notice } = await noticed();
    store.latency = 3_000;
    watch(clock, client.reload());
    await clock.advance(10);
    notice();
    await clock.advance(10_000);

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('ends the cooldown when the bytes have changed', async () => {
    const { clock, store, api, call, notice } = await noticed();
    api.live.clear();
    await call().catch(() => undefined);
    await clock.advance(500);
    store.put('current', B);
    notice();
    await clock.advance(1_000);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });

    expect(api.calls.at(-1)).toBe(B);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('is also what each connection counts as: what changed before it was not told', async () => {
    const { store, clock, call } = scene();
    store.subscribe = async () => async () => undefined;
    await call();

    await clock.advance(1_000);

    expect(loadsOf(store)).toHaveLength(2);
  });

  it('asks with what is known, behind the back of everybody', async () => {
    const { clock, store, notice } = await noticed({ keyTimeout: 4_321 });
    const timers = timersOf(clock);
    notice();
    await clock.advance(5_000);

    expect(store.asked.map(({ known }) => known)).toEqual([['v1']]);
    expect(timers.map(({ holds }) => holds)).not.toContain(true);
  });

  it('during a load that `reload()` follows up is content with that', async () => {
    const { clock, store, client, notice } = await noticed();
    store.latency = 3_000;
    client.evict();
    watch(clock, client.prefetch());
    await clock.advance(10);
    const reload = watch(clock, client.reload());
    notice();
    await clock.advance(20_000);

    expect(reload.state).toBe('resolved');
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('that waits for a load when the client closes asks nobody', async () => {
    const { clock, store, client, notice } = await noticed();
    store.latency = 3_000;
    watch(
      clock,
      client.reload().catch(() => undefined),
    );
    await clock.advance(10);
    notice();
    await clock.advance(1_000);
    await client.close();
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(1);
  });

  it('after close asks nobody, and the subscription has ended', async () => {
    const { clock, store, client, notice, ended } = await noticed();
    notice();

    await client.close();
    notice();
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(0);
    expect(ended()).toBe(1);
  });
});

describe('a subscription that fails', () => {
  it.each<[string, boolean]>([
    ['with the store', true],
    ['alone', false],
  ])('%s, for hours, is tried every 30 s and not more often', async (_, all) => {
    const { store, clock, call } = scene({ ttl: 60_000, refreshAhead: 0 });
    const attempts: number[] = [];
    store.subscribe = () => {
      attempts.push(clock.monotonic());
      return Promise.reject(new Error('no events'));
    };
    if (all) store.failure = busy;

    for (let step = 0; step < 720; step++) {
      watch(clock, call());
      await clock.advance(10_000);
    }

    const lastHour = attempts.filter((at) => at > 3_600_000).length;
    expect(lastHour).toBeGreaterThan(60);
    expect(lastHour).toBeLessThanOrEqual(125);
  });

  it('fails no call', async () => {
    const { store, call } = scene();
    store.subscribe = () => {
      throw new Error('no events');
    };

    expect(await call()).toContain(A);
  });

  it('counts as a change once it is there: what happened meanwhile is asked for', async () => {
    const { store, clock, api, call } = scene();
    let attempts = 0;
    store.subscribe = async () => {
      if (attempts++ === 0) throw new Error('not yet');
      return async () => undefined;
    };
    await call();
    await clock.advance(10);
    store.put('current', B);
    api.live.add(B);

    await clock.advance(3_000);

    expect(await call()).toBe(`price by ${B}`);
  });
});
