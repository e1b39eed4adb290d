import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startFakeKms } from '../../src/testing/fake-kms/server.js';
import { formsOf, temporaryFolder } from './run.js';

const BIN = fileURLToPath(new URL('../../dist/esm/cli/bin.js', import.meta.url));
const KEY = 'sk-invented/+&=0123456789';
/** Sends a signal when a file has been written and is being synced, which then takes long. */
const slowDisk = (signal: NodeJS.Signals): string =>
  `data:text/javascript,${encodeURIComponent(`
  import { open } from 'node:fs/promises';
  const file = await open(process.execPath);
  file.constructor.prototype.sync = () => {
    process.kill(process.pid, '${signal}');
    return new Promise((resolve) => setTimeout(resolve, 60_000));
  };
  await file.close();
`)}`;
// `npm test` builds first; a bare vitest run may find nothing built.
const built = existsSync(BIN);
const missing = built ? '' : 'SKIPPED: nothing is built, run `npm run build:js`';
if (!built && (process.env['CI'] ?? '') !== '') throw new Error(missing);

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

async function goldkey(argv: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  const running = promisify(execFile)(process.execPath, [BIN, ...argv], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  running.child.stdin?.end(input);
  return running.then(
    (output) => ({ code: 0, ...output }),
    (error: Ran) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

describe.skipIf(!built)(`the published command ${missing}`, () => {
  it('tells its demo in a pipe, without colour, and exits with 0', async () => {
    const ran = await goldkey(['demo']);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('All of it happened as told.');
    expect(ran.stdout).not.toContain('\u001B');
  });

  it('exits with 2 for a command it does not know', async () => {
    expect(await goldkey(['no-such'])).toMatchObject({ code: 2, stdout: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('says in a line that its output could not be written', async () => {
    const writing = promisify(execFile)('sh', ['-c', '"$0" "$1" --version > /dev/full', process.execPath, BIN]);

    await expect(writing).rejects.toMatchObject({
      code: 1,
      stderr: 'goldkey: The output could not be written (ENOSPC).\n',
    });
  });

  describe.each([
    ['put', (at: string) => ['put', '--store', `file://${at}`]],
    ['create-key', (at: string) => ['create-key', '--local', '--master-key', at]],
  ])('`%s` in the middle of a write', (_, argv) => {
    it.each([
      ['Ctrl-C', 'SIGINT', 130],
      ['SIGTERM', 'SIGTERM', 143],
      ['a terminal that hangs up', 'SIGHUP', 129],
    ] as const)('leaves no draft of a key when %s ends it', async (_name, signal, code) => {
      await using folder = await temporaryFolder();
      const env = { NODE_OPTIONS: `--import=${slowDisk(signal)}` };
      const ran = await goldkey(argv(join(folder.path, 'file')), env, KEY);

      expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringContaining('goldkey: Interrupted: the ') });
      expect(await readdir(folder.path)).toEqual([]);
    });
  });

  it('encrypts from a pipe and verifies, without a word of the SDK about Node.js', async () => {
    await using kms = await startFakeKms();
    const env = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'invented' };
    const rest = ['--encryption-context', 'a=b', '--endpoint-url', kms.url, '--region', kms.region];

    const encrypted = await goldkey(['encrypt', '--key-id', 'alias/gold-api-keys', ...rest], env, `${KEY}\n`);
    const verified = await goldkey(['verify', '--ciphertext', encrypted.stdout.trim(), ...rest], env);
    const wrong = [...rest.slice(0, 1), 'a=c', ...rest.slice(2)];
    const refused = await goldkey(['verify', '--ciphertext', encrypted.stdout.trim(), ...wrong], env);

    expect(encrypted).toMatchObject({ code: 0, stderr: '' });
    expect(verified).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('length       25') });
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^goldkey: [^\n]+\n$/) });
    const all = JSON.stringify([encrypted, verified, refused]);
    for (const form of formsOf(KEY)) expect(all).not.toContain(form);
  });
});
