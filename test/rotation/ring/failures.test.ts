import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError } from '../../../src/index.js';
import { fileRing, fromKeyRing, RingConflictError } from '../../../src/rotation/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { counted, host, nextLife, settle, telling } from '../fleet.js';
import { failure, memoryRing, NEW, OLD, ringOf } from '../rings.js';
import { NAME, ringScene, type RingScene } from '../scene.js';

const conflict = (): Error => new RingConflictError('Somebody was faster.');

async function staged(percent: number): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.manager().stage(NEW);
  if (percent > 0) await scene.manager().canary(percent);
  return scene;
}

/** A cipher that may not decrypt one version. */
async function denied(scene: RingScene, version: string): Promise<ReturnType<typeof counted>> {
  const { ciphertext } = (await ringOf(scene)).versions[version] ?? {};
  const cipher = counted(scene.cipher);
  cipher.refuse = (asked) =>
    asked === ciphertext ? new KeyAccessDeniedError('Not for this reader.', { provider: 'local' }) : undefined;
  return cipher;
}

describe('a version that readers may not decrypt', () => {
  it('fails no call while it is on trial', async () => {
    const scene = await staged(100);
    const { calls } = host(scene, new PriceDesk(OLD, NEW), { cipher: await denied(scene, 'v2') });

    expect(await calls(10)).toEqual(Array.from({ length: 10 }, () => 'v1'));
  });

  it('fails no call once its promotion was forced: `previous` carries them', async () => {
    const scene = await staged(100);
    const cipher = await denied(scene, 'v2');
    const warm = host(scene, new PriceDesk(OLD, NEW), { cipher });
    await warm.calls(2);
    await scene.manager().promote({ force: true });
    const cold = host(scene, new PriceDesk(OLD, NEW), { cipher });

    expect(await cold.calls(3)).toEqual(['v1', 'v1', 'v1']);
    for (let life = 0; life < 3; life++) {
      await nextLife(scene);
      expect([...(await warm.calls(3)), ...(await cold.calls(3))]).toEqual(Array.from({ length: 6 }, () => 'v1'));
    }
  });

  it('drops only itself: the keys of the other stages stay in use', async () => {
    const scene = await staged(100);
    const cipher = counted(scene.cipher);
    const { calls, gold } = host(scene, new PriceDesk(OLD, NEW), { cipher }, { refreshAhead: 0 });
    await calls(2);
    const { ciphertext } = (await ringOf(scene)).versions['v2'] ?? {};

    cipher.refuse = (asked) =>
      asked === ciphertext ? new KeyAccessDeniedError('Taken away.', { provider: 'local' }) : undefined;
    await nextLife(scene);
    const evicted: unknown[] = [];
    gold.on('evicted', ({ version, reason }) => void evicted.push([version, reason]));
    const after = await calls(3);
    await gold.settled();

    expect(after).toEqual(['v1', 'v1', 'v1']);
    expect(evicted).toEqual([['v2', 'ERR_GOLDKEY_ACCESS_DENIED']]);
  });
});

describe('a key that the price API does not honour', () => {
  it('fails no call when its promotion was forced: `previous` carries them', async () => {
    const scene = await staged(0);
    const desk = new PriceDesk(OLD);
    const warm = host(scene, desk);
    await warm.calls(1);
    await scene.manager().promote({ force: true });
    const cold = host(scene, desk);

    for (let life = 0; life < 3; life++) {
      expect([...(await warm.calls(5)), ...(await cold.calls(5))]).toEqual(Array.from({ length: 10 }, () => 'v1'));
      await nextLife(scene);
    }
  });

  it('fails no call when the first use of the new key has ended the old one: `pending` carries them', async () => {
    const scene = await staged(0);
    const desk = new PriceDesk(OLD);
    const outside = host(scene, desk);
    await outside.calls(1);

    desk.rotateTo(NEW);
    const warm = await outside.calls(5);
    const cold = await host(scene, desk).calls(5);

    expect([...warm, ...cold]).toEqual(Array.from({ length: 10 }, () => 'v2'));
  });

  it('is not used as a last resort once the canary was reverted', async () => {
    const scene = await staged(10);
    const ring = await ringOf(scene);
    const rollout = { ...(ring.rollout as NonNullable<typeof ring.rollout>), revertedAt: '2026-11-22T12:00:00.000Z' };
    await scene.store.write({ ...ring, rollout, revision: ring.revision + 1, writeId: 'a client' }, ring);
    const { calls, ran } = host(scene, new PriceDesk());

    expect(await calls(2)).toEqual(['ERR_GOLDKEY_REJECTED', 'ERR_GOLDKEY_REJECTED']);
    expect(ran).not.toContain('v2');
  });

  it('keeps `previous` as a last resort after its overlap has ended, until it is retired', async () => {
    const scene = await staged(0);
    await scene.manager().promote({ overlap: 1 });
    await nextLife(scene);
    const desk = new PriceDesk(OLD);

    expect(await host(scene, desk).calls(1)).toEqual(['v1']);
    await scene.manager().retire();
    expect(await host(scene, desk).calls(1)).toEqual(['ERR_GOLDKEY_REJECTED']);
  });
});

describe('a change notice of the store', () => {
  it('brings a promotion to a fleet within two seconds, long before its keys expire', async () => {
    const scene = await staged(0);
    const { store, told } = telling(scene.store);
    const desk = new PriceDesk(OLD, NEW);
    const hosts = Array.from({ length: 10 }, () => host(scene, desk, { ring: store }, { ttl: 86_400_000 }));
    await Promise.all(hosts.map(({ calls }) => calls(1)));

    await scene.manager().promote();
    const before = await Promise.all(hosts.map(({ calls }) => calls(1)));
    told();
    await settle(scene, 2_000);
    const after = await Promise.all(hosts.map(({ calls }) => calls(1)));

    expect(new Set(before.flat())).toEqual(new Set(['v1']));
    expect(new Set(after.flat())).toEqual(new Set(['v2']));
  });

  it('that comes a hundred times costs a client few reads', async () => {
    const scene = await staged(0);
    const { ring } = (await scene.store.read()) as { ring: Awaited<ReturnType<typeof ringOf>> };
    const memory = memoryRing(conflict);
    memory.ring = ring;
    const { store, told } = telling(memory);
    const { calls } = host(scene, new PriceDesk(OLD), { ring: store });
    await calls(1);
    await scene.clock.advance(2_000);
    const before = memory.reads;

    for (let notice = 0; notice < 100; notice++) told();
    await scene.clock.advance(5_000);

    expect(memory.reads - before).toBe(1);
  });

  it('that cannot be subscribed to fails no call and is tried again', async () => {
    const scene = await staged(0);
    let tries = 0;
    const store = {
      ...scene.store,
      subscribe: () =>
        ++tries < 3 ? Promise.reject(new Error('no such channel')) : Promise.resolve(() => Promise.resolve()),
    };
    const { calls } = host(scene, new PriceDesk(OLD), { ring: store });

    expect(await calls(1)).toEqual(['v1']);
    await scene.clock.advance(60_000);
    expect(tries).toBe(3);
  });
});

describe('a store that answers from an older copy', () => {
  it('fails no call and takes nothing back', async () => {
    const scene = await staged(0);
    const older = await ringOf(scene);
    await scene.manager().promote();
    const memory = memoryRing(conflict);
    memory.ring = await ringOf(scene);
    const { calls, events } = host(scene, new PriceDesk(OLD, NEW), { ring: memory });
    await calls(1);

    memory.ring = older;
    await nextLife(scene);
    const meanwhile = await calls(2);
    await scene
      .manager()
      .canary(10)
      .catch(() => undefined);

    expect(meanwhile).toEqual(['v2', 'v2']);
    expect(events).toContain('load-failed');
  });

  it('is told from an answer that was overtaken by one to a later question', async () => {
    const scene = await staged(100);
    const older = await ringOf(scene);
    await scene.manager().promote();
    const newer = await ringOf(scene);
    let first: (() => void) | undefined;
    let reads = 0;
    const store = {
      ...memoryRing(conflict),
      async read() {
        if (++reads > 1) return { ring: newer };
        await new Promise<void>((resolve) => (first = resolve));
        return { ring: older };
      },
    };
    const provider = fromKeyRing({ ring: store, name: NAME, cipher: scene.cipher });
    const { signal } = new AbortController();

    const slow = provider.load({ stage: 'previous', signal });
    await provider.load({ stage: 'current', signal });
    first?.();

    expect((await slow)?.version).toBe('v1');
  });

  it('is no older copy when it is a file: that may be taken back with Git', async () => {
    const scene = await staged(0);
    const older = JSON.stringify(await ringOf(scene));
    await scene.manager().promote();
    const { calls } = host(scene, new PriceDesk(OLD, NEW));
    const before = await calls(1);

    const { writeFile } = await import('node:fs/promises');
    await writeFile(scene.path, older);
    await nextLife(scene);

    expect([before, await calls(1)]).toEqual([['v2'], ['v1']]);
  });

  it('is no older copy when the store allows older revisions', async () => {
    const scene = await staged(0);
    const older = await ringOf(scene);
    await scene.manager().promote();
    let ring = await ringOf(scene);
    const store = {
      ...memoryRing(conflict),
      read: () => Promise.resolve({ ring }),
      allowsOlderRevision: () => true,
    };
    const provider = fromKeyRing({ ring: store, name: NAME, cipher: scene.cipher });
    const { signal } = new AbortController();
    const before = await provider.load({ stage: 'current', signal });

    ring = older;

    expect([before?.version, (await provider.load({ stage: 'current', signal }))?.version]).toEqual(['v2', 'v1']);
  });

  it('is a retryable KeyProviderError to whoever asks', async () => {
    const scene = await staged(0);
    const memory = memoryRing(conflict);
    memory.ring = await ringOf(scene);
    const provider = fromKeyRing({ ring: memory, name: NAME, cipher: scene.cipher });
    const { signal } = new AbortController();
    await provider.load({ stage: 'current', signal });

    memory.ring = { ...memory.ring, revision: 1 };

    expect(await failure(provider.load({ stage: 'current', signal }))).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
    });
    expect(fileRing(scene.path).name).toBe('file');
  });
});
