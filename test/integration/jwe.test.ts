import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../src/core/index.js';
import { localCipher } from '../../src/providers/local/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { formsOf, run } from '../cli/run.js';
import { orSkip } from '../servers/or-skip.js';
import { run as runProgram } from '../servers/process.js';
import { installPython } from '../servers/python.js';

const KEY = 'sk-invented/+&=0123456789';
const CONTEXT = { service: 'gold-data-stream' };
const found = await orSkip(() => installPython('jwcrypto', 'jwcrypto>=1.5.6,<2'));

/** Makes a JWE from what the guide says of the format alone. Takes the master-key file, the context, the key and a change. */
const ENCRYPT = `
import hashlib, hmac, json, sys
from base64 import b64decode, urlsafe_b64encode
from jwcrypto import jwe, jwk
path, context, key, change = sys.argv[1:]
encode = lambda data: urlsafe_b64encode(data).decode().rstrip('=')
master = b64decode(open(path).read())
canonical = json.dumps(json.loads(context), sort_keys=True, separators=(',', ':'), ensure_ascii=False)
header = {
    'alg': 'dir',
    'enc': 'A256GCM',
    'kid': 'local-' + hmac.new(b'goldkey/fingerprint/1', master, hashlib.sha256).hexdigest()[:16],
    'ctx': encode(hashlib.sha256(canonical.encode()).digest()),
    **json.loads(change),
}
secret = master if header['enc'] == 'A256GCM' else master[:16]
message = jwe.JWE(key.encode(), json.dumps(header))
message.add_recipient(jwk.JWK(kty='oct', k=encode(secret)))
print(message.serialize(compact=True))
`;

describe.skipIf(found.skipped !== undefined)(`the local format and jwcrypto ${found.skipped ?? ''}`, () => {
  let folder: string;
  let masterKeyFile: string;
  beforeAll(async () => {
    folder = makeTempFolder('goldkey-jwe-');
    masterKeyFile = join(folder, 'master.key');
    const made = await run(['create-key', '--local', '--master-key', masterKeyFile]);
    expect(made.code, made.stderr).toBe(0);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const local = (): string[] => ['--local', '--master-key', masterKeyFile];
  const flags = (context: object): string[] => ['--encryption-context', JSON.stringify(context)];

  /** Runs a Python program in the folder of the master key. Resolves to what it printed. */
  async function python(program: string, ...argv: readonly string[]): Promise<string> {
    const { stdout } = await runProgram(join(found.server as string, 'python'), ['-c', program, ...argv], {
      cwd: folder,
      timeout: 30_000,
    });
    return stdout.trim();
  }

  /** Returns the program in the guide, which leaves the key in `api_key`. */
  async function readGuide(): Promise<string> {
    const guide = await readFile('examples/stores/README.md', 'utf8');
    const program = guide.split('```python\n')[1]?.split('```')[0] ?? '';
    expect(program.trim().split('\n')).toHaveLength(5);
    return `${program}print(api_key)`;
  }

  it('the five lines of the guide open what `goldkey encrypt --local` printed', async () => {
    const ran = await run(['encrypt', ...local(), ...flags(CONTEXT)], { piped: `${KEY}\n` });
    await writeFile(join(folder, 'key.enc'), ran.stdout);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const form of formsOf(KEY)) expect(ran.stdout).not.toContain(form);
    expect(await python(await readGuide())).toBe(KEY);
  });

  it('they open none under another master key, and none that was changed', async () => {
    const other = join(folder, 'other.key');
    await run(['create-key', '--local', '--master-key', other]);
    const foreign = await localCipher({ masterKeyFile: other, encryptionContext: CONTEXT }).encrypt(KEY);
    const own = await localCipher({ masterKeyFile, encryptionContext: CONTEXT }).encrypt(KEY);
    const [header = '', ...rest] = own.ciphertext.split('.');
    const unbound = JSON.stringify({ alg: 'dir', enc: 'A256GCM' });
    const changed = [Buffer.from(unbound).toString('base64url'), ...rest].join('.');

    expect(header).not.toBe('');
    for (const ciphertext of [foreign.ciphertext, changed]) {
      await writeFile(join(folder, 'key.enc'), ciphertext);
      await expect(python(await readGuide())).rejects.toThrow('InvalidJWEData');
    }
  });

  it.each([
    ['one pair', CONTEXT],
    ['no pair', {}],
    [
      'names in the order of their characters',
      { service: 'gold', '10': 'ten', '9': 't\u00e9n "quoted"', Service: 'x' },
    ],
  ])('`goldkey verify` and localCipher open what jwcrypto made with %s', async (_, context) => {
    const jwe = await python(ENCRYPT, masterKeyFile, JSON.stringify(context), KEY, '{}');

    const ran = await run(['verify', ...local(), ...flags(context), '--ciphertext', jwe, '--json']);
    const opened = await localCipher({ masterKeyFile, encryptionContext: context }).decrypt(jwe);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY), length: KEY.length });
    expect(Buffer.from(opened).toString()).toBe(KEY);
  });

  it.each([
    ['compression', { zip: 'DEF' }, 'exactly'],
    ['a member more', { cty: 'text/plain' }, 'exactly'],
    ['a wrapped key', { alg: 'A256KW' }, 'encrypted key'],
    ['another cipher', { enc: 'A128GCM' }, 'A256GCM'],
    ['another `kid`', { kid: `local-${'0'.repeat(16)}` }, 'another master key'],
    ['another `ctx`', { ctx: Buffer.alloc(32).toString('base64url') }, '--encryption-context differs'],
  ])('`goldkey verify` refuses what jwcrypto made with %s', async (_, change, says) => {
    const jwe = await python(ENCRYPT, masterKeyFile, JSON.stringify(CONTEXT), KEY, JSON.stringify(change));

    const ran = await run(['verify', ...local(), ...flags(CONTEXT), '--ciphertext', jwe]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(says);
    for (const part of jwe.split('.').filter((each) => each !== '')) expect(ran.stderr).not.toContain(part);
    for (const form of formsOf(KEY)) expect(ran.stderr).not.toContain(form);
  });
});
