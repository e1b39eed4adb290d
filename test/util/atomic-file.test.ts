import { chmod, link, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishFile } from '../../src/util/atomic-file.js';
import { failure } from '../providers/loading.js';
import { folderFor } from '../providers/secret-files.js';

describe('publishFile', () => {
  it('shows the file whole, with its mode, and leaves no draft', async () => {
    const folder = await folderFor();
    const path = join(folder, 'key');
    const umask = process.umask(0o777);

    await publishFile(path, 'content', 0o640, (draft) => rename(draft, path)).finally(() => process.umask(umask));

    expect((await stat(path)).mode & 0o777).toBe(0o640);
    await chmod(path, 0o600);
    expect(await readFile(path, 'utf8')).toBe('content');
    expect(await readdir(folder)).toEqual(['key']);
  });

  it('hands over a draft that is complete and lies in the same folder under a hidden name', async () => {
    const folder = await folderFor();
    const seen: string[] = [];

    await publishFile(join(folder, 'key'), 'content', undefined, async (draft) => {
      seen.push(draft, await readFile(draft, 'utf8'));
    });

    expect(seen[0]).toMatch(/[/\\]\.key\.[\da-f]{12}\.draft$/);
    expect(seen[1]).toBe('content');
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves everything as it was when it cannot be published', async () => {
    const folder = await folderFor();
    const path = join(folder, 'key');
    await writeFile(path, 'before');

    const error = await failure(publishFile(path, 'after', 0o600, (draft) => link(draft, path)));

    expect(error).toMatchObject({ code: 'EEXIST' });
    expect(await readFile(path, 'utf8')).toBe('before');
    expect(await readdir(folder)).toEqual(['key']);
  });
});
