import { chmod } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { GoldDataClient } from '../../../src/index.js';
import { fileRing, fromKeyRing } from '../../../src/rotation/index.js';
import { keyProviderContract } from '../../../src/testing/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { counted, host, nextLife, telling } from '../fleet.js';
import { failure, NEW, OLD, statesOf, THIRD } from '../rings.js';
import { DAY, NAME, ringScene, type RingScene } from '../scene.js';

keyProviderContract(
  'fromKeyRing over a file',
  async (key) => {
    const scene = await ringScene();
    // The contract holds the times against the real clock.
    const manager = scene.manager({ clock: undefined });
    await manager.init(key);
    return {
      provider: fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher }),
      async rotate(successor) {
        await manager.stage(successor);
        await manager.promote();
      },
      deny: () => chmod(scene.masterKeyFile, 0o644),
      cleanUp: () => Promise.resolve(),
    };
  },
  { describe, it, expect },
);

async function ring(...keys: [string, ...string[]]): Promise<RingScene> {
  const scene = await ringScene();
  const [first, ...others] = keys;
  await scene.manager().init(first);
  for (const key of others) {
    await scene.manager().stage(key);
    await scene.manager().promote({ force: true });
  }
  return scene;
}

describe('fromKeyRing', () => {
  it('has the three stages of the ring, and a rollout', async () => {
    const scene = await ring(OLD, NEW);
    await scene.manager().stage(THIRD);
    await scene.manager().canary(25);
    const provider = fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher });
    const { signal } = new AbortController();

    const versions: unknown[] = [];
    for (const stage of ['current', 'pending', 'previous'] as const) {
      versions.push((await provider.load({ stage, signal }))?.version);
    }

    expect(versions).toEqual(['v2', 'v3', 'v1']);
    expect(await provider.rollout?.({ signal })).toMatchObject({
      pendingPercent: 25,
      previousUntil: scene.clock.now() + DAY,
    });
  });

  it('decrypts a key once per life, not once per stage, through canary, promotion and revert', async () => {
    const scene = await ring(OLD);
    const cipher = counted(scene.cipher);
    const { store, told } = telling(scene.store);
    const { gold, calls } = host(scene, new PriceDesk(OLD, NEW), { cipher, ring: store }, { ttl: 10 * DAY });
    /** What a step costs: how many decryptions, and who serves after it. */
    const cost = async (step: () => Promise<unknown>): Promise<unknown[]> => {
      const before = cipher.opened.length;
      await step();
      told();
      await scene.clock.advance(2_000);
      await gold.settled();
      const [served] = await calls(1);
      await gold.settled();
      return [served, cipher.opened.length - before];
    };

    const start = await cost(() => Promise.resolve());
    await scene.manager().stage(NEW);
    const canary = await cost(() => scene.manager().canary(100));
    const promoted = await cost(() => scene.manager().promote());
    const reverted = await cost(() => scene.manager().revert());

    expect(start).toEqual(['v1', 1]);
    expect(canary).toEqual(['v2', 1]);
    expect(promoted).toEqual(['v2', 0]);
    expect(reverted).toEqual(['v1', 0]);
  });

  it('asks for a key anew at the end of each life, so that a revocation at the master key takes effect', async () => {
    const scene = await ring(OLD);
    const cipher = counted(scene.cipher);
    // Without notices, which ask sooner.
    const { subscribe: _, ...silent } = scene.store;
    const { calls } = host(scene, new PriceDesk(OLD), { cipher, ring: silent }, { refreshAhead: 0 });

    for (let life = 1; life <= 3; life++) {
      await calls(3);
      await nextLife(scene);
    }

    expect(cipher.opened).toHaveLength(3);
  });

  it('is prolonged by no notice: a revocation takes effect however often the ring changes', async () => {
    const scene = await ring(OLD);
    const cipher = counted(scene.cipher);
    const { store, told } = telling(scene.store);
    const { gold, calls } = host(scene, new PriceDesk(OLD), { cipher, ring: store }, { ttlJitter: 0, refreshAhead: 0 });

    for (let minute = 0; minute < 12; minute++) {
      await calls(1);
      told();
      await scene.clock.advance(60_000);
      await gold.settled();
    }

    // Lives of five minutes: at 0, 5 and 10.
    expect(cipher.opened).toHaveLength(3);
  });

  it('serves on with the key it has when the ring is damaged, and with no other ring', async () => {
    const scene = await ring(OLD);
    const { calls, gold } = host(scene, new PriceDesk(OLD));
    await calls(1);
    const other = scene.manager({ ring: fileRing(`${scene.folder}/other.json`), name: 'other' });
    await other.init(NEW);
    const wrong = fromKeyRing({ ring: fileRing(`${scene.folder}/other.json`), name: NAME, cipher: scene.cipher });

    const { rename, writeFile } = await import('node:fs/promises');
    await rename(scene.path, `${scene.path}.away`);
    await nextLife(scene);
    const gone = await calls(1);
    await writeFile(scene.path, '{"format":');
    await nextLife(scene);
    const cut = await gold.getPrice();

    expect([gone, cut]).toEqual([['v1'], 'v1']);
    expect(await failure(wrong.load({ stage: 'current', signal: new AbortController().signal }))).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
    });
  });

  it('closes the store and the cipher with the last client, and again after it was used again', async () => {
    const scene = await ring(OLD);
    const closed: string[] = [];
    const store = { ...scene.store, close: () => Promise.resolve(void closed.push('store')) };
    const cipher = { ...scene.cipher, close: () => Promise.resolve(void closed.push('cipher')) };
    const make = (keyProvider: ReturnType<typeof fromKeyRing>): GoldDataClient<string> =>
      new GoldDataClient({
        keyProvider,
        clock: scene.clock,
        fetchPrice: (_: string, { version }) => Promise.resolve(version),
      });
    const [one, two] = [1, 2].map(() => fromKeyRing({ ring: store, name: NAME, cipher }));
    const first = make(one as never);
    const second = make(two as never);
    await Promise.all([first.getPrice(), second.getPrice()]);

    await first.close();
    const afterOne = [...closed];
    await second.close();
    const afterBoth = [...closed];
    const again = make(one as never);
    await again.getPrice();
    await again.close();

    expect(afterOne).toEqual([]);
    expect(afterBoth.toSorted()).toEqual(['cipher', 'store']);
    expect(closed.toSorted()).toEqual(['cipher', 'cipher', 'store', 'store']);
  });

  it.each([
    { ring: undefined },
    { ring: {} },
    { name: '' },
    { name: 'a b' },
    { name: undefined },
    { cipher: [] },
    { cipher: undefined },
    { cipher: [{}] },
    { pinnedVersion: 2 },
    { reportRejections: 'yes' },
    { stages: 3 },
  ])('refuses %j', async (wrong) => {
    const scene = await ringScene();
    const options = { ring: scene.store, name: NAME, cipher: scene.cipher, ...wrong } as never;

    expect(() => fromKeyRing(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('a pinned version', () => {
  it('is served in the place of `current`, outside every canary', async () => {
    const scene = await ring(OLD, NEW);
    await scene.manager().stage(THIRD);
    await scene.manager().canary(100);
    const { calls } = host(scene, new PriceDesk(OLD, NEW, THIRD), { pinnedVersion: 'v1' });

    expect(await calls(3)).toEqual(['v1', 'v1', 'v1']);
  });

  it('that the price API refuses falls back to `current`, and after it to `previous`', async () => {
    const scene = await ring(OLD, NEW);
    await scene.manager().stage(THIRD);
    const desk = new PriceDesk(NEW);
    const { calls, events, ran } = host(scene, desk, { pinnedVersion: 'v3' });

    const current = await calls(1);
    desk.rotateTo(OLD);
    const previous = await calls(1);

    expect([current, previous]).toEqual([['v2'], ['v1']]);
    expect(ran.slice(0, 2)).toEqual(['v3', 'v2']);
    expect(events).toContain('repaired');
  });

  it('that is not in the ring is an error that lists those that are', async () => {
    const scene = await ring(OLD, NEW);
    const { gold } = host(scene, new PriceDesk(OLD, NEW), { pinnedVersion: 'v7' });

    const error = await failure(gold.getPrice());

    expect(error).toMatchObject({ name: 'KeyNotFoundError', code: 'ERR_GOLDKEY_NOT_FOUND' });
    expect(error.message).toContain('"v7"');
    expect(error.message).toContain('v1, v2');
  });

  it.each(['__proto__', 'constructor', 'toString'])('of the name %s is not in the ring', async (name) => {
    const scene = await ring(OLD);
    const { gold } = host(scene, new PriceDesk(OLD), { pinnedVersion: name });

    expect(await failure(gold.getPrice())).toMatchObject({ name: 'KeyNotFoundError' });
  });

  it('that has been retired serves `current`, with an event', async () => {
    const scene = await ring(OLD, NEW);
    await scene.manager().retire({ force: true });
    const { calls, events } = host(scene, new PriceDesk(NEW), { pinnedVersion: 'v1' });

    expect(await calls(2)).toEqual(['v2', 'v2']);
    expect(events).toContain('rollout-changed');
  });

  it('that is retired while it is in use gives way to `current`, with an event', async () => {
    const scene = await ring(OLD, NEW);
    const { calls, events } = host(scene, new PriceDesk(OLD, NEW), { pinnedVersion: 'v1' });
    const before = await calls(1);
    const told = events.length;
    await scene.manager().retire({ force: true });
    await nextLife(scene);

    expect([before, await calls(2)]).toEqual([['v1'], ['v2', 'v2']]);
    expect(events.slice(told)).toContain('rollout-changed');
  });

  it('that was rejected is served all the same: whoever pins it has said so', async () => {
    const scene = await ring(OLD);
    await scene.manager().stage(NEW);
    await scene.manager().revert();
    const { calls } = host(scene, new PriceDesk(OLD, NEW), { pinnedVersion: 'v2' });

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
    expect(await calls(1)).toEqual(['v2']);
  });

  it('that is empty is unset', async () => {
    const scene = await ring(OLD, NEW);
    const { calls } = host(scene, new PriceDesk(OLD, NEW), { pinnedVersion: '' });

    expect(await calls(1)).toEqual(['v2']);
  });
});
