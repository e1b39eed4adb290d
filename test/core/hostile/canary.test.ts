import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyedClient } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, C, loadsOf, scene, testApi, testStore, watch, type Scene } from '../scene.js';

/** `current` is A, `pending` is B, and this client's instance is in the canary from 1 % on or not at all. */
function canary(percent: number, more: object = {}): Scene {
  const play = scene(more, { current: A, pending: B });
  play.store.roll({ id: 'one', pendingPercent: percent });
  return play;
}

async function keys({ clock, call }: Scene, count: number, every = 10): Promise<string[]> {
  const used: string[] = [];
  for (let index = 0; index < count; index++) {
    const one = watch(clock, call());
    await clock.advance(every);
    used.push(one.value?.slice('price by '.length) ?? String(one.error));
  }
  return used;
}

describe('a canary', () => {
  it.each([0, 1, 10, 50, 99, 100])(
    'of %i % reaches about so many instances, and raising it moves nobody out',
    async (percent) => {
      const clock = manualClock();
      const store = testStore(clock, { current: A, pending: B });
      const api = testApi(clock, A, B);
      const more = testStore(clock, { current: A, pending: B });
      store.roll({ id: 'one', pendingPercent: percent });
      more.roll({ id: 'one', pendingPercent: Math.min(100, percent + 10) });
      const count = 1_000;
      let taking = 0;
      let movedOut = 0;
      for (let index = 0; index < count; index++) {
        const instanceId = `instance-${String(index)}`;
        const uses: string[] = [];
        for (const keyProvider of [store, more]) {
          const client = new KeyedClient({ keyProvider, clock, instanceId });
          await client.prefetch();
          uses.push(await client.withKey(api.fetch));
          if (index === count - 1) await client.close();
        }
        if (uses[0]?.endsWith(B) === true) {
          taking++;
          if (uses[1]?.endsWith(B) !== true) movedOut++;
        }
      }

      const error = 4 * Math.sqrt((percent / 100) * (1 - percent / 100) * count);
      expect(Math.abs(taking - (count * percent) / 100)).toBeLessThanOrEqual(error);
      expect(movedOut).toBe(0);
    },
  );

  it('refused three times, with `current` then succeeding, is left for good and said so once', async () => {
    const play = canary(100);
    const { store, api, client } = play;
    const reports: unknown[] = [];
    const events: unknown[] = [];
    store.report = async (refusal) => void reports.push(refusal);
    client.on('rollout-reverted', (event) => events.push(event));
    await client.prefetch();
    api.live.delete(B);

    const used = await keys(play, 10);

    expect(used).toEqual(Array.from({ length: 10 }, () => A));
    expect(api.calls.filter((key) => key === B)).toHaveLength(3);
    expect(loadsOf(store, 'pending')).toHaveLength(1);
    expect(reports).toEqual([{ version: 'v2', rejections: 3 }]);
    expect(events).toHaveLength(1);
  });

  it('refused while `current` is refused too is not left', async () => {
    const play = canary(100);
    const { api, client } = play;
    await client.prefetch();
    api.live.clear();
    await keys(play, 10);
    api.live.add(A);
    api.live.add(B);

    expect(await keys(play, 1)).toEqual([B]);
  });

  it('left by one client is still used by another', async () => {
    const clock = manualClock();
    const store = testStore(clock, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    const api = testApi(clock, A);
    const one = new KeyedClient({ keyProvider: store, clock, instanceId: 'one' });
    const two = new KeyedClient({ keyProvider: store, clock, instanceId: 'two' });
    await one.prefetch();
    for (let index = 0; index < 5; index++) await one.withKey(api.fetch);
    api.live.add(B);

    expect(await one.withKey(api.fetch)).toContain(A);
    expect(await two.withKey(api.fetch)).toContain(B);
  });

  it('taken back to 0 % is left within the life of a key', async () => {
    const play = canary(100, { ttl: 10_000 });
    await play.client.prefetch();
    const before = await keys(play, 3);
    play.store.roll({ id: 'one', pendingPercent: 0 });

    await keys(play, 30, 1_000);

    expect(before).toEqual([B, B, B]);
    expect(await keys(play, 3)).toEqual([A, A, A]);
  });

  it('started anew under another id is joined again after it was left', async () => {
    const play = canary(100, { ttl: 10_000 });
    const { store, api, client } = play;
    await client.prefetch();
    api.live.delete(B);
    await keys(play, 5);
    store.put('pending', C);
    api.live.add(C);
    store.roll({ id: 'two', pendingPercent: 100 });
    await client.reload();

    await keys(play, 3, 5_000);

    expect(await keys(play, 3)).toEqual([C, C, C]);
  });

  it('whose key cannot be loaded, for a while or for good, falls back on `current`', async () => {
    for (const failure of [() => new Error('down'), () => new KeyAccessDeniedError('no')]) {
      const play = canary(100);
      const { store, client } = play;
      await client.prefetch();
      const load = store.load.bind(store);
      store.load = async (request) => {
        if (request.stage === 'pending') throw failure();
        return load(request);
      };

      expect(await keys(play, 3)).toEqual([A, A, A]);
    }
  });

  it('promoted becomes current without a lost call', async () => {
    const play = canary(100, { ttl: 10_000 });
    const { store, client } = play;
    await client.prefetch();
    await keys(play, 3);
    store.put('current', B);
    store.put('previous', A);
    store.put('pending', undefined);
    store.roll({ id: 'one', pendingPercent: 0 });

    const used = await keys(play, 40, 1_000);

    expect(new Set(used.slice(10))).toEqual(new Set([B]));
    expect(client.status().counts.rejections).toBe(0);
  });
});
