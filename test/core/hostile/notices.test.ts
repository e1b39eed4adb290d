import { describe, expect, it } from 'vitest';
import { A, B, busy, loadsOf, scene, watch, type Scene } from './scene.js';

interface Noticed extends Scene {
  notice(): void;
  ended(): number;
}

function noticed(options: object = {}): Noticed {
  const play = scene(options);
  let notice: (() => void) | undefined;
  let ended = 0;
  play.store.subscribe = async (onChange) => {
    notice = () => onChange({});
    return async () => void ended++;
  };
  return { ...play, notice: () => notice?.(), ended: () => ended };
}

describe('a notice of a change', () => {
  it('is followed by one load within a second, however many come', async () => {
    const { clock, store, call, notice, api } = noticed();
    await call();
    store.put('current', B);
    api.live.add(B);

    for (let index = 0; index < 100; index++) notice();
    const from = clock.monotonic();
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(2);
    expect((loadsOf(store)[1] ?? 0) - from).toBeLessThanOrEqual(1_000);
    expect(await call()).toBe(`price by ${B}`);
  });

  it('comes again and again: at most one load a second', async () => {
    const { clock, store, call, notice } = noticed();
    await call();

    for (let index = 0; index < 500; index++) {
      notice();
      await clock.advance(20);
    }
    await clock.advance(2_000);

    const at = loadsOf(store).slice(1);
    expect(at.length).toBeLessThanOrEqual(12);
    expect(at.slice(1).every((moment, index) => moment - (at[index] ?? 0) >= 1_000)).toBe(true);
  });

  it('during a load is followed by one more', async () => {
    const { clock, store, call, client, notice } = noticed();
    await call();
    store.latency = 3_000;
    watch(clock, client.reload());
    await clock.advance(10);
    notice();
    await clock.advance(10_000);

    expect(loadsOf(store)).toHaveLength(3);
  });

  it('ends the cooldown when the bytes have changed', async () => {
    const { clock, store, api, call, notice } = noticed();
    await call();
    api.live.clear();
    await call().catch(() => undefined);
    await clock.advance(500);
    store.put('current', B);
    notice();
    await clock.advance(1_000);

    await expect(call()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });

    expect(api.calls.at(-1)).toBe(B);
    expect(loadsOf(store)).toHaveLength(4);
  });

  it('after close asks nobody, and the subscription has ended', async () => {
    const { clock, store, call, client, notice, ended } = noticed();
    await call();
    notice();

    await client.close();
    notice();
    await clock.advance(5_000);

    expect(loadsOf(store)).toHaveLength(1);
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
