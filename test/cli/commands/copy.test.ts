import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
let here: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key'), '--encryption-context', 'service=gold'];
  here = join(folder.path, 'api.key');
  await run(['create-key', ...local.slice(0, 3)]);
  await writeFile(here, `${KEY}\n`, { mode: 0o600 });
});
afterEach(() => folder[Symbol.asyncDispose]());

async function copy(...argv: string[]): Promise<Ran> {
  const ran = await run(['copy', ...argv]);
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

describe('copy', () => {
  it('takes a key from a file to a ciphertext, and back into a file of mode 0600', async () => {
    const encrypted = await copy('--from', `file://${here}`, ...local);
    const there = join(folder.path, 'again.key');
    const back = await copy('--ciphertext', encrypted.stdout.trim(), ...local, '--to', `file://${there}`, '--json');

    expect(encrypted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^eyJ[\w-]+\.(\.[\w-]+){3}\n$/) });
    expect(encrypted.stderr).toContain('The key was read back from the new place and is the same.');
    expect(back.code, back.stderr).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY) });
    expect(await readFile(there, 'utf8')).toBe(KEY);
    expect((await stat(there)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder.path)).toSorted()).toEqual(['again.key', 'api.key', 'master.key']);
  });

  it('takes the current key of a ring', async () => {
    const ring = ['--ring', join(folder.path, 'gold.ring.json')];
    await run(['rotate', 'init', ...ring, ...local, '--key-file', here]);
    const there = join(folder.path, 'again.key');

    const ran = await copy(...ring, ...local, '--to', `file://${there}`);

    expect(ran.code, ran.stderr).toBe(0);
    expect(await readFile(there, 'utf8')).toBe(KEY);
  });

  it('leaves what was there when it cannot write', async () => {
    const ran = await copy('--from', `file://${here}`, '--to', `file://${join(folder.path, 'no', 'such', 'folder')}`);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('could not be written (ENOENT)');
    expect((await readdir(folder.path)).toSorted()).toEqual(['api.key', 'master.key']);
  });

  it.each([
    [[], '--from and --to are required'],
    [['--ciphertext', 'AAAA'], '--to is required'],
    [['--from', 'ftp://x', '--to', 'file://x'], '--from must start with vault://'],
    [['--from', 'file://HERE', '--to', 'env://X'], '--to must start with vault://'],
    [['--from', 'file://HERE', '--to', 'vault://secret'], 'must name a mount and a path'],
    [['--from', 'file://HERE', '--to', 'azure-key-vault://x'], 'must name a vault and a secret'],
    [
      ['--from', 'file://HERE'],
      '--to is required, e.g. --to vault://secret/gold#api_key (or --key-id and --encryption-context',
    ],
    [['--from', 'file://HERE', '--key-id', 'alias/x'], '--encryption-context is required'],
  ])('of %j exits 2', async (argv, message) => {
    const ran = await copy(...argv.map((part) => part.replace('HERE', here)));

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
  });
});
