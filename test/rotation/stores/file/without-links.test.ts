import fs from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMasterKey, localCipher } from '../../../../src/providers/local/index.js';
import { fileRing, type KeyRingDocument } from '../../../../src/rotation/index.js';
import { serializeRing } from '../../../../src/rotation/ring/serialize.js';
import { failure, NEW, OLD, ringOf, statesOf } from '../../rings.js';
import { later, nextRing as next } from '../../later.js';
import { CONTEXT, ringScene, type RingScene } from '../../scene.js';
import { ringStoreContract } from '../ring-contract.js';

/** Until the test ends, no file gets a second name. */
function withoutLinks(code: string): void {
  const fault = (): Error => Object.assign(new Error(`${code}: link`), { code });
  const spies = [
    vi.spyOn(fs, 'linkSync').mockImplementation(() => {
      throw fault();
    }),
    vi.spyOn(fs.promises, 'link').mockImplementation(() => Promise.reject(fault())),
  ];
  syncBuiltinESMExports();
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
    syncBuiltinESMExports();
  });
}

const DRAFT = '.gold.ring.json.0123456789ab.draft';

/** What a writer leaves that dies after it has claimed a revision. */
async function claim({ folder, path }: RingScene, ring: KeyRingDocument): Promise<void> {
  await writeFile(join(folder, DRAFT), serializeRing(ring, 'test'));
  await writeFile(`${path}.${String(ring.revision)}`, DRAFT);
}

ringStoreContract('fileRing without hard links', async () => {
  withoutLinks('EPERM');
  const scene = await ringScene();
  return {
    open: () => fileRing(scene.path),
    spoil: (text) => writeFile(scene.path, text),
    stored: () => readFile(scene.path, 'utf8').catch(() => undefined),
  };
});

describe.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])(
  'a file system without hard links (%s)',
  (code) => {
    it('takes a whole rotation, and leaves nothing beside the ring', async () => {
      withoutLinks(code);
      const scene = await ringScene();
      const manager = scene.manager();

      await manager.init(OLD);
      await manager.stage(NEW);
      await manager.promote();
      await manager.revert();
      await manager.retire();
      const lease = await scene.store.lease?.('holder', 60_000);
      await lease?.release();

      expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'retired' });
      expect(await readdir(scene.folder)).toEqual(['gold.ring.json', 'gold.ring.json.lease', 'master.key']);
    });

    it('gives a master key to one of many, of mode 0600, and overwrites none', async () => {
      const scene = await ringScene();
      withoutLinks(code);
      const path = join(scene.folder, 'contested.key');

      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => createMasterKey(path)));
      const key = await readFile(path, 'latin1');
      const error = await failure(createMasterKey(path));

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(key).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
      expect(await readFile(path, 'latin1')).toBe(key);
      expect(await readdir(scene.folder)).toEqual(['contested.key', 'master.key']);
      const cipher = localCipher({ masterKeyFile: path, encryptionContext: CONTEXT });
      const { ciphertext } = await cipher.encrypt(OLD);
      expect(Buffer.from(await cipher.decrypt(ciphertext)).toString()).toBe(OLD);
    });
  },
);

describe('the claim of a writer that died, without hard links', () => {
  async function made(): Promise<RingScene> {
    withoutLinks('EPERM');
    const scene = await ringScene();
    await scene.manager().init(OLD);
    return scene;
  }

  it('counts as written for readers once it names a whole draft, and is put in place', async () => {
    const scene = await made();
    await claim(scene, next(await ringOf(scene), 'the dead one'));
    later(2_000);

    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'the dead one' });
    expect(await readdir(scene.folder)).toEqual(['gold.ring.json', 'master.key']);
  });

  it('is rolled forward by a writer that was decided on the revision before, which then conflicts', async () => {
    const scene = await made();
    const ring = await ringOf(scene);
    await claim(scene, next(ring, 'the dead one'));
    later(2_000);

    const error = await failure(scene.store.write(next(ring, 'too late'), { revision: 1 }));

    expect(error).toMatchObject({ name: 'RingConflictError' });
    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'the dead one' });
  });

  it.each([
    ['is empty', ''],
    ['names a draft that has gone', DRAFT],
  ])('counts for nothing when it %s', async (_, content) => {
    const scene = await made();
    await writeFile(`${scene.path}.2`, content);
    later(2_000);
    const before = await ringOf(scene);

    await scene.manager().stage(NEW);

    expect(before.revision).toBe(1);
    expect((await ringOf(scene)).revision).toBe(2);
    expect(await readdir(scene.folder)).toEqual(['gold.ring.json', 'master.key']);
  });

  it('cannot lead out of the folder, and a copy of the ring is not taken for one', async () => {
    const scene = await made();
    const ring = next(await ringOf(scene), 'elsewhere');
    await writeFile(join(scene.folder, 'elsewhere'), serializeRing(ring, 'test'));
    later(2_000);

    for (const content of ['../elsewhere', 'elsewhere', join(scene.folder, 'elsewhere')]) {
      await writeFile(`${scene.path}.2`, content);
      expect((await ringOf(scene)).revision).toBe(1);
      expect((await failure(scene.manager().stage(NEW))).message).toContain('is in the way');
    }
    await writeFile(`${scene.path}.2`, serializeRing(ring, 'test'));
    expect((await ringOf(scene)).revision).toBe(1);
  });

  it('keeps its draft when another write tidies up, and goes after a minute once it is superseded', async () => {
    const scene = await made();
    await claim(scene, { ...(await ringOf(scene)), revision: 1, writeId: 'superseded' });
    await claim(scene, { ...(await ringOf(scene)), revision: 3, writeId: 'the next' });
    later(120_000);

    await scene.store.write(next(await ringOf(scene), 'second'), { revision: 1 });

    expect(await readdir(scene.folder)).toEqual([DRAFT, 'gold.ring.json', 'gold.ring.json.3', 'master.key']);
    expect(await ringOf(scene)).toMatchObject({ revision: 3, writeId: 'the next' });
  });

  it('is not another writer’s: a writer that was taken for dead while its claim was empty tries again', async () => {
    const scene = await made();
    const ring = await ringOf(scene);
    const { writeSync } = fs;
    const spy = vi.spyOn(fs, 'writeSync').mockImplementationOnce((...args) => {
      fs.unlinkSync(`${scene.path}.2`);
      fs.writeFileSync(join(scene.folder, DRAFT), serializeRing(next(ring, 'the faster'), 'test'));
      fs.writeFileSync(`${scene.path}.2`, DRAFT);
      return writeSync(...(args as Parameters<typeof writeSync>));
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });

    const error = await failure(scene.store.write(next(ring, 'taken for dead'), { revision: 1 }));

    expect(error).toMatchObject({ name: 'RingConflictError' });
    expect(await ringOf(scene)).toMatchObject({ revision: 2, writeId: 'the faster' });
  });

  it('goes when its file cannot be written', async () => {
    const scene = await made();
    const spy = vi.spyOn(fs, 'writeSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });

    const error = await failure(scene.manager().stage(NEW));

    expect(error.message).toContain('ENOSPC');
    expect(await readdir(scene.folder)).toEqual(['gold.ring.json', 'master.key']);
  });
});

describe('a master key that cannot be created', () => {
  it.each(['EACCES', 'EROFS', 'EPERM'])(
    'because of the folder (%s) is told without advice about modes',
    async (code) => {
      const scene = await ringScene();
      const spy = vi.spyOn(fs.promises, 'open').mockRejectedValue(Object.assign(new Error(code), { code }));
      syncBuiltinESMExports();
      onTestFinished(() => {
        spy.mockRestore();
        syncBuiltinESMExports();
      });

      const error = await failure(createMasterKey(join(scene.folder, 'new.key')));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
      expect(error.message).toContain(code);
      expect(error.message).not.toContain('chmod');
    },
  );

  it('over an empty file of somebody else’s stays refused where there are hard links', async () => {
    const scene = await ringScene();
    const path = join(scene.folder, 'touched.key');
    await writeFile(path, '');
    later(120_000);

    expect(await failure(createMasterKey(path))).toMatchObject({ cause: { code: 'EEXIST' } });
    expect(await readFile(path, 'utf8')).toBe('');
    expect(await readdir(scene.folder)).toEqual(['master.key', 'touched.key']);
  });

  it('at the rename leaves no empty file', async () => {
    const scene = await ringScene();
    withoutLinks('EPERM');
    const spy = vi.spyOn(fs, 'renameSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });

    expect((await failure(createMasterKey(join(scene.folder, 'new.key')))).message).toContain('EIO');
    expect(await readdir(scene.folder)).toEqual(['master.key']);
  });
});
