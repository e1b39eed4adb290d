import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const CONTEXT = ['--encryption-context', 'service=gold-data-stream,environment=test'];
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let api: FakePriceApi;
let local: string[];
let ciphertext: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  api = await startFakePriceApi({ keys: [KEY] });
  local = ['--local', '--master-key', join(folder.path, 'master.key')];
  await run(['create-key', ...local]);
  ciphertext = (await run(['encrypt', ...local, ...CONTEXT], { piped: KEY })).stdout.trim();
});
afterAll(async () => {
  await api.close();
  await folder[Symbol.asyncDispose]();
});

function expectNoKey(ran: Ran): void {
  for (const form of formsOf(KEY)) {
    expect(ran.stdout).not.toContain(form);
    expect(ran.stderr).not.toContain(form);
  }
}

function priceArgv(): string[] {
  return ['price', ...local, ...CONTEXT, '--ciphertext', ciphertext, '--api-url', api.url];
}

describe('create-key --local', () => {
  it('creates the master key with mode 0600, and a second run changes nothing', async () => {
    const path = join(folder.path, 'another.key');
    const argv = ['create-key', '--local', '--master-key', path];

    const first = await run(argv);
    const content = await readFile(path, 'utf8');
    const second = await run([...argv, '--json']);

    expect(first).toMatchObject({ code: 0, stdout: `${path}\n` });
    expect(first.stderr).toContain('Created the master key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toEqual({ masterKeyFile: path, created: false });
    expect(second.stderr).toContain('there already');
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  it('asks for the path where a variable that is not set has left it empty', async () => {
    const ran = await run(['create-key', '--local', '--master-key', '']);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('--master-key is required');
  });

  it('names the command that closes a file, and nothing of AWS behind it', async () => {
    const path = join(folder.path, 'open.key');
    await run(['create-key', '--local', '--master-key', path]);
    await chmod(path, 0o644);
    const ran = await run(['create-key', '--local', '--master-key', path]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr.endsWith(`; close it: chmod 600 '${path}'\n`)).toBe(true);
  });

  it('fails on a file that is no master key', async () => {
    const path = join(folder.path, 'notes.txt');
    await writeFile(path, 'notes', { mode: 0o600 });

    const ran = await run(['create-key', '--local', '--master-key', path]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(await readFile(path, 'utf8')).toBe('notes');
  });
});

describe('encrypt --local', () => {
  it('prints a JWE alone, from a pipe, with or without a line break at the end', async () => {
    const ran = await run(['encrypt', ...local, ...CONTEXT], { piped: `${KEY}\n` });

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^eyJ[\w-]+\.(\.[\w-]+){3}\n$/);
    expectNoKey(ran);
  });

  it('reads --key-file', async () => {
    const path = join(folder.path, 'api.key');
    await writeFile(path, `${KEY}\r\n`);
    const ran = await run(['encrypt', ...local, ...CONTEXT, '--key-file', path, '--json']);

    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toEqual({
      ciphertext: expect.any(String),
      keyId: expect.any(String),
      encryptionContext: { service: 'gold-data-stream', environment: 'test' },
      fingerprint: computeFingerprint(KEY),
    });
    expectNoKey(ran);
  });

  it.each([
    ['a pipe', (path: string) => execFileSync('mkfifo', [path]), 'is not a regular file'],
    ['a directory', (path: string) => mkdir(path), 'is not a regular file'],
    ['a link to a device that never ends', (path: string) => symlink('/dev/zero', path), 'is not a regular file'],
    ['a file of 3 MB', (path: string) => writeFile(path, 'a'.repeat(3_000_000)), 'has 3000000 bytes'],
  ])('does not read %s', async (_, put, problem) => {
    const path = join(folder.path, 'obstacle');
    await rm(path, { recursive: true, force: true });
    await put(path);

    const ran = await run(['encrypt', ...local, ...CONTEXT, '--key-file', path]);
    const verified = await run(['verify', ...local, ...CONTEXT, '--ciphertext-file', path]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(`The file of --key-file ${problem}`);
    expect(verified).toMatchObject({ code: 1, stdout: '' });
    expect(verified.stderr).toContain(`The file of --ciphertext-file ${problem}`);
  });

  it('asks on a terminal, without showing what is typed', async () => {
    const typed = ['\u001B[200~', 'x', '\u007F', KEY, '\u001B[201~', '\u001B[D', '\r'];
    const ran = await run(['encrypt', ...local, ...CONTEXT, '--json'], { typed });

    expect(ran).toMatchObject({ code: 0, stderr: 'Key to encrypt (not shown): \n', raw: [true, false] });
    expect(JSON.parse(ran.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY) });
    expectNoKey(ran);
  });

  it('stops at Ctrl-C and gives the terminal back', async () => {
    const ran = await run(['encrypt', ...local, ...CONTEXT], { typed: [KEY, '\u0003'] });

    expect(ran).toMatchObject({ code: 130, stdout: '', raw: [true, false] });
    expect(ran.stderr).toContain('Interrupted: nothing was done.');
    expectNoKey(ran);
  });

  it('stops at Ctrl-D on an empty line', async () => {
    const ran = await run(['encrypt', ...local, ...CONTEXT], { typed: ['\u0004'] });

    expect(ran).toMatchObject({ code: 1, stdout: '', raw: [true, false] });
    expect(ran.stderr).toContain('The input ended before a line was typed: nothing was done.');
  });

  it.each([
    ['', 2, 'The key is empty: nothing was encrypted. Pipe it in, type it at the prompt, or use --key-file.'],
    ['\n', 2, 'The key is empty'],
    ['short', 1, 'at least 8 were expected'],
    [`${KEY} ${KEY}`, 1, `white space (0x20) at position ${String(KEY.length)}`],
    ['x'.repeat(5000), 1, 'longer than 4,096 bytes'],
  ])('refuses the key %# that no client would accept', async (piped, code, message) => {
    const ran = await run(['encrypt', ...local, ...CONTEXT, '--verbose'], { piped });

    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(message);
    expectNoKey(ran);
  });

  it('takes several contexts, and JSON', async () => {
    const contexts = ['--encryption-context', 'a=1,b=x=y', '--encryption-context', '{"c":"2, 3"}'];
    const ran = await run(['encrypt', ...local, ...contexts, '--json'], { piped: KEY });
    expect(JSON.parse(ran.stdout)).toMatchObject({ encryptionContext: { a: '1', b: 'x=y', c: '2, 3' } });
  });
});

describe('verify --local', () => {
  it('tells version, fingerprint and length', async () => {
    const ran = await run(['verify', ...local, ...CONTEXT, '--ciphertext', ciphertext]);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toBe(
      `version      ${/c-[0-9a-f]{8}/.exec(ran.stdout)?.[0] ?? ''}\nfingerprint  ${computeFingerprint(KEY)}\nlength       ${String(KEY.length)}\n`,
    );
    expectNoKey(ran);
  });

  it('reads --ciphertext-file and prints JSON', async () => {
    const path = join(folder.path, 'key.enc');
    await writeFile(path, `${ciphertext}\n`);
    const ran = await run(['verify', ...local, ...CONTEXT, '--ciphertext-file', path, '--json']);

    expect(JSON.parse(ran.stdout)).toEqual({
      version: expect.stringMatching(/^c-[0-9a-f]{8}$/),
      fingerprint: computeFingerprint(KEY),
      length: KEY.length,
    });
  });

  it('with a wrong context fails in one line that names the context’s keys', async () => {
    const wrong = ['--encryption-context', 'service=other-service,environment=test'];
    const ran = await run(['verify', ...local, ...wrong, '--ciphertext', ciphertext]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: [^\n]+\n$/);
    expect(ran.stderr).toMatch(/--encryption-context/);
    expect(ran.stderr).toMatch(/service/);
    expect(ran.stderr).toMatch(/environment/);
    expect(ran.stderr).not.toContain('other-service');
  });

  it('does not repeat a plaintext key given as the ciphertext', async () => {
    const ran = await run(['verify', ...local, ...CONTEXT, '--verbose', '--ciphertext', KEY]);

    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('looks like a plaintext key');
    expectNoKey(ran);
  });

  it('names a file it cannot read by its option', async () => {
    const ran = await run(['verify', ...local, ...CONTEXT, '--ciphertext-file', join(folder.path, 'none')]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('--ciphertext-file (ENOENT)') });
  });
});

describe('price --local', () => {
  it('prints the price, the request’s time and that the store was called', async () => {
    const ran = await run(priceArgv());

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [first, second, third] = ran.stdout.split('\n');
    expect(first).toBe('XAU 2199.5136 USD per troy ounce');
    expect(second).toMatch(/^metals-api answered in \d+ ms; the price is of \d{4}-/);
    expect(third).toMatch(/^The local store was called once \(key c-[0-9a-f]{8}\)$/);
    expectNoKey(ran);
  });

  it('takes a symbol and prints JSON', async () => {
    const ran = await run([...priceArgv(), 'XAG', '--json']);

    expect(JSON.parse(ran.stdout)).toMatchObject({ metal: 'XAG', price: 25.34, store: 'local', loads: 1 });
    expectNoKey(ran);
  });

  it('says what to do about a key that the price API refuses', async () => {
    api.revoke(KEY);
    try {
      const ran = await run([...priceArgv(), '--verbose']);

      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain('Get the current key from the vendor');
      expect(ran.stderr).toContain('caused by PriceApiError: metals-api refused the API key (code 101, HTTP 401');
      expectNoKey(ran);
    } finally {
      api.accept(KEY);
    }
  });

  it.each(['quota', 'plan', 'implausible'] as const)('fails in one line when the price API says %s', async (fault) => {
    api.inject(fault);
    const ran = await run(priceArgv());

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: metals-api [^\n]+\n$/);
    expectNoKey(ran);
  });
});
