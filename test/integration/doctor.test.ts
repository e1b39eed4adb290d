import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CheckResult } from '../../src/cli/commands/doctor/check.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { formsOf, run } from '../cli/run.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const ALIAS = 'alias/gold-api-keys';
const PAIRS = ['--encryption-context', 'service=gold-data-stream'];
const KEY = 'sk-invented/+&=0123456789';
const moto = await orSkip(startMoto);
const vault = await orSkip(startVault);

interface Report {
  readonly code: number;
  readonly checks: ReadonlyMap<string, CheckResult>;
}

async function examine(...argv: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await run(['doctor', ...argv, '--json']);
  for (const form of formsOf(KEY)) expect(stdout + stderr).not.toContain(form);
  const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
  return { code, checks: new Map(checks.map((check) => [check.id, check])) };
}

/** The checks that failed or warn, without that of Node.js. */
const listBad = ({ checks }: Report): string[] =>
  [...checks.values()]
    .filter(({ id, status }) => id !== 'node' && ['fail', 'warn'].includes(status))
    .map(({ id }) => id);

/** Carries out the line of a repair. */
async function paste(fix: string | undefined): Promise<void> {
  const [command, ...argv] = (fix ?? '').split(' ');
  const ran = await run(argv, { piped: KEY });
  expect({ command, code: ran.code }, ran.stderr).toEqual({ command: 'goldkey', code: 0 });
}

describe.skipIf(moto.skipped !== undefined)(`doctor on AWS as moto plays it ${moto.skipped ?? ''}`, () => {
  const server = moto.server as Moto;
  const at = (): string[] => ['--endpoint-url', server.url, '--region', server.region];
  let ciphertext: string[];
  let kms: string[];

  beforeAll(() => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    vi.stubEnv('AWS_ENDPOINT_URL_STS', server.url);
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  });
  beforeEach(async () => {
    await server.reset();
    await run(['create-key', '--alias', ALIAS, ...at()]);
    const { stdout } = await run(['encrypt', '--key-id', ALIAS, ...PAIRS, ...at()], { piped: KEY });
    ciphertext = ['--ciphertext', stdout.trim()];
    kms = [...ciphertext, '--key-id', ALIAS, ...PAIRS, ...at()];
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server[Symbol.asyncDispose]();
  });

  it('all is well in under five seconds; moto makes no dry run, which tells nothing', async () => {
    const start = performance.now();
    const report = await examine(...kms, '--writer');

    expect(performance.now() - start).toBeLessThan(5_000);
    expect(report.code).toBe(0);
    expect(listBad(report)).toEqual([]);
    expect(report.checks.get('permission')).toMatchObject({ status: 'unknown' });
    expect(report.checks.get('credentials')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^arn:aws:sts::\d{12}:.*, from env vars$/),
    });
    for (const id of ['endpoint', 'clock', 'key-state', 'context']) expect(report.checks.get(id)?.status).toBe('ok');
  });

  it.each([
    ['disable_key(KeyId=key)', /is disabled/, ['enable-key'], ['enable_key(KeyId=key)']],
    [
      'schedule_key_deletion(KeyId=key, PendingWindowInDays=7)',
      /will be deleted/,
      ['cancel-key-deletion', 'enable-key'],
      ['cancel_key_deletion(KeyId=key)', 'enable_key(KeyId=key)'],
    ],
  ])('names a key after %s, and what its repair names repairs it', async (broken, says, names, repairs) => {
    const arn = (await run(['create-key', '--alias', ALIAS, ...at()])).stdout.trim();
    const call = (...calls: readonly string[]): Promise<string> =>
      server.python(
        ["key = sys.argv[1].split('/')[1]", ...calls.map((each) => `client('kms').${each}`)].join('\n'),
        arn,
      );
    await call(broken);
    const report = await examine(...kms);

    expect({ code: report.code, bad: listBad(report) }).toEqual({ code: 3, bad: ['key-state'] });
    const flags = `--key-id ${arn} --region ${server.region} --endpoint-url ${server.url}`;
    expect(report.checks.get('key-state')).toMatchObject({
      message: expect.stringMatching(says),
      fix: names.map((name) => `aws kms ${name} ${flags}`).join(' && '),
    });
    await call(...repairs);
    expect(listBad(await examine(...kms))).toEqual([]);
  });

  it('makes the alias that is missing', async () => {
    const missing = [...ciphertext, '--key-id', 'alias/gold-new', ...PAIRS, ...at()];
    const report = await examine(...missing);
    await paste(report.checks.get('key-state')?.fix);

    expect(listBad(report)).toEqual(['key-state']);
    expect((await examine(...missing)).checks.get('key-state')?.status).toBe('ok');
  });

  it.each(['secrets-manager://gold', 'ssm:///prod/gold'])('puts the key that %s lacks', async (store) => {
    const report = await examine('--store', store, ...at());
    await paste(report.checks.get('context')?.fix);
    const after = await examine('--store', store, ...at());

    expect({ code: report.code, bad: listBad(report) }).toEqual({ code: 3, bad: ['context'] });
    expect({ code: after.code, bad: listBad(after) }).toEqual({ code: 0, bad: [] });
    expect(after.checks.get('packages')?.message).toContain(
      store.startsWith('ssm') ? 'client-ssm' : 'client-secrets-manager',
    );
  });

  it('reads a ring under KMS, and makes the one that is missing', async () => {
    const folder = makeTempFolder('goldkey-doctor-');
    try {
      const ring = ['--ring', join(folder, 'gold.ring.json'), '--key-id', ALIAS, ...PAIRS, ...at()];
      const report = await examine(...ring);
      await paste(report.checks.get('rotation')?.fix);
      const after = await examine(...ring);

      expect(listBad(report)).toEqual(['rotation']);
      expect({ code: after.code, bad: listBad(after) }).toEqual({ code: 0, bad: [] });
      for (const id of ['context', 'key-age', 'rotation']) expect(after.checks.get(id)?.status).toBe('ok');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe.skipIf(vault.skipped !== undefined)(`doctor on Vault ${vault.skipped ?? ''}`, () => {
  const server = vault.server as Vault;
  const store = ['--store', 'vault://secret/api-keys/gold#api_key'];

  beforeEach(() => {
    vi.stubEnv('VAULT_ADDR', server.url);
    vi.stubEnv('VAULT_TOKEN', server.rootToken);
    vi.stubEnv('VAULT_CACERT', undefined);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server[Symbol.asyncDispose]();
  });

  it('puts the key that is missing, and then all is well', async () => {
    const report = await examine(...store);
    await paste(report.checks.get('context')?.fix);
    const after = await examine(...store);

    expect({ code: report.code, bad: listBad(report) }).toEqual({ code: 3, bad: ['context'] });
    expect({ code: after.code, bad: listBad(after) }).toEqual({ code: 0, bad: [] });
    for (const id of ['credentials', 'endpoint', 'clock', 'context']) expect(after.checks.get(id)?.status).toBe('ok');
  });

  it('names a policy that does not let the key be read', async () => {
    const { body } = await server.request('POST', 'auth/token/create', { policies: ['default'] });
    const { auth } = body as unknown as { auth: { client_token: string } };
    vi.stubEnv('VAULT_TOKEN', auth.client_token);
    const report = await examine(...store);

    expect({ code: report.code, bad: listBad(report) }).toEqual({ code: 3, bad: ['context'] });
    expect(report.checks.get('context')?.fix).toBe(
      'goldkey policy --for reader --store vault://secret/api-keys/gold#api_key',
    );
  });

  it.each([
    ['VAULT_TOKEN', undefined, 'credentials', /^VAULT_TOKEN is not set/],
    ['VAULT_ADDR', undefined, 'endpoint', /^VAULT_ADDR must be set/],
    ['VAULT_ADDR', 'http://127.0.0.1:9', 'endpoint', /could not be reached \(ECONNREFUSED\)/],
    ['VAULT_ADDR', 'http://vault.example', 'endpoint', /is plain http/],
  ])('names %s, which is %s', async (name, value, id, says) => {
    vi.stubEnv(name, value);
    const report = await examine(...store);

    expect({ code: report.code, bad: listBad(report) }).toEqual({ code: 3, bad: [id] });
    expect(report.checks.get(id)).toMatchObject({
      message: expect.stringMatching(says),
      fix: expect.stringMatching(/./),
    });
  });
});
