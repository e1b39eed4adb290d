import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeFingerprint } from '../../../src/core/index.js';
import { startFakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { formsOf, run, temporaryFolder, type Ran } from '../run.js';

const OLD = 'sk"old/+&=0123456';
const NEW = 'sk"new/+&=6543210';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: string[];
let ring: string[];

async function goldkey(argv: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Ran> {
  const ran = await run(argv, options);
  for (const form of [OLD, NEW].flatMap(formsOf)) expect(ran.stdout + ran.stderr).not.toContain(form);
  return ran;
}

beforeEach(async () => {
  folder = await temporaryFolder();
  local = ['--local', '--master-key', join(folder.path, 'master.key'), '--encryption-context', 'service=gold'];
  ring = ['--ring', join(folder.path, 'gold.ring.json'), ...local];
  await goldkey(['create-key', ...local.slice(0, 3)]);
  await goldkey(['rotate', 'init', ...ring], { piped: OLD });
  await goldkey(['rotate', 'stage', ...ring], { piped: NEW });
});
afterEach(() => folder[Symbol.asyncDispose]());

describe('a version other than the current one', () => {
  it.each([
    ['--key-version', ['--key-version', 'v2'], {}],
    ['GOLD_API_KEY_VERSION', [], { GOLD_API_KEY_VERSION: ' v2 ' }],
  ] as const)('is tried by `verify` and `price` with %s while it is only staged', async (_, flags, env) => {
    await using api = await startFakePriceApi({ keys: [NEW] });

    const verified = await goldkey(['verify', ...ring, ...flags, '--json'], { env });
    const priced = await goldkey(['price', ...ring, ...flags, '--api-url', api.url, '--json'], { env });

    expect(verified.code, verified.stderr).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({ version: 'v2', fingerprint: computeFingerprint(NEW) });
    expect(priced.code, priced.stderr).toBe(0);
    expect(JSON.parse(priced.stdout)).toMatchObject({ version: 'v2', fingerprint: computeFingerprint(NEW) });
  });

  it('that does not exist is an error, where a client would go on with the current one', async () => {
    const ran = await goldkey(['verify', ...ring, '--key-version', 'v9']);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('--key-version names "v9", which the key ring `gold` does not have; it has v1, v2.');
  });

  it('that is retired is an error, too', async () => {
    await goldkey(['rotate', 'promote', ...ring]);
    await goldkey(['rotate', 'retire', ...ring, '--force']);
    const ran = await goldkey(['verify', ...ring, '--key-version', 'v1']);

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('The ring has no live key of that --key-version or GOLD_API_KEY_VERSION');
  });

  it('cannot be asked of one ciphertext', async () => {
    const { stdout } = await goldkey(['encrypt', ...local], { piped: OLD });
    const ran = await goldkey(['verify', ...local, '--ciphertext', stdout, '--key-version', 'v2']);

    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('--key-version needs --ring, or a --store that begins with vault:// or ssm://.');
  });
});

describe('GOLD_API_KEY_CIPHERTEXT', () => {
  it('is read where no option gives a ciphertext', async () => {
    const { stdout: first } = await goldkey(['encrypt', ...local], { piped: OLD });
    const { stdout: second } = await goldkey(['encrypt', ...local], { piped: NEW });
    const env = { GOLD_API_KEY_CIPHERTEXT: first };
    const fingerprintOf = ({ stdout }: Ran): unknown => (JSON.parse(stdout) as { fingerprint: unknown }).fingerprint;

    const read = await goldkey(['verify', ...local, '--json'], { env });
    const given = await goldkey(['verify', ...local, '--json', '--ciphertext', second], { env });
    const staged = await goldkey(['verify', ...ring, '--json'], { env });

    expect([read, given, staged].map(fingerprintOf)).toEqual([OLD, NEW, OLD].map(computeFingerprint));
  });
});

describe('every step of a rotation', () => {
  it.each(['status', 'due', 'canary'])(
    'takes the options of the master key, as `%s`, which needs none',
    async (step) => {
      const more = { status: [], due: ['--max-age', '90d'], canary: ['--percent', '1'] }[step] ?? [];
      const kms = ['--key-id', 'alias/gold', '--encryption-context', '{}', '--region', 'us-east-1'];

      expect((await goldkey(['rotate', step, ...ring, ...more])).code).toBe(0);
      expect((await goldkey(['rotate', step, ...ring.slice(0, 2), ...kms, ...more])).code).toBe(0);
    },
  );
});
