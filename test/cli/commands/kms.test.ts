import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const KEY = 'sk"test/+&=0123456';
const CONTEXT = { service: 'gold-data-stream', environment: 'test' };
const context = ['--encryption-context', JSON.stringify(CONTEXT)];
let kms: FakeKms;
let api: FakePriceApi;
let at: string[];

beforeAll(async () => {
  kms = await startFakeKms();
  api = await startFakePriceApi({ keys: [KEY] });
  at = ['--endpoint-url', kms.url, '--region', kms.region];
});
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'invented');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  kms.reset();
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await kms.close();
  await api.close();
});

function expectNoKey(ran: Ran): void {
  for (const form of formsOf(KEY)) {
    expect(ran.stdout).not.toContain(form);
    expect(ran.stderr).not.toContain(form);
  }
}

describe('the command line against KMS', () => {
  it('create-key prints the ARN, and the same one the second time', async () => {
    const argv = ['create-key', '--alias', 'alias/made-here', ...at];

    const first = await run(argv);
    const second = await run([...argv, '--json']);

    expect(first).toMatchObject({ code: 0, stderr: 'Created the KMS key of alias/made-here.\n' });
    expect(first.stdout).toMatch(/^arn:aws:kms:\S+\n$/);
    expect(JSON.parse(second.stdout)).toEqual({ arn: first.stdout.trim(), alias: 'alias/made-here', created: false });
    expect(kms.requests.filter(({ operation }) => operation === 'CreateKey')).toHaveLength(1);
  });

  it('what encrypt prints, verify reads and price uses, with one call of KMS', async () => {
    const encrypted = await run(['encrypt', '--key-id', 'alias/gold-api-keys', ...context, ...at], { piped: KEY });
    const ciphertext = ['--ciphertext', encrypted.stdout.trim()];
    const verified = await run(['verify', ...ciphertext, ...context, ...at, '--json']);
    const before = kms.requests.length;
    const priced = await run(['price', 'XAU', ...ciphertext, ...context, ...at, '--api-url', api.url]);

    expect([encrypted.code, verified.code, priced.code]).toEqual([0, 0, 0]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ fingerprint: computeFingerprint(KEY), length: KEY.length });
    expect(priced.stdout).toMatch(
      /^XAU 2199\.5136 USD per troy ounce\n[^]*\nKMS was called once \(key c-[0-9a-f]{8}\)\n$/,
    );
    expect(kms.requests.slice(before).map(({ operation }) => operation)).toEqual(['Decrypt']);
    for (const ran of [encrypted, verified, priced]) expectNoKey(ran);
  });

  it('a wrong context fails in one line that names both causes and the context’s keys', async () => {
    const ciphertext = ['--ciphertext', kms.encrypt(KEY, CONTEXT)];
    const ran = await run(['verify', ...ciphertext, '--encryption-context', 'service=other-service', ...at]);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^goldkey: [^\n]+\n$/);
    expect(ran.stderr).toMatch(/damaged.*or --encryption-context differs.*keys given: `?service`?/);
    expect(ran.stderr).not.toContain('other-service');
    expectNoKey(ran);
  });

  it.each([
    ['access-denied', 'kms:Decrypt'],
    ['disabled', 'is disabled'],
    ['expired-token', 'Check the credentials'],
  ] as const)('%s is one line that says what to check', async (fault, says) => {
    kms.inject(fault, { times: Infinity });
    const ran = await run(['verify', '--ciphertext', kms.encrypt(KEY, CONTEXT), ...context, ...at, '--verbose']);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr.split('\n')[0]).toContain(says);
    expect(ran.stderr).toContain('caused by');
    expectNoKey(ran);
  });
});

describe('a profile that asks for an MFA code', () => {
  it.each([
    [
      'is prompted for on a terminal',
      ['123456\r'],
      'MFA code of arn:aws:iam::111122223333:mfa/ada: \n',
      [true, false],
      1,
    ],
    ['is wrong usage that says so without one', undefined, 'goldkey: AWS asks for an MFA code of', [], 2],
  ])('%s', async (_, typed, says, raw, code) => {
    await using folder = await temporaryFolder();
    const config = [
      '[profile base]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = invented',
      '[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/reader\nsource_profile = base',
      'mfa_serial = arn:aws:iam::111122223333:mfa/ada\nregion = us-east-1\n',
    ].join('\n');
    await writeFile(join(folder.path, 'config'), config);
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, 'config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'none'));
    // No STS here: what matters is that the code is asked for.
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9');
    const argv = ['verify', '--ciphertext', kms.encrypt(KEY, CONTEXT), ...context, '--profile', 'mfa', ...at];

    const ran = await run(argv, typed === undefined ? {} : { typed });

    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect(ran.raw.slice(0, 2)).toEqual(raw);
    expect(ran.stderr).not.toContain('123456');
  });
});
