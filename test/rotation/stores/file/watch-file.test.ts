import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fileRing } from '../../../../src/rotation/index.js';
import { ringScene } from '../../scene.js';

/** Subscribes to a file; `heard` resolves with the next notice, which the file system sends when it likes. */
async function listening(path: string): Promise<{ heard: () => Promise<void> }> {
  let told = 0;
  const stop = (await fileRing(path).subscribe?.(() => void told++)) ?? (() => Promise.resolve());
  onTestFinished(() => stop());
  return {
    async heard() {
      const before = told;
      await vi.waitFor(() => expect(told).toBeGreaterThan(before), { timeout: 10_000, interval: 5 });
    },
  };
}

async function folderIn(folder: string, name: string): Promise<string> {
  await mkdir(join(folder, name));
  return join(folder, name);
}

describe('the notices of a ring in a file', () => {
  it('come when the file is replaced, and when it is rewritten in place', async () => {
    const { path } = await ringScene();
    await writeFile(path, '1');
    const { heard } = await listening(path);

    const first = heard();
    await writeFile(`${path}.new`, '2');
    await rename(`${path}.new`, path);
    await first;
    const second = heard();
    await writeFile(path, '3');
    await second;
  });

  it('come when its folder has gone, has come back, and then for each change', async () => {
    const { folder } = await ringScene();
    const own = await folderIn(folder, 'own');
    const path = join(own, 'ring.json');
    await writeFile(path, '1');
    const { heard } = await listening(path);

    const gone = heard();
    await rm(own, { recursive: true });
    await gone;
    const back = heard();
    await folderIn(folder, 'own');
    await back;
    const changed = heard();
    await writeFile(path, '2');
    await changed;
  });

  it('come when its folder is swapped for another', async () => {
    const { folder } = await ringScene();
    const path = join(await folderIn(folder, 'own'), 'ring.json');
    const { heard } = await listening(path);

    const swapped = heard();
    await rename(join(folder, 'own'), join(folder, 'before'));
    await folderIn(folder, 'own');
    await swapped;
    await heardAfter(heard, () => writeFile(path, '2'));
  });

  it('come when a link beside the ring is led elsewhere, and of what it then leads to', async () => {
    const { folder } = await ringScene();
    const path = join(folder, 'ring.json');
    for (const name of ['one', 'two']) await writeFile(join(folder, name), name);
    await symlink('one', path);
    const { heard } = await listening(path);

    const led = heard();
    await symlink('two', join(folder, 'link'));
    await rename(join(folder, 'link'), path);
    await led;
    await heardAfter(heard, () => writeFile(join(folder, 'two'), '2'));
  });

  it('come no more after the subscription has ended', async () => {
    const { path } = await ringScene();
    let late = 0;
    const stop = await fileRing(path).subscribe?.(() => void late++);
    await stop?.();
    const { heard } = await listening(path);

    const others = heard();
    await writeFile(path, '1');
    await others;

    expect(late).toBe(0);
  });

  it('cannot be subscribed to where there is no folder yet', async () => {
    const { folder } = await ringScene();

    await expect(fileRing(join(folder, 'nowhere', 'ring.json')).subscribe?.(() => undefined)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

/** The watch is being led elsewhere meanwhile: the change is repeated until it is heard. */
async function heardAfter(heard: () => Promise<void>, change: () => Promise<void>): Promise<void> {
  const repeated = setInterval(() => void change(), 50);
  try {
    await heard();
  } finally {
    clearInterval(repeated);
  }
}
