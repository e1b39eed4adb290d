import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { copyFile, link, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileRing, type KeyRingDocument } from '../../../../src/rotation/index.js';
import { serializeRing } from '../../../../src/rotation/ring/serialize.js';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../../rings.js';
import { later, nextRing as next } from '../../later.js';
import { ringScene, type RingScene } from '../../scene.js';

/** What a writer leaves that dies between claim and rename. */
async function claim(scene: RingScene, ring: KeyRingDocument): Promise<string> {
  const draft = join(scene.folder, '.gold.ring.json.0123456789ab.draft');
  const claimed = `${scene.path}.${String(ring.revision)}`;
  await writeFile(draft, serializeRing(ring, 'test'));
  await link(draft, claimed);
  return claimed;
}

async function scene1(): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  return scene;
}

const namesIn = async ({ folder }: RingScene): Promise<string[]> => (await readdir(folder)).toSorted();

describe('a claim whose writer died', () => {
  it('counts as written for readers, and is put in its place', async () => {
    const scene = await scene1();
    await claim(scene, next(await ringOf(scene), 'the dead one'));
    later(2_000);

    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'the dead one' });
    expect(JSON.parse(await readFile(scene.path, 'utf8'))).toMatchObject({ revision: 2 });
  });

  it('is waited for while its writer may live, and is no reason for a reader to fail', async () => {
    const scene = await scene1();
    const claimed = await claim(scene, next(await ringOf(scene), 'a slow one'));

    const seen = vi.spyOn(fs, 'lstatSync');
    syncBuiltinESMExports();
    onTestFinished(() => {
      seen.mockRestore();
      syncBuiltinESMExports();
    });

    const reading = ringOf(scene);
    await vi.waitFor(() => expect(seen).toHaveBeenCalledWith(claimed), { interval: 1 });
    await rename(claimed, scene.path);

    expect(await reading).toMatchObject({ revision: 2, writeId: 'a slow one' });
  });

  it('is rolled forward by a writer that was decided on the revision before, which then conflicts', async () => {
    const scene = await scene1();
    const ring = await ringOf(scene);
    await claim(scene, next(ring, 'the dead one'));
    later(2_000);

    const error = await failure(scene.store.write(next(ring, 'too late'), { revision: 1 }));

    expect(error).toMatchObject({ name: 'RingConflictError' });
    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'the dead one' });
  });

  it('is gone on from by one that was decided on it', async () => {
    const scene = await scene1();
    const claimed = next(await ringOf(scene), 'the dead one');
    await claim(scene, claimed);
    later(2_000);

    await scene.store.write(next(claimed, 'the next one'), { revision: 2 });

    expect(await ringOf(scene)).toMatchObject({ revision: 3, writeId: 'the next one' });
  });

  it('leaves nothing behind once a minute has passed', async () => {
    const scene = await scene1();
    const ring = await ringOf(scene);
    await claim(scene, next(ring, 'the dead one'));
    await writeFile(join(scene.folder, '.gold.ring.json.ba9876543210.draft'), '{');
    later(120_000);
    await scene.manager().stage(NEW);
    const after = await namesIn(scene);

    expect(after).toEqual(['gold.ring.json', 'master.key']);
  });

  it('and that had lost is taken for nothing, and goes', async () => {
    const scene = await scene1();
    const first = await ringOf(scene);
    await scene.manager().stage(NEW);
    await claim(scene, next(first, 'the loser'));
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
    later(120_000);

    await scene.manager().canary(10);

    expect(await namesIn(scene)).toEqual(['gold.ring.json', 'master.key']);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });
});

describe('a copy of the ring under a name that a claim would have', () => {
  it('is neither read as the ring nor deleted', async () => {
    const scene = await scene1();
    await scene.manager().stage(NEW);
    for (const number of [1, 2, 3]) await copyFile(scene.path, `${scene.path}.${String(number)}`);
    expect((await ringOf(scene)).revision).toBe(2);
    later(120_000);

    const error = await failure(scene.manager().canary(10));

    expect(error).toMatchObject({ name: 'KeyProviderError' });
    expect(error.message).toContain('gold.ring.json.3` is in the way');
    expect((await namesIn(scene)).filter((name) => /\.\d$/.test(name))).toHaveLength(3);
    await rename(`${scene.path}.3`, `${scene.path}.backup`);
    await scene.manager().canary(10);
    expect((await namesIn(scene)).filter((name) => name !== 'master.key')).toEqual([
      'gold.ring.json',
      'gold.ring.json.1',
      'gold.ring.json.2',
      'gold.ring.json.backup',
    ]);
  });
});

describe('a pipe under a name that a claim would have', () => {
  it('is not waited on: the write fails, and the ring is read on', async () => {
    const scene = await scene1();
    execFileSync('mkfifo', [`${scene.path}.2`]);
    later(2_000);

    const error = await failure(scene.manager().stage(NEW));

    expect(error.message).toContain('gold.ring.json.2` is in the way');
    expect(await ringOf(scene)).toMatchObject({ revision: 1 });
  });
});

describe('a write that fails at the last moment', () => {
  /** Has one operation of node:fs fail once. */
  function failing(name: 'renameSync' | 'linkSync', code: string, first?: () => void): void {
    const spy = vi.spyOn(fs, name).mockImplementationOnce((...args) => {
      first?.();
      throw Object.assign(new Error(`${code}: ${String(args[0])}`), { code });
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
  }

  it.each(['ENOSPC', 'EIO', 'EACCES'])('at the rename (%s) is not made good by the next writer', async (code) => {
    const scene = await scene1();
    const before = await readFile(scene.path);
    failing('renameSync', code);

    const error = await failure(scene.manager().stage(NEW));

    expect(error['provider']).toBe('file');
    expect(await readFile(scene.path)).toEqual(before);
    expect(await namesIn(scene)).toEqual(['gold.ring.json', 'master.key']);
    later(2_000);
    await scene.manager().stage(THIRD);
    expect((await ringOf(scene)).revision).toBe(2);
  });

  it('because somebody took it for dead and rolled it forward is done', async () => {
    const scene = await scene1();
    const ring = await ringOf(scene);
    const { renameSync } = fs;
    failing('renameSync', 'ENOENT', () => renameSync(`${scene.path}.2`, scene.path));

    await scene.store.write(next(ring, 'taken for dead'), { revision: 1 });

    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'taken for dead' });
  });

  it('because it was rolled forward between claim and look is done', async () => {
    const scene = await scene1();
    const ring = await ringOf(scene);
    const { linkSync, renameSync } = fs;
    const spy = vi.spyOn(fs, 'linkSync').mockImplementationOnce((from, to) => {
      linkSync(from, to);
      renameSync(to, scene.path);
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });

    await scene.store.write(next(ring, 'taken for dead'), { revision: 1 });

    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'taken for dead' });
  });

  it('leaves a write that is done done when what is left cannot be tidied up', async () => {
    const scene = await scene1();
    const ring = await ringOf(scene);
    const spy = vi.spyOn(fs.promises, 'readdir').mockRejectedValueOnce(Object.assign(new Error(), { code: 'EACCES' }));
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });

    await scene.store.write(next(ring, 'done'), { revision: 1 });

    expect(spy).toHaveBeenCalled();
    expect(await ringOf(scene)).toMatchObject({ writeId: 'done' });
  });
});

describe('the lease beside a ring', () => {
  it('has one holder at a time, whose number grows with each', async () => {
    const { path } = await ringScene();
    const stores = Array.from({ length: 5 }, () => fileRing(path));

    const taken = await Promise.all(stores.map((store, index) => store.lease?.(`holder-${String(index)}`, 60_000)));
    const holder = taken.find((lease) => lease !== undefined);
    const busy = await fileRing(path).lease?.('another', 60_000);
    await holder?.release();
    const after = await fileRing(path).lease?.('another', 60_000);

    expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
    expect(busy).toBeUndefined();
    expect([holder?.fence, after?.fence]).toEqual([1, 2]);
  });

  it('is another’s once it has run out, and then not given up by its first holder', async () => {
    const { path } = await ringScene();
    const store = fileRing(path);
    const first = await store.lease?.('first', 1_000);
    later(1_001);

    const second = await store.lease?.('second', 60_000);
    await first?.release();

    expect(second?.fence).toBe(2);
    expect(await store.lease?.('third', 60_000)).toBeUndefined();
  });

  it('never touches the ring', async () => {
    const scene = await scene1();
    const before = await readFile(scene.path);

    const lease = await scene.store.lease?.('holder', 60_000);
    await lease?.release();

    expect(await readFile(scene.path)).toEqual(before);
  });
});
