import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PriceDesk } from '../../../core/helpers.js';
import { host, nextLife } from '../../fleet.js';
import { failure, NEW, OLD, ringOf, statesOf } from '../../rings.js';
import { ringScene, type RingScene } from '../../scene.js';

/** What may stand in the place of a file. */
const OBSTACLES: Record<string, (path: string) => Promise<unknown> | void> = {
  'a directory': (path) => mkdir(path),
  'a pipe': (path) => void execFileSync('mkfifo', [path]),
  'a socket': (path) =>
    new Promise<void>((resolve) => {
      const server = createServer().listen(path, resolve);
      onTestFinished(() => void server.close());
    }),
  'a link to a device that never ends': (path) => symlink('/dev/zero', path),
  'a link to itself': (path) => symlink(path, path),
  'a file of 3 MB': (path) => writeFile(path, Buffer.alloc(3_000_000, ' ')),
  'a file that may not be read': async (path) => {
    await writeFile(path, '{}');
    const { openSync } = fs;
    const spy = vi.spyOn(fs, 'openSync').mockImplementation((...args) => {
      if (args[0] === path) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      return openSync(...args);
    });
    syncBuiltinESMExports();
    onTestFinished(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
  },
};

async function made(): Promise<RingScene> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  return scene;
}

describe.each(Object.entries(OBSTACLES))('%s in the place of the ring', (_, put) => {
  it('leaves the key of a client in use, and the ring is followed once it is back', async () => {
    const scene = await made();
    const { calls, events } = host(scene, new PriceDesk(OLD, NEW));
    await calls(1);
    const whole = await readFile(scene.path);
    await rm(scene.path);
    await put(scene.path);

    await nextLife(scene);
    const meanwhile = await calls(3);

    expect(meanwhile).toEqual(['v1', 'v1', 'v1']);
    expect(events).toContain('load-failed');
    vi.restoreAllMocks();
    syncBuiltinESMExports();
    await rm(scene.path, { recursive: true });
    await writeFile(scene.path, whole);
    await scene.manager().stage(NEW);
    await scene.manager().promote();
    await nextLife(scene);
    expect(await calls(1)).toEqual(['v2']);
  });

  it('is retryable for readers, final for writers, and stays', async () => {
    const scene = await made();
    const ring = await ringOf(scene);
    await rm(scene.path);
    await put(scene.path);
    const before = fs.lstatSync(scene.path).ino;

    const reads = [await failure(scene.store.read()), await failure(scene.manager().status())];
    const writes = [
      await failure(scene.store.write({ ...ring, revision: 2, writeId: 'a write' }, { revision: 1 })),
      await failure(scene.manager().stage(NEW)),
      await failure(scene.manager().revert()),
    ];

    for (const error of reads) expect(error).toMatchObject({ retryable: true, provider: 'file' });
    for (const error of writes) expect(error).toMatchObject({ retryable: false });
    expect(fs.lstatSync(scene.path).ino).toBe(before);
  });
});

describe.each(Object.entries(OBSTACLES))('%s in the place of a claim', (_, put) => {
  it('is told to a writer, and readers read on', async () => {
    const scene = await made();
    await put(`${scene.path}.2`);
    const now = Date.now();
    const spy = vi.spyOn(Date, 'now').mockImplementation(() => now + 2_000);
    onTestFinished(() => spy.mockRestore());

    const error = await failure(scene.manager().stage(NEW));

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: false });
    expect(error.message).toContain('is in the way');
    expect(await statesOf(scene)).toEqual({ v1: 'current' });
  });
});

describe.each(Object.entries(OBSTACLES))('%s in the place of the lease', (_, put) => {
  it('fails the lease, not the ring', async () => {
    const scene = await made();
    await put(`${scene.path}.lease`);

    const error = await failure(scene.store.lease?.('holder', 60_000) as Promise<unknown>);

    expect(error).toMatchObject({ provider: 'file' });
    expect(await statesOf(scene)).toEqual({ v1: 'current' });
  });
});
