import { describe, expect, it } from 'vitest';
import { createMasterKey, localCipher } from '../../../src/providers/local/index.js';
import { fromKeyRing, RingConflictError, type KeyRingDocument } from '../../../src/rotation/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { host, nextLife, settle } from '../fleet.js';
import { edit, failure, memoryRing, NEW, OLD, ringOf, THIRD, type MemoryRing } from '../rings.js';
import { CONTEXT, NAME, ringScene, type RingScene } from '../scene.js';

const { signal } = new AbortController();

/** A ring in a network store, at revision 4. */
async function networked(): Promise<{ scene: RingScene; ring: MemoryRing }> {
  const scene = await ringScene();
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  const manager = scene.manager({ ring });
  await manager.init(OLD);
  await manager.stage(NEW);
  await manager.revert();
  await manager.stage(THIRD);
  return { scene, ring };
}

/** Empties the store and makes the ring anew. */
async function remade({ scene, ring }: Awaited<ReturnType<typeof networked>>, key: string): Promise<KeyRingDocument> {
  const before = ring.ring as KeyRingDocument;
  ring.ring = undefined;
  await scene.manager({ ring }).init(key);
  return before;
}

describe('the id of a ring', () => {
  it('is made by init, differs from ring to ring, and is kept by every step', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    const ids: string[] = [];
    const note = async (): Promise<void> => void ids.push((await ringOf(scene)).id);

    for (const step of [
      () => manager.init(OLD),
      () => manager.stage(NEW),
      () => manager.canary(10),
      () => manager.promote(),
      () => manager.revert(),
      () => manager.retire(),
      () => manager.stage(THIRD),
      () => manager.revert(),
    ]) {
      await step();
      await note();
    }
    const other = await ringScene();
    await other.manager().init(OLD);

    expect(ids[0]).toMatch(/^[\da-f-]{36}$/);
    expect(new Set(ids).size).toBe(1);
    expect((await ringOf(other)).id).not.toBe(ids[0]);
  });

  it('is kept, and no name is given twice, whatever the order of the steps', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const scene = await ringScene();
      const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
      const manager = scene.manager({ ring });
      await manager.init(OLD);
      const { id } = ring.ring as KeyRingDocument;
      const fingerprints = new Map<string, string>();
      let [random, minted] = [seed, 0];

      for (let turn = 0; turn < 60; turn++) {
        random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
        const steps = [
          () => manager.stage(`key-number-${String(++minted).padStart(6, '0')}`, { force: true }),
          () => manager.canary(random % 101),
          () => manager.promote({ force: true }),
          () => manager.retire({ force: true }),
          () => manager.revert(),
        ];
        await steps[(random >>> 16) % steps.length]?.().catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'RotationError' });
        });
        expect(ring.ring?.id).toBe(id);
        for (const [name, { fingerprint }] of Object.entries(ring.ring?.versions ?? {})) {
          expect(fingerprints.get(name) ?? fingerprint, name).toBe(fingerprint);
          fingerprints.set(name, fingerprint);
        }
      }
      expect(minted).toBeGreaterThan(5);
    }
  });

  it('is given to a ring of 0.1.0 by its next step, and its readers go on', async () => {
    const { scene, ring } = await networked();
    const { id: _, ...old } = ring.ring as KeyRingDocument;
    ring.ring = old as KeyRingDocument;
    const provider = fromKeyRing({ ring, name: NAME, cipher: scene.cipher });
    await provider.load({ stage: 'current', signal });

    await scene.manager({ ring }).promote();
    const after = await provider.load({ stage: 'current', signal });
    ring.ring = old as KeyRingDocument;
    const outdated = await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>);

    expect(after?.version).toBe('v3');
    expect(outdated).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
  });
});

describe('a ring that was emptied and made anew', () => {
  it('is followed by a running client, which loses no call', async () => {
    const at = await networked();
    const desk = new PriceDesk(OLD);
    const { calls } = host(at.scene, desk, { ring: at.ring });
    const before = await calls(2);

    at.ring.ring = undefined;
    await nextLife(at.scene);
    const meanwhile = await calls(2);
    await remade(at, 'fourth-key-444444');
    await settle(at.scene, 30_000);
    desk.rotateTo('fourth-key-444444');
    const after = await calls(50);
    await nextLife(at.scene);
    const later = await calls(50);

    expect(new Set([...before, ...meanwhile, ...after, ...later])).toEqual(new Set(['v1']));
  });

  it('has another key under the same name, which is decrypted although the old one is not due', async () => {
    const at = await networked();
    const provider = fromKeyRing({ ring: at.ring, name: NAME, cipher: at.scene.cipher });
    const request = { stage: 'current' as const, signal };
    await provider.load(request);
    const known = { ...request, known: ['v1'], keptUntil: Number.MAX_SAFE_INTEGER };

    await remade(at, 'fourth-key-444444');

    expect(await provider.load(known)).toMatchObject({
      version: 'v1',
      bytes: new TextEncoder().encode('fourth-key-444444'),
    });
  });

  it.each([
    [
      'of another name',
      async ({ ring }: { ring: MemoryRing }) =>
        void (ring.ring = { ...(ring.ring as KeyRingDocument), name: 'silver' }),
      'ERR_GOLDKEY_PROVIDER',
    ],
    [
      'under another master key',
      async ({ scene, ring }: { scene: RingScene; ring: MemoryRing }) => {
        ring.ring = undefined;
        const masterKeyFile = `${scene.masterKeyFile}.other`;
        await createMasterKey(masterKeyFile);
        const cipher = localCipher({ masterKeyFile, encryptionContext: CONTEXT });
        await scene.manager({ ring, cipher }).init(NEW);
      },
      'ERR_GOLDKEY_DECRYPT',
    ],
    [
      'under another EncryptionContext',
      async ({ scene, ring }: { scene: RingScene; ring: MemoryRing }) => {
        ring.ring = undefined;
        const { masterKeyFile } = scene;
        const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'silver' } });
        await scene.manager({ ring, cipher }).init(NEW);
      },
      'ERR_GOLDKEY_DECRYPT',
    ],
  ])('is not taken when it is %s', async (_, replace, code) => {
    const at = await networked();
    const provider = fromKeyRing({ ring: at.ring, name: NAME, cipher: at.scene.cipher });
    await provider.load({ stage: 'current', signal });
    await remade(at, NEW);

    await replace(at);

    expect(await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({ code });
  });

  it('is not given up for an old copy of the ring before it', async () => {
    const at = await networked();
    const older = { ...(at.ring.ring as KeyRingDocument), revision: 2 };
    const provider = fromKeyRing({ ring: at.ring, name: NAME, cipher: at.scene.cipher });
    await provider.load({ stage: 'current', signal });
    await remade(at, NEW);
    await provider.load({ stage: 'current', signal });

    at.ring.ring = older;

    expect(await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: true,
    });
  });

  it('is not given up for a slow answer of the ring before it', async () => {
    const at = await networked();
    const { scene, ring } = at;
    let answer: (() => void) | undefined;
    let reads = 0;
    const before = ring.ring as KeyRingDocument;
    const store = {
      ...ring,
      async read() {
        if (++reads !== 2) return { ring: ring.ring as KeyRingDocument };
        await new Promise<void>((resolve) => (answer = resolve));
        return { ring: before };
      },
    };
    const provider = fromKeyRing({ ring: store, name: NAME, cipher: scene.cipher });
    await provider.load({ stage: 'current', signal });

    const slow = provider.load({ stage: 'current', signal });
    await remade(at, NEW);
    await provider.load({ stage: 'current', signal });
    answer?.();

    expect(await slow).toMatchObject({ bytes: new TextEncoder().encode(NEW) });
  });

  it('is told from old copies of the sixteen rings that were read last, and of no more', async () => {
    const at = await networked();
    const provider = fromKeyRing({ ring: at.ring, name: NAME, cipher: at.scene.cipher });
    const load = () => provider.load({ stage: 'current', signal }) as Promise<unknown>;
    const copies: KeyRingDocument[] = [];
    for (let made = 0; made < 17; made++) {
      copies.push({ ...(at.ring.ring as KeyRingDocument), id: `ring-${String(made)}`, revision: 9 });
    }
    for (const ring of copies.slice(0, 16)) {
      at.ring.ring = ring;
      await load();
    }
    const older = async (made: number) => {
      at.ring.ring = { ...(copies[made] as KeyRingDocument), revision: 8 };
      return load().then(
        () => 'taken',
        (error: { code: string }) => error.code,
      );
    };

    const ofSixteen = await older(0);
    at.ring.ring = copies[16];
    await load();

    expect(ofSixteen).toBe('ERR_GOLDKEY_PROVIDER');
    expect([await older(1), await older(0)]).toEqual(['ERR_GOLDKEY_PROVIDER', 'taken']);
  });

  it('by 0.1.0, without an id, is told from none: it is refused until its next step', async () => {
    const at = await networked();
    const provider = fromKeyRing({ ring: at.ring, name: NAME, cipher: at.scene.cipher });
    await provider.load({ stage: 'current', signal });
    await remade(at, NEW);
    const { id: _, ...old } = at.ring.ring as KeyRingDocument;
    at.ring.ring = old as KeyRingDocument;

    const refused = await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>);
    await at.scene.manager({ ring: at.ring }).stage(THIRD);

    expect(refused).toMatchObject({ retryable: true });
    expect(await provider.load({ stage: 'current', signal })).toMatchObject({ version: 'v1' });
  });
});

describe('a version whose ciphertext was replaced by hand', () => {
  it('is decrypted again, though its name is known', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const provider = fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher });
    await provider.load({ stage: 'current', signal });
    const { ciphertext, fingerprint } = await scene.cipher.encrypt(NEW, { bind: { 'goldkey:ring': NAME } });
    await edit(scene, (ring) => void Object.assign(ring.versions['v1'] ?? {}, { ciphertext, fingerprint }));

    const loaded = await provider.load({ stage: 'pending', signal, known: ['v1'] });
    const current = await provider.load({ stage: 'current', signal, known: ['v1'] });

    expect(loaded).toBeUndefined();
    expect(current).toMatchObject({ bytes: new TextEncoder().encode(NEW) });
  });
});
