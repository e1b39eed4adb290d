import { mkdir, mkdtemp, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Whether a folder is on tmpfs. */
export const inMemory = (folder: string): Promise<boolean> =>
  statfs(folder).then(
    ({ type }) => type === 0x0102_1994,
    () => false,
  );

/** A folder that goes when the test does. */
export async function folderFor(place: string = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(place, 'goldkey-file-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A volume as the kubelet writes it: each state in a folder of its own, and `..data` leads to the one that counts. */
export class SecretVolume {
  readonly folder: string;
  #state: string | undefined;
  #states = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where a key of it is mounted. */
  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** Swaps in another state, and takes the one before away. */
  async write(files: Record<string, string>, mode = 0o644): Promise<void> {
    const before = this.#state;
    const state = `..2026_11_22_12_00_00.${String(++this.#states)}`;
    await mkdir(join(this.folder, state));
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(this.folder, state, name), content, { mode });
    }
    await symlink(state, join(this.folder, '..data_tmp'));
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
    this.#state = state;
    for (const name of before === undefined ? Object.keys(files) : []) {
      await symlink(join('..data', name), this.pathOf(name));
    }
    if (before !== undefined) await rm(join(this.folder, before), { recursive: true });
  }
}
