import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formsOf, run, temporaryFolder } from './run.js';

const SECRETS = ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k'];
const CONTEXT = ['--encryption-context', 'service=gold-data-stream'];
const CIPHERTEXT = ['--ciphertext', 'QUJD'.repeat(30)];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
beforeAll(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key')];
  await run(['create-key', ...local]);
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Where a key may be typed by mistake. */
const PLACES: Readonly<Record<string, (secret: string) => string[]>> = {
  'encrypt --key': (secret) => ['encrypt', '--key', secret],
  'encrypt --key=': (secret) => ['encrypt', `--key=${secret}`],
  'encrypt --api-key': (secret) => ['encrypt', '--key-id', 'alias/x', '--api-key', secret],
  'encrypt -k': (secret) => ['encrypt', '-k', secret],
  'encrypt --key-id': (secret) => ['encrypt', '--key-id', secret, ...CONTEXT],
  'encrypt --key-id --store': (secret) => ['encrypt', '--store', secret, ...CONTEXT],
  'encrypt with the key alone': (secret) => ['encrypt', ...local, ...CONTEXT, secret],
  'encrypt --master-key': (secret) => ['encrypt', '--local', '--master-key', secret, ...CONTEXT],
  'encrypt --key-file': (secret) => ['encrypt', ...local, ...CONTEXT, '--key-file', secret],
  'create-key --master-key': (secret) => ['create-key', '--local', '--master-key', secret],
  'create-key --alias': (secret) => ['create-key', '--alias', secret],
  'an option': (secret) => ['verify', `--${secret}`],
  'an option of letters': () => ['verify', '--qwertyuiopasdfghjklzxcvb'],
  'a command': (secret) => [secret],
  'a name in the context': (secret) => ['encrypt', ...local, '--encryption-context', `{"${secret}":1}`],
  'a name given twice': (secret) => ['encrypt', ...local, '--encryption-context', `${secret}=a,${secret}=b`],
  'verify --ciphertext-file': (secret) => ['verify', ...local, ...CONTEXT, '--ciphertext-file', secret],
  'verify --ring': (secret) => ['verify', ...local, ...CONTEXT, '--ring', secret],
  'verify --ring and --name': (secret) => ['verify', ...local, ...CONTEXT, '--ring', 'none.json', '--name', secret],
  'rotate status --ring': (secret) => ['rotate', 'status', '--ring', secret],
  'rotate promote --ring --name': (secret) => [
    ...['rotate', 'promote', ...local, ...CONTEXT],
    ...['--ring', join('none', 'gold.json'), '--name', secret],
  ],
  'verify --store file://': (secret) => ['verify', '--store', `file://${secret}`],
  'verify --store env://': (secret) => ['verify', '--store', `env://${secret}`],
  'copy --to file://': (secret) => ['copy', ...local, ...CONTEXT, ...CIPHERTEXT, '--to', `file://none/${secret}`],
  'price --api': (secret) => ['price', ...local, ...CONTEXT, ...CIPHERTEXT, '--api', secret],
  'price --api-url': (secret) => ['price', ...local, ...CONTEXT, ...CIPHERTEXT, '--api-url', secret],
  'scan with the key as path': (secret) => ['scan', secret],
  'scan --key': (secret) => ['scan', '--key', secret],
  'scan --max-file-size': (secret) => ['scan', '--max-file-size', secret],
  'scan --staged with the key as path': (secret) => ['scan', '--staged', secret],
  'price with the key as symbol': (secret) => ['price', ...local, ...CONTEXT, ...CIPHERTEXT, secret],
};

describe.each(Object.entries(PLACES))('a key typed as %s', (_, argv) => {
  it.each(SECRETS)('is not repeated: %s', async (secret) => {
    const ran = await run([...argv(secret), '--verbose'], { piped: 'an-invented-key' });

    expect(ran.code).not.toBe(0);
    expect(ran.stdout).toBe('');
    for (const form of [...formsOf(secret), 'qwertyuiop']) expect(ran.stderr).not.toContain(form);
    expect(ran.stderr).toMatch(/^goldkey: [^\n]{15,}\n/);
    expect(existsSync(secret)).toBe(false);
  });
});

describe('a key given to `encrypt` as an option', () => {
  const [secret = ''] = SECRETS;

  it.each([
    [['--key', secret]],
    [[`--key=${secret}`]],
    [['--api-key', secret]],
    [['--apikey', secret]],
    [['--secret', secret]],
    [['-k', secret]],
    [[secret]],
  ])('is pointed to the prompt, stdin and --key-file, never to --key-id: %j', async (argv) => {
    const { code, stderr } = await run(['encrypt', ...local, ...CONTEXT, ...argv], { piped: 'an-invented-key' });

    expect(code).toBe(2);
    for (const way of ['prompt', 'stdin', '--key-file']) expect(stderr).toContain(way);
    expect(stderr).not.toContain('--key-id');
  });

  it('may be a misspelt --key-file, which is suggested', async () => {
    const { stderr } = await run(['encrypt', ...local, ...CONTEXT, '--key-fil', 'x']);
    expect(stderr).toContain('Did you mean --key-file?');
  });

  it('is not advised to a prompt where no command reads a key', async () => {
    const { stderr } = await run(['price', '--key', secret]);

    expect(stderr).toContain('A key never comes from the command line');
    expect(stderr).not.toMatch(/--key-(?:id|file)/);
  });
});

describe('the JSON of --encryption-context', () => {
  it.each(['{"a":["b"]}', '{"a":{"b":"c"}}', '{"a":null}', '{"a":true}', '{"a":"b","c":4711471147}'])(
    'has strings as values: not %s',
    async (json) => {
      const ran = await run(['encrypt', ...local, '--encryption-context', json], { piped: 'an-invented-key' });

      expect(ran).toMatchObject({ code: 2, stdout: '' });
      expect(ran.stderr).toMatch(/`[ac]` must be a string/);
      expect(ran.stderr).not.toContain('4711471147');
    },
  );

  it.each(['[]', '["service","gold"]', 'null', '"service"', '4711'])('is an object: not %s', async (json) => {
    const ran = await run(['encrypt', ...local, '--encryption-context', json], { piped: 'an-invented-key' });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('a key that no client would accept', () => {
  it.each(['an invented key', 'short', 'an-invented-kéy', 'an-invented\nkey'])(
    'is not encrypted: %j',
    async (piped) => {
      const ran = await run(['encrypt', ...local, ...CONTEXT], { piped });

      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(/^goldkey: The key (?:has|is only) [^\n]+\n$/);
      expect(ran.stderr).not.toContain(piped);
    },
  );
});
