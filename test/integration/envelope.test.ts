import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { envelope, fromEnvelope } from '../../src/envelope/index.js';
import { KeyedClient, type KeyCipher } from '../../src/index.js';
import { kmsCipher } from '../../src/providers/kms/index.js';
import { transitCipher } from '../../src/providers/vault/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { run } from '../cli/run.js';
import { failureOf, through } from '../envelope/scene.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { run as runProgram } from '../servers/process.js';
import { installPython } from '../servers/python.js';
import { startVault, type Vault } from '../servers/vault.js';

const CONTEXT = { service: 'gold-data-stream' };
const SIZES = [0, 1, 4_095, 4_096, 4_097, 1_048_576] as const;
const SUITES = { signed: '020578', unsigned: '020478' } as const;

const PYTHON = `
import hashlib, json, sys, aws_encryption_sdk
from aws_encryption_sdk.identifiers import AlgorithmSuite
folder, key, work = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = aws_encryption_sdk.EncryptionSDKClient()
provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=key.split(','))
suites = {
    'signed': AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
    'unsigned': AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
}
for task in work:
    source = open(folder + '/' + task['from'], 'rb').read()
    if task['do'] == 'encrypt':
        result, _ = client.encrypt(
            source=source, key_provider=provider, encryption_context=task['context'],
            algorithm=suites[task['suite']], frame_length=task.get('frame', 4096),
        )
    else:
        result, header = client.decrypt(source=source, key_provider=provider)
        assert task['context'].items() <= header.encryption_context.items()
    open(folder + '/' + task['to'], 'wb').write(result)
`;

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const found = await orSkip(async () => ({
  python: await installPython('aws-encryption-sdk', 'aws-encryption-sdk==4.0.7'),
  moto: await startMoto(),
}));

describe.skipIf(found.skipped !== undefined)(`Python's aws-encryption-sdk on moto ${found.skipped ?? ''}`, () => {
  const { moto, python: programs } = (found.server ?? {}) as { moto: Moto; python: string };
  const data = new Map<number, Buffer>(SIZES.map((size) => [size, randomBytes(size)]));
  let folder: string;
  let [arn, otherArn] = ['', ''];
  let cipher: KeyCipher;

  const kms = (keyId: string, encryptionContext = CONTEXT): KeyCipher =>
    kmsCipher({ keyId, encryptionContext, region: moto.region, clientConfig: { endpoint: moto.url } });
  async function createKey(alias: string): Promise<string> {
    const flags = ['--endpoint-url', moto.url, '--region', moto.region, '--json'];
    const ran = await run(['create-key', '--alias', alias, ...flags]);
    return (JSON.parse(ran.stdout) as { arn: string }).arn;
  }
  /** Has Python encrypt or decrypt files of the folder. */
  async function python(key: string, work: readonly object[], program = PYTHON): Promise<void> {
    await runProgram(join(programs, 'python'), ['-c', program, folder, key, JSON.stringify(work)], {
      env: { ...process.env, ...MOTO_ENV, AWS_ENDPOINT_URL_KMS: moto.url },
      timeout: 50_000,
    });
  }
  const read = (name: string): Promise<Buffer> => readFile(join(folder, name));
  const write = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(folder, name), bytes);

  beforeAll(async () => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    folder = makeTempFolder('goldkey-envelope-');
    arn = await createKey('alias/gold-api-keys');
    otherArn = await createKey('alias/other');
    cipher = kms(arn);
    for (const [size, bytes] of data) await write(`${String(size)}.plain`, bytes);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it.each(['signed', 'unsigned'] as const)('opens what envelope() made, %s, by each of its methods', async (suite) => {
    const sealed = envelope({ cipher, signed: suite === 'signed' });
    const work: { do: string; from: string; to: string; context: object }[] = [];
    for (const [size, bytes] of data) {
      const name = `${suite}-${String(size)}`;
      await write(`${name}.js`, await sealed.encrypt(bytes, { bind: { tenant: 'a' } }));
      await write(`${name}-stream.js`, await through(sealed.encryptStream({ bind: { tenant: 'a' } }), [bytes]));
      for (const each of [name, `${name}-stream`]) {
        work.push({ do: 'decrypt', from: `${each}.js`, to: `${each}.out`, context: { ...CONTEXT, tenant: 'a' } });
      }
    }
    await python(arn, work);

    for (const { from, to } of work) {
      const size = Number(/-(\d+)/.exec(from)?.[1]);
      expect([from, sha(await read(to))]).toEqual([from, sha(data.get(size) as Buffer)]);
      expect((await read(from)).subarray(0, 3).toString('hex')).toBe(SUITES[suite]);
    }
  });

  it.each([
    ['signed', 4_096],
    ['unsigned', 4_096],
    ['signed', 0],
    ['unsigned', 0],
    ['signed', 1_024],
  ] as const)('makes what envelope() opens: %s, in frames of %i bytes', async (suite, frame) => {
    const context = { ...CONTEXT, tenant: 'b' };
    const work = SIZES.map((size) => {
      const name = `${suite}-${String(frame)}-${String(size)}.py`;
      return { do: 'encrypt', from: `${String(size)}.plain`, to: name, context, suite, frame };
    });
    await python(arn, work);

    const sealed = envelope({ cipher, signed: suite === 'signed' });
    for (const [index, { to }] of work.entries()) {
      const message = await read(to);
      const expected = sha(data.get(SIZES[index] as number) as Buffer);
      expect(message.subarray(0, 3).toString('hex')).toBe(SUITES[suite]);
      expect([to, sha(await sealed.decrypt(message, { bind: { tenant: 'b' } }))]).toEqual([to, expected]);
      expect([to, sha(await through(sealed.decryptStream({ bind: { tenant: 'b' } }), [message]))]).toEqual([
        to,
        expected,
      ]);
      // KMS would take it: the message says under which context.
      expect((await failureOf(sealed.decrypt(message, { bind: { tenant: 'c' } }))).code).toBe('ERR_GOLDKEY_DECRYPT');
      expect((await failureOf(sealed.decrypt(message))).code).toBe('ERR_GOLDKEY_DECRYPT');
    }
  });

  it('makes a message under two keys, which a cipher with either opens, by key ARN or by alias', async () => {
    await python(`${otherArn},${arn}`, [
      { do: 'encrypt', from: '4097.plain', to: 'two.py', context: CONTEXT, suite: 'signed' },
    ]);
    const message = await read('two.py');

    for (const keyId of [arn, otherArn, 'alias/gold-api-keys']) {
      expect(sha(await envelope({ cipher: kms(keyId) }).decrypt(message))).toBe(sha(data.get(4_097) as Buffer));
    }
    const third = await createKey('alias/third');
    expect((await failureOf(envelope({ cipher: kms(third) }).decrypt(message))).code).toBe('ERR_GOLDKEY_DECRYPT');
  });

  it('and the guide agree: its lines make and open a message of `goldkey encrypt --envelope`', async () => {
    const guide = await readFile('examples/envelope/README.md', 'utf8');
    const program = guide.split('```python\n')[1]?.split('```')[0] ?? '';
    const bundle = JSON.stringify({ metalsApi: 'sk-invented/+&=0123456789', note: 'x'.repeat(5_000) });
    const flags = [
      '--endpoint-url',
      moto.url,
      '--region',
      moto.region,
      '--encryption-context',
      'service=gold-data-stream',
    ];
    const ran = await run(['encrypt', '--envelope', '--key-id', arn, ...flags], { piped: bundle });
    await write('keys.msg', Buffer.from(ran.stdout));

    await python(
      arn,
      [],
      `import os, sys\nos.chdir(sys.argv[1])\nKEY_ARN = sys.argv[2]\n${program}\nopen('keys.out', 'wb').write(plaintext)`,
    );

    expect((await read('keys.out')).toString()).toBe(bundle);
    await using client = new KeyedClient({
      keyProvider: fromEnvelope({ message: ran.stdout, cipher, field: 'metalsApi' }),
    });
    expect(await client.withKey(({ apiKey }) => Promise.resolve(apiKey))).toBe('sk-invented/+&=0123456789');
  });
});

const vaultFound = await orSkip(startVault);
describe.skipIf(vaultFound.skipped !== undefined)(`Vault's transit engine ${vaultFound.skipped ?? ''}`, () => {
  const vault = vaultFound.server as Vault;
  let cipher: KeyCipher;
  beforeAll(async () => {
    await vault.request('POST', 'sys/mounts/transit', { type: 'transit' });
    await vault.request('POST', 'transit/keys/gold', {});
    const auth = { method: 'token', token: vault.rootToken } as const;
    cipher = transitCipher({ address: vault.url, auth, keyName: 'gold', encryptionContext: CONTEXT });
  });
  afterAll(async () => {
    await cipher.close?.();
    await vault[Symbol.asyncDispose]();
  });

  it.each(SIZES)(
    'encrypts the data key of %i bytes, which come back, also after the key has been rotated',
    async (size) => {
      const bytes = randomBytes(size);
      for (const signed of [true, false]) {
        const sealed = envelope({ cipher, signed });
        const message = await sealed.encrypt(bytes, { bind: { tenant: 'a' } });
        await vault.request('POST', 'transit/keys/gold/rotate', {});

        expect(sha(await sealed.decrypt(message, { bind: { tenant: 'a' } }))).toBe(sha(bytes));
        expect(sha(await through(sealed.decryptStream({ bind: { tenant: 'a' } }), [message]))).toBe(sha(bytes));
        expect((await failureOf(sealed.decrypt(message))).code).toBe('ERR_GOLDKEY_DECRYPT');
      }
    },
  );
});
