import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { computeFingerprint, KeyedClient } from '../../../src/core/index.js';
import { envelope, fromEnvelope } from '../../../src/envelope/index.js';
import { localCipher } from '../../../src/providers/local/index.js';
import { startFakeKms, type FakeKms } from '../../../src/testing/index.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const BUNDLE = JSON.stringify({ metalsApi: KEY, note: 'n'.repeat(6_000) });
const CONTEXT = ['--encryption-context', 'service=gold-data-stream'];
const encryptionContext = { service: 'gold-data-stream' };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
let kms: FakeKms;

beforeAll(async () => {
  folder = await temporaryFolder();
  kms = await startFakeKms();
  local = ['--local', '--master-key', join(folder.path, 'master.key')];
  await run(['create-key', ...local]);
});
afterAll(async () => {
  await kms.close();
  await folder[Symbol.asyncDispose]();
});

const cipher = (context = encryptionContext) =>
  localCipher({ masterKeyFile: join(folder.path, 'master.key'), encryptionContext: context });
const encrypt = (piped: string, ...more: string[]): Promise<Ran> =>
  run(['encrypt', '--envelope', ...local, ...CONTEXT, ...more], { piped });
const verify = (message: string, ...more: string[]): Promise<Ran> =>
  run(['verify', ...local, ...CONTEXT, '--ciphertext', message, ...more]);

function expectNoKey(ran: Ran): void {
  for (const form of formsOf(KEY)) expect(ran.stdout + ran.stderr).not.toContain(form);
}

describe('encrypt --envelope', () => {
  it('prints a message in base64 of what is over 4,096 bytes, which `verify` and `fromEnvelope` open', async () => {
    const ran = await encrypt(`${BUNDLE}\n`);
    const message = ran.stdout.trim();

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^AgV4[A-Za-z0-9+/]+=*\n$/);
    expectNoKey(ran);
    for (const flags of [[], ['--envelope']]) {
      const verified = await verify(message, '--json', ...flags);
      expect(verified).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(verified.stdout)).toEqual({
        version: expect.stringMatching(/^c-[0-9a-f]{8}$/),
        fingerprint: computeFingerprint(BUNDLE),
        length: BUNDLE.length,
      });
    }
    await using client = new KeyedClient({
      keyProvider: fromEnvelope({ message, cipher: cipher(), field: 'metalsApi' }),
    });
    expect(await client.withKey(({ apiKey }) => Promise.resolve(apiKey))).toBe(KEY);
  });

  it('tells context and fingerprint as JSON, and on a terminal what to do with the line', async () => {
    const ran = await run(['encrypt', '--envelope', '--json', ...local, ...CONTEXT], { piped: BUNDLE, tty: true });

    expect(JSON.parse(ran.stdout)).toEqual({
      ciphertext: expect.stringMatching(/^AgV4/),
      encryptionContext,
      fingerprint: computeFingerprint(BUNDLE),
    });
    expect(ran.stderr).toContain('safe in Git');
    expectNoKey(ran);
  });

  it('reads a file, and `verify` reads the message from one', async () => {
    const [bundle, message] = [join(folder.path, 'keys.json'), join(folder.path, 'keys.msg')];
    const large = JSON.stringify({ note: 'n'.repeat(1_000_000) });
    await writeFile(bundle, large);

    await writeFile(message, (await encrypt('', '--key-file', bundle)).stdout);
    const ran = await run(['verify', ...local, ...CONTEXT, '--ciphertext-file', message]);

    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain(`length       ${String(large.length)}\n`);
  });

  it('encrypts under KMS', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
    const at = ['--key-id', kms.keyArn, '--endpoint-url', kms.url, '--region', kms.region, ...CONTEXT];

    const ran = await run(['encrypt', '--envelope', ...at], { piped: BUNDLE });
    const verified = await run(['verify', '--ciphertext', ran.stdout, ...at, '--json']);

    vi.unstubAllEnvs();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toMatchObject({ fingerprint: computeFingerprint(BUNDLE) });
  });

  it('is named where a key is too long for anything else', async () => {
    const ran = await run(['encrypt', ...local, ...CONTEXT], { piped: BUNDLE });

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('use `npx goldkey encrypt --envelope`');
    expectNoKey(ran);
  });

  it.each([
    ['nothing', '\n', 'The key is empty'],
    ['over a mebibyte', 'n'.repeat(1_048_577), 'longer than 1,048,576 bytes'],
    ['bytes that are no text', Buffer.from([0x67, 0xff, 0xfe]) as unknown as string, 'no UTF-8 text'],
  ])('refuses %s', async (_, piped, says) => {
    const ran = await encrypt(piped);

    expect(ran).toMatchObject({ code: piped === '\n' ? 2 : 1, stdout: '' });
    expect(ran.stderr).toContain(says);
  });

  it('refuses a context that the format reserves', async () => {
    const ran = await run(['encrypt', '--envelope', ...local, '--encryption-context', 'aws-crypto-public-key=a'], {
      piped: BUNDLE,
    });

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain("--encryption-context must have no key that starts with 'aws-crypto-'");
  });
});

describe('verify of a message', () => {
  it('opens one without a signature', async () => {
    const message = await envelope({ cipher: cipher(), signed: false }).encrypt(BUNDLE);
    expect((await verify(Buffer.from(message).toString('base64'))).code).toBe(0);
  });

  it('tells of another context in its own words', async () => {
    const { stdout } = await encrypt(BUNDLE);
    const ran = await run(['verify', ...local, '--encryption-context', 'service=other', '--ciphertext', stdout]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toBe(
      'goldkey: The message has another context than the pairs of --encryption-context; names in the message: `service`.\n',
    );
  });

  it('tells of damage, and shows nothing', async () => {
    const message = Buffer.from((await encrypt(BUNDLE)).stdout, 'base64');
    for (const damaged of [message.subarray(0, -1), Buffer.concat([message, Buffer.from('x')])]) {
      const ran = await verify(damaged.toString('base64'), '--verbose');
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain('damaged');
      expectNoKey(ran);
    }
  });

  it('with --envelope refuses what is no message, and a ring', async () => {
    const key = await run(['encrypt', ...local, ...CONTEXT], { piped: KEY });

    const ran = await verify(key.stdout, '--envelope');
    const ring = await run(['verify', '--envelope', '--ring', 'a', ...local, ...CONTEXT]);
    const none = await run(['verify', '--envelope', ...local, ...CONTEXT]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('--ciphertext is no message of `npx goldkey encrypt --envelope`');
    expect(ring).toMatchObject({ code: 2, stderr: expect.stringContaining('--envelope and --ring') });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--ciphertext-file is required') });
  });
});
