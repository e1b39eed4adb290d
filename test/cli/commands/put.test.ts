import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const OLD_KEY = 'sk"old/+&=0123456';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let there: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  there = join(folder.path, 'api.key');
});
afterEach(() => folder[Symbol.asyncDispose]());

async function put(options: Parameters<typeof run>[1], ...argv: string[]): Promise<Ran & { raw: boolean[] }> {
  const ran = await run(['put', '--store', `file://${there}`, ...argv], options);
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

describe('put', () => {
  it('writes a key that is typed without showing it, and reads it back', async () => {
    const ran = await put({ typed: `${KEY}\r` });

    expect(ran).toMatchObject({ code: 0, raw: [true, false] });
    expect(ran.stdout).toMatch(new RegExp(`^stored  ${computeFingerprint(KEY)}, now version \\S+\n$`));
    expect(ran.stderr).toContain('The key was read back from the store and is the same.');
    expect(await readFile(there, 'utf8')).toBe(KEY);
    expect((await stat(there)).mode & 0o777).toBe(0o600);
  });

  it('takes a key from a pipe or a file, and tells it as JSON', async () => {
    const source = join(folder.path, 'source');
    await writeFile(source, `${KEY}\n`);
    for (const ran of [await put({ piped: `${KEY}\n` }, '--json'), await put({}, '--json', '--key-file', source)]) {
      expect(ran.code, ran.stderr).toBe(0);
      expect(JSON.parse(ran.stdout)).toEqual({
        fingerprint: computeFingerprint(KEY),
        version: expect.any(String) as string,
      });
    }
  });

  it('says which key of a file it replaced', async () => {
    await put({ piped: OLD_KEY });
    const replaced = computeFingerprint(OLD_KEY);
    expect((await put({ piped: KEY })).stdout).toMatch(
      new RegExp(`^stored {2}[0-9a-f]{8}, now version [^;]+; it replaced the key ${replaced}\\n$`),
    );
    expect((await put({ piped: KEY })).stdout).not.toContain('replaced');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['a FIFO', async () => execFileSync('mkfifo', [there]), 'is not a regular file, and is not replaced'],
    ['a folder', () => mkdir(there), 'is not a regular file, and is not replaced'],
    [
      'a symbolic link',
      () => symlink('elsewhere', there),
      'is a symbolic link, and is not replaced; name the file itself',
    ],
  ])('leaves %s in the place of the file as it is', async (_, make, says) => {
    await writeFile(join(folder.path, 'elsewhere'), OLD_KEY);
    await make();
    const { ino } = await lstat(there);
    const ran = await put({ piped: KEY });

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect((await lstat(there)).ino).toBe(ino);
    expect(await readFile(join(folder.path, 'elsewhere'), 'utf8')).toBe(OLD_KEY);
  });

  it.each([
    ['two\nlines-of-a-key', 'position'],
    ['short', 'at least 8 were expected'],
    ['', 'The key is empty'],
  ])('refuses %j, which no client would accept, before anything is written', async (piped, says) => {
    const ran = await put({ piped });

    expect(ran).toMatchObject({ code: piped === '' ? 2 : 1, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each([
    [[], '--store is required'],
    [['--store', 'env://GOLD'], '--store must start with vault://, secrets-manager://, ssm://, azure-key-vault://'],
    [['--store', 'vault-transit://transit/gold'], '--store must start with vault://'],
    [['--store', KEY], '--store must start with vault://'],
  ])('of %j is wrong usage, before a key is asked for', async (argv, says) => {
    const ran = await run(['put', ...argv], { typed: [] });

    expect(ran).toMatchObject({ code: 2, stdout: '', raw: [] });
    expect(ran.stderr).toContain(says);
    expect(ran.stderr).not.toContain(KEY);
  });

  it.each([
    [KEY, 0, 'The key was read back from the store and is the same.'],
    ['another-key-0001', 1, 'The key that was read back differs: check who else writes to that store.'],
  ])('compares what a store then has, %j, and ends with %d', async (held, code, says) => {
    const vault = createServer((request, response) => {
      const data = request.method === 'GET' ? { data: { value: held }, metadata: { version: 1 } } : { version: 1 };
      request.resume().on('end', () => response.end(JSON.stringify({ data })));
    });
    await new Promise<void>((resolve) => void vault.listen(0, '127.0.0.1', resolve));
    try {
      vi.stubEnv('VAULT_ADDR', `http://127.0.0.1:${String((vault.address() as AddressInfo).port)}`);
      vi.stubEnv('VAULT_TOKEN', 'a-token');
      const ran = await run(['put', '--store', 'vault://secret/gold'], { piped: KEY });

      expect(ran.code, ran.stderr).toBe(code);
      expect(ran.stderr).toContain(says);
      for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
    } finally {
      vi.unstubAllEnvs();
      vault.closeAllConnections();
      vault.close();
    }
  });
});
