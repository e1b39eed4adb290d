import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { fileRing, fromKeyRing, RingConflictError, type KeyRingDocument } from '../../../src/rotation/index.js';
import { recordRejection } from '../../../src/rotation/ring/write-ring.js';
import { PriceDesk } from '../../core/helpers.js';
import { host, nextLife } from '../fleet.js';
import { memoryRing, NEW, OLD, ringOf } from '../rings.js';
import { NAME, ringScene, type RingScene } from '../scene.js';

const conflict = (): Error => new RingConflictError('Somebody was faster.');

/** A ring with v2 on trial with this share. */
async function trial(percent: number): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.manager().stage(NEW);
  await scene.manager().canary(percent);
  return scene;
}

describe('the share of a canary', () => {
  it('is within four standard errors over 10,000 random instance ids, and raising it moves nobody out', async () => {
    const scene = await trial(10);
    const ids = Array.from({ length: 10_000 }, () => randomUUID());
    // The provider of each percentage is shared: what differs is the id.
    const taking: Array<Set<string>> = [];
    for (const percent of [1, 10, 50]) {
      await scene.manager().canary(percent);
      const keyProvider = fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher });
      const clients = ids.map((instanceId) => new KeyedClient({ keyProvider, clock: scene.clock, instanceId }));
      await clients[0]?.prefetch();
      const uses = await Promise.all(clients.map((client) => client.withKey(({ stage }) => Promise.resolve(stage))));
      taking.push(new Set(ids.filter((_, index) => uses[index] === 'pending')));
    }

    for (const [index, percent] of [1, 10, 50].entries()) {
      const error = 4 * Math.sqrt(ids.length * (percent / 100) * (1 - percent / 100));
      expect(Math.abs((taking[index]?.size ?? 0) - (ids.length * percent) / 100)).toBeLessThanOrEqual(error);
    }
    expect([...(taking[0] ?? [])].filter((id) => taking[1]?.has(id) !== true)).toEqual([]);
    expect([...(taking[1] ?? [])].filter((id) => taking[2]?.has(id) !== true)).toEqual([]);
  });
});

describe('a staged key that the price API refuses', () => {
  it('fails no call at 10 %, and is used by nobody after three refusals each', async () => {
    const scene = await trial(10);
    const desk = new PriceDesk(OLD);
    const hosts = Array.from({ length: 60 }, (_, index) =>
      host(scene, desk, {}, { instanceId: `host-${String(index)}` }),
    );

    const ends: string[] = [];
    for (let round = 0; round < 10; round++) {
      for (const each of hosts) ends.push(...(await each.calls(1)));
    }

    const tried = hosts.map(({ ran }) => ran.filter((version) => version === 'v2').length);
    expect(new Set(ends)).toEqual(new Set(['v1']));
    expect(new Set(tried)).toEqual(new Set([0, 3]));
    expect(hosts.flatMap(({ events }) => events).filter((event) => event === 'rollout-reverted')).toHaveLength(
      tried.filter((count) => count > 0).length,
    );
  });

  it('stays out for this canary, also when its share is raised, and is tried again in another', async () => {
    const scene = await trial(50);
    const desk = new PriceDesk(OLD);
    const { calls, ran } = host(scene, desk, {}, { instanceId: 'host-1' });
    await scene.manager().canary(100);
    await calls(5);
    const first = ran.filter((version) => version === 'v2').length;

    await scene.manager().canary(99);
    await nextLife(scene);
    await calls(3);
    const same = ran.filter((version) => version === 'v2').length;
    await scene.manager().canary(0);
    await scene.manager().canary(100);
    desk.live.add(NEW);
    await nextLife(scene);

    expect([first, same]).toEqual([3, 3]);
    expect((await calls(3)).at(-1)).toBe('v2');
  });

  it('is kept while it works most of the time: two refusals of twenty', async () => {
    const scene = await trial(100);
    const desk = new PriceDesk(OLD, NEW);
    const { calls, ran, events } = host(scene, desk);

    for (let round = 0; round < 5; round++) {
      desk.live.delete(NEW);
      await calls(2);
      desk.live.add(NEW);
      await calls(19);
    }

    expect(events).not.toContain('rollout-reverted');
    expect(ran.at(-1)).toBe('v2');
  });

  it('is recorded as given up once by a fleet of 20, after which nobody tries it', async () => {
    const scene = await trial(100);
    const { ring } = (await scene.store.read()) as { ring: KeyRingDocument };
    const store = memoryRing(conflict);
    store.ring = ring;
    const desk = new PriceDesk(OLD);
    const hosts = Array.from({ length: 20 }, () => host(scene, desk, { ring: store, reportRejections: true }));
    const writes: Array<string | undefined> = [];
    const { write } = store;
    store.write = async (next, ...rest) => {
      await write(next, ...rest);
      writes.push(next.rollout?.revertedAt);
    };

    const ends = (await Promise.all(hosts.map(({ calls }) => calls(4)))).flat();
    await new Promise((resolve) => setImmediate(resolve));
    const late = host(scene, desk, { ring: store });

    expect(new Set(ends)).toEqual(new Set(['v1']));
    expect(writes).toEqual([expect.stringMatching(/^\d{4}-.*Z$/)]);
    expect(store.ring?.revision).toBe(ring.revision + 1);
    expect(await late.calls(2)).toEqual(['v1', 'v1']);
    expect(late.ran).not.toContain('v2');
  });

  it('is recorded once although the answer to the write is lost', async () => {
    const scene = await trial(100);
    const before = await ringOf(scene);
    let writes = 0;
    const store = {
      ...scene.store,
      async write(...args: Parameters<typeof scene.store.write>) {
        writes++;
        await scene.store.write(...args);
        throw conflict();
      },
    };

    await recordRejection({ store, name: NAME, ciphers: [scene.cipher] }, 'v2', before.rollout?.id);

    expect(writes).toBe(1);
    expect(await ringOf(scene)).toMatchObject({
      revision: before.revision + 1,
      rollout: { revertedAt: expect.any(String) as unknown },
    });
  });

  it('is not recorded without `reportRejections`', async () => {
    const scene = await trial(100);
    const before = await ringOf(scene);

    await host(scene, new PriceDesk(OLD)).calls(5);

    expect(await ringOf(scene)).toEqual(before);
  });

  it('is not recorded against a canary that was started anew since', async () => {
    const scene = await trial(100);
    const { rollout: old } = await ringOf(scene);
    await scene.manager().canary(0);
    await scene.manager().canary(50);
    const before = await ringOf(scene);
    const source = { store: scene.store, name: NAME, ciphers: [scene.cipher] };

    await recordRejection(source, 'v2', old?.id);
    const untouched = await ringOf(scene);
    await recordRejection(source, 'v2', before.rollout?.id);

    expect(untouched).toEqual(before);
    expect((await ringOf(scene)).rollout).toHaveProperty('revertedAt');
  });
});

describe('a price API that refuses every key', () => {
  it('turns no canary off', async () => {
    const scene = await trial(100);
    const desk = new PriceDesk(OLD, NEW);
    const { calls, events, ran } = host(scene, desk, { reportRejections: true });
    await calls(2);

    desk.rotateTo();
    const during = await calls(50);
    desk.rotateTo(OLD, NEW);
    await nextLife(scene);
    const after = await calls(3);

    expect(new Set(during)).toEqual(new Set(['ERR_GOLDKEY_REJECTED']));
    expect(after).toEqual(['v2', 'v2', 'v2']);
    expect(ran.at(-1)).toBe('v2');
    expect(events).not.toContain('rollout-reverted');
    expect((await ringOf(scene)).rollout).not.toHaveProperty('revertedAt');
  });
});

describe('a client that may only read the ring', () => {
  it('gives up by itself when it cannot record that it did', async () => {
    const scene = await trial(100);
    const readOnly = { ...fileRing(scene.path), write: () => Promise.reject(new Error('EROFS')) };
    const { calls, ran, events } = host(scene, new PriceDesk(OLD), { ring: readOnly, reportRejections: true });

    expect(new Set(await calls(6))).toEqual(new Set(['v1']));
    expect(ran.filter((version) => version === 'v2')).toHaveLength(3);
    expect(events).toContain('rollout-reverted');
  });
});
