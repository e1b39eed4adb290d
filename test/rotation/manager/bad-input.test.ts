import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMasterKey, localCipher } from '../../../src/providers/local/index.js';
import { fileRing, fromKeyRing, type KeyRingDocument } from '../../../src/rotation/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { counted, host } from '../fleet.js';
import { edit, failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { CONTEXT, NAME, ringScene, type RingScene } from '../scene.js';

/** v1 is previous, v2 current, v3 pending. */
async function full(): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.manager().stage(NEW);
  await scene.manager().promote();
  await scene.manager().stage(THIRD);
  return scene;
}

const signal = new AbortController().signal;

describe('a version that was tampered with', () => {
  it.each([
    ['another master key', { keyId: 'local-ffffffffffffffff' }],
    ['another cipher', { cipher: 'aws-kms' }],
    ['another EncryptionContext', { encryptionContext: { service: 'another', 'goldkey:ring': NAME } }],
    ['a smaller EncryptionContext', { encryptionContext: { 'goldkey:ring': NAME } }],
    ['a larger EncryptionContext', { encryptionContext: { ...CONTEXT, more: '1', 'goldkey:ring': NAME } }],
    ['another ring', { encryptionContext: { ...CONTEXT, 'goldkey:ring': 'silver' } }],
    ['no ring', { encryptionContext: CONTEXT }],
  ])('is not decrypted when it names %s', async (_, fields) => {
    const scene = await full();
    const cipher = counted(scene.cipher);
    await edit(scene, (ring) => void Object.assign(ring.versions['v2'] ?? {}, fields));
    const before = await readFile(scene.path);

    const load = await failure(
      fromKeyRing({ ring: scene.store, name: NAME, cipher }).load({ stage: 'current', signal }),
    );
    const retire = await failure(scene.manager({ cipher, probe: () => Promise.resolve() }).retire({ force: true }));

    for (const error of [load, retire]) {
      expect(error).toMatchObject({ name: 'KeyDecryptError', retryable: false, version: 'v2' });
      assertNoSecret(error, NEW);
    }
    expect(cipher.opened).toEqual([]);
    expect(await readFile(scene.path)).toEqual(before);
  });

  it('does not keep the others from being used', async () => {
    const scene = await full();
    await edit(scene, (ring) => void Object.assign(ring.versions['v2'] ?? {}, { keyId: 'local-ffffffffffffffff' }));

    expect(await host(scene, new PriceDesk(OLD, NEW)).calls(2)).toEqual(['v1', 'v1']);
  });

  it('is of no use when its ciphertext comes from another ring under the same master key', async () => {
    const scene = await full();
    const silver = scene.manager({ ring: fileRing(join(scene.folder, 'silver.json')), name: 'silver' });
    await silver.init('silver-key-0123456789');
    const other = (await fileRing(join(scene.folder, 'silver.json')).read())?.ring.versions['v1'];
    await edit(scene, (ring) => {
      const { ciphertext = '', fingerprint = '' } = other ?? {};
      Object.assign(ring.versions['v2'] ?? {}, { ciphertext, fingerprint });
    });

    const error = await failure(
      fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher }).load({ stage: 'current', signal }),
    );

    expect(error).toMatchObject({ name: 'KeyDecryptError', version: 'v2' });
    assertNoSecret(error, 'silver-key-0123456789');
  });

  it('is not used when it holds another key of the same ring than its fingerprint says', async () => {
    const scene = await full();
    await edit(scene, (ring) => {
      const { ciphertext = '' } = ring.versions['v1'] ?? {};
      Object.assign(ring.versions['v2'] ?? {}, { ciphertext });
    });
    const before = await readFile(scene.path);

    const error = await failure(
      fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher }).load({ stage: 'current', signal }),
    );
    const retire = await failure(scene.manager({ probe: () => Promise.resolve() }).retire({ force: true }));

    for (const each of [error, retire]) {
      expect(each).toMatchObject({ name: 'KeyDecryptError', version: 'v2' });
      assertNoSecret(each, OLD);
      assertNoSecret(each, NEW);
    }
    expect(await readFile(scene.path)).toEqual(before);
  });

  it('under a master key that is being left is still decrypted, and the new one encrypts', async () => {
    const scene = await full();
    const masterKeyFile = join(scene.folder, 'second.key');
    await createMasterKey(masterKeyFile);
    const second = localCipher({ masterKeyFile, encryptionContext: CONTEXT });
    const manager = scene.manager({ cipher: [second, scene.cipher], probe: () => Promise.resolve() });

    await manager.stage('fourth-key-444444', { force: true });
    await manager.promote({ force: true });

    const { versions } = await ringOf(scene);
    expect(versions['v4']?.keyId).not.toBe(versions['v2']?.keyId);
    expect(await host(scene, new PriceDesk('fourth-key-444444'), { cipher: [scene.cipher, second] }).calls(1)).toEqual([
      'v4',
    ]);
  });
});

describe('a version from an hour ahead', () => {
  it('is used by readers as any other', async () => {
    const scene = await full();
    await edit(
      scene,
      (ring) => void Object.assign(ring.versions['v2'] ?? {}, { createdAt: '2026-11-22T13:30:00.000Z' }),
    );

    expect(await host(scene, new PriceDesk(NEW)).calls(1)).toEqual(['v2']);
    expect(await failure(scene.manager().canary(10))).toMatchObject({ name: 'RotationError', version: 'v2' });
  });

  it('is used by readers when its `createdAt` is no time at all', async () => {
    const scene = await full();
    await edit(scene, (ring) => void Object.assign(ring.versions['v2'] ?? {}, { createdAt: 'last week' }));

    expect(await host(scene, new PriceDesk(NEW)).calls(1)).toEqual(['v2']);
    expect(await failure(scene.manager().canary(10))).toMatchObject({ name: 'RotationError', version: 'v2' });
  });
});

describe('a file system that refuses', () => {
  /** Has an operation of node:fs/promises or of one of its files fail with a code. */
  function refusing(where: 'open' | 'writeFile' | 'sync', code: string): void {
    const fault = (): Error => Object.assign(new Error(`${code}: refused`), { code });
    const { open } = fs.promises;
    const spy = vi.spyOn(fs.promises, 'open').mockImplementation(async (...args) => {
      const writes = args[1] === 'wx';
      if (where === 'open' && writes) throw fault();
      const file = await open(...args);
      if (writes && where !== 'open') file[where] = () => Promise.reject(fault());
      return file;
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
  }

  it.each([
    ['open', 'EACCES', 'KeyAccessDeniedError'],
    ['open', 'EROFS', 'KeyAccessDeniedError'],
    ['open', 'EMFILE', 'KeyProviderError'],
    ['writeFile', 'ENOSPC', 'KeyProviderError'],
    ['writeFile', 'EDQUOT', 'KeyProviderError'],
    ['sync', 'EIO', 'KeyProviderError'],
  ] as const)('at %s with %s fails every step with a %s, and the ring is as it was', async (where, code, name) => {
    const scene = await full();
    const before = await readFile(scene.path);
    refusing(where, code);

    for (const step of [
      () => scene.manager().canary(10),
      () => scene.manager().promote({ force: true }),
      () => scene.manager().retire({ force: true }),
      () => scene.manager().revert(),
      () => scene.manager().stage('fourth-key-444444', { force: true }),
    ]) {
      const error = await failure(step());
      expect(error).toMatchObject({ name, provider: 'file' });
      expect(error.message).toContain(code === 'EIO' || code === 'EMFILE' ? code : `(${code})`);
      for (const key of [OLD, NEW, THIRD, 'fourth-key-444444']) assertNoSecret(error, key);
    }
    expect(await readFile(scene.path)).toEqual(before);
    expect((await readdir(scene.folder)).toSorted()).toEqual(['gold.ring.json', 'master.key']);
  });

  it('to make the first ring says so, and leaves no file', async () => {
    const scene = await ringScene();
    refusing('writeFile', 'ENOSPC');

    expect(await failure(scene.manager().init(OLD))).toMatchObject({ name: 'KeyProviderError' });
    expect(await readdir(scene.folder)).toEqual(['master.key']);
  });

  it('because the folder is not there says so', async () => {
    const scene = await ringScene();
    const store = fileRing(join(scene.folder, 'nowhere', 'ring.json'));

    expect(await failure(scene.manager({ ring: store }).init(OLD))).toMatchObject({
      name: 'KeyProviderError',
      message: expect.stringContaining('folder') as unknown,
    });
  });
});

describe('what stands in the place of the ring', () => {
  it.each(['directory', 'pipe'])('is refused for reading and writing when it is a %s', async (kind) => {
    const scene = await full();
    const ring = await ringOf(scene);
    await rm(scene.path);
    if (kind === 'directory') await mkdir(scene.path);
    else execFileSync('mkfifo', [scene.path]);

    const read = await failure(scene.store.read());
    const write = await failure(scene.store.write({ ...ring, revision: 6 }, { revision: 5 }));

    for (const error of [read, write]) expect(error).toMatchObject({ name: 'KeyProviderError', provider: 'file' });
    expect((await readdir(scene.folder)).toSorted()).toEqual(['gold.ring.json', 'master.key']);
  });

  it('is read through the links of a Kubernetes mount, also when they are swapped, and not written', async () => {
    const scene = await full();
    const mount = join(scene.folder, 'mount');
    const put = async (name: string): Promise<void> => {
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, 'ring.json'), await readFile(scene.path));
      await symlink(name, join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    await put('..2026_1');
    await symlink('..data/ring.json', join(mount, 'ring.json'));
    const store = fileRing(join(mount, 'ring.json'));
    const mounted: RingScene = { ...scene, path: join(mount, 'ring.json') };
    const { calls, gold } = host(mounted, new PriceDesk(OLD, NEW, THIRD));

    const before = await calls(1);
    await scene.manager().promote({ force: true });
    await put('..2026_2');
    await gold.reload();
    const after = await calls(1);
    const bytes = await readFile(join(mount, 'ring.json'));
    const error = await failure(scene.manager({ ring: store }).revert());

    expect([before, after]).toEqual([['v2'], ['v3']]);
    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: false });
    expect(error.message).toContain('symbolic link');
    expect(await readFile(join(mount, 'ring.json'))).toEqual(bytes);
    expect((await readdir(join(mount, '..data'))).toSorted()).toEqual(['ring.json']);
  });

  it('is not overwritten when it is damaged', async () => {
    const scene = await full();
    const ring: KeyRingDocument = await ringOf(scene);
    const bytes = (await readFile(scene.path)).subarray(0, 200);
    await writeFile(scene.path, bytes);

    const direct = await failure(scene.store.write({ ...ring, revision: 6 }, { revision: 5 }));
    const step = await failure(scene.manager().canary(10));

    for (const error of [direct, step]) expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    expect(await readFile(scene.path)).toEqual(bytes);
    expect((await readdir(dirname(scene.path))).toSorted()).toEqual(['gold.ring.json', 'master.key']);
  });

  it('keeps its mode when it is written', async () => {
    const scene = await full();
    await fs.promises.chmod(scene.path, 0o640);

    await scene.manager().canary(10);

    expect((await fs.promises.stat(scene.path)).mode & 0o777).toBe(0o640);
    expect(await statesOf(scene)).toEqual({ v1: 'previous', v2: 'current', v3: 'pending' });
  });
});

describe('a manager', () => {
  it.each([
    { ring: undefined },
    { name: '' },
    { cipher: [] },
    { probe: 'yes' },
    { generate: {} },
    { notify: () => undefined },
    { notify: ['url'] },
    { overlap: 1 },
  ])('is not made with %j', async (wrong) => {
    const scene = await ringScene();

    expect(() => scene.manager(wrong as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each(['', undefined, 7])('has no file ring at %j', (path) => {
    expect(() => fileRing(path as string)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('a cipher of somebody else’s', () => {
  it('that names its own context alone still makes versions that readers take for this ring’s', async () => {
    const scene = await ringScene();
    const cipher = {
      ...scene.cipher,
      encrypt: async (...args: Parameters<typeof scene.cipher.encrypt>) => ({
        ...(await scene.cipher.encrypt(...args)),
        encryptionContext: scene.cipher.encryptionContext,
      }),
    };
    await scene.manager({ cipher }).init('the-first-key-0001');

    const found = await scene.store.read();

    expect(found?.ring.versions['v1']?.encryptionContext).toEqual({ ...CONTEXT, 'goldkey:ring': NAME });
  });
});

describe('metadata', () => {
  it.each([
    ['a promise that was not awaited', Promise.resolve({ ticket: 'OPS-7' })],
    ['an instance of Map', new Map([['ticket', 'OPS-7']])],
    ['an array', ['OPS-7']],
  ])('that is %s is refused, not taken for none', async (what, metadata) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    const error = await failure(scene.manager().stage(NEW, { metadata: metadata as never }));

    expect(error.message).toBe(`\`metadata\` must be an object of strings, got ${what}.`);
    expect(await statesOf(scene)).toEqual({ v1: 'current' });
  });
});

describe('a ring store that says `null` where it has no ring', () => {
  it('has none', async () => {
    const scene = await ringScene();
    const ring = { name: 'null-store', read: () => Promise.resolve(null as never), write: () => Promise.resolve() };

    expect(await failure(scene.manager({ ring }).status())).toMatchObject({ name: 'RotationError' });
    const load = fromKeyRing({ ring, name: NAME, cipher: scene.cipher }).load({ stage: 'current', signal });
    expect(await failure(load)).toMatchObject({ name: 'KeyNotFoundError', retryable: true });
  });
});
