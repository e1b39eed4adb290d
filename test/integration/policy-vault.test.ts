import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromVault } from '../../src/providers/vault/index.js';
import { vaultRing } from '../../src/rotation/stores/vault/index.js';
import { printPolicy } from '../cli/commands/policy-matrix.js';
import { run } from '../cli/run.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const KEY = 'sk-invented/policy+&=0123456789';
const KV = ['--store', 'vault://secret/gold'];
const TRANSIT = ['--store', 'vault-transit://transit/gold', '--encryption-context', 'service=gold-data-stream'];
const RING = ['--ring', 'vault://secret/rings/gold'];
const found = await orSkip(startVault);

/** What a stolen token would try, beside the paths that a policy names. */
const PATHS = [
  ...['data', 'metadata', 'delete', 'undelete', 'destroy', 'subkeys'].map((part) => `secret/${part}/gold`),
  ...['gold/child', 'gold2', 'other', 'rings/gold', 'rings/gold.lease', 'rings/other', 'rings/other.lease'].flatMap(
    (name) => [`secret/data/${name}`, `secret/metadata/${name}`],
  ),
  ...['secret/metadata', 'secret/config', 'transit/keys', 'transit/keys/gold', 'transit/keys/gold/rotate'],
  ...['encrypt', 'decrypt'].flatMap((part) => [`transit/${part}/gold`, `transit/${part}/other`]),
  ...['rewrap', 'sign', 'hmac', 'backup', 'datakey/plaintext', 'export/encryption-key'].map(
    (part) => `transit/${part}/gold`,
  ),
  ...['sys/policies/acl/policy', 'sys/mounts', 'sys/auth', 'auth/token/create', 'identity/entity'],
];
const METHODS: readonly (readonly [method: string, capability: RegExp])[] = [
  ['GET', /read/],
  ['POST', /create|update/],
  ['PATCH', /patch/],
  ['DELETE', /delete/],
  ['LIST', /list/],
];

describe.skipIf(found.skipped !== undefined)(`policies in HashiCorp Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  let token = '';

  const ask = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const answer = await vault.request(method, path, body);
    expect(answer.status, `${method} ${path}`).toBeLessThan(300);
    return answer.body ?? {};
  };

  /** Writes the policy that the command prints, and logs in with it alone. */
  async function logIn(...argv: string[]): Promise<void> {
    const { stdout, code } = await printPolicy(...argv);
    expect(code).toBe(0);
    await ask('PUT', 'sys/policies/acl/policy', { policy: stdout });
    const { auth } = await ask('POST', 'auth/token/create', { policies: ['policy'], ttl: '5m' });
    token = (auth as { client_token: string }).client_token;
    vi.stubEnv('VAULT_TOKEN', token);
  }

  async function goldkey(...argv: string[]): Promise<string> {
    const ran = await run(argv, { piped: KEY });
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    return ran.stdout.trim();
  }

  /** Tries every method on every path: Vault answers 403 just where the policy has no capability. */
  async function expectNothingElse(...argv: string[]): Promise<void> {
    const { stdout } = await printPolicy(...argv, '--json');
    const rules = (JSON.parse(stdout) as { path: Record<string, { capabilities: string[] }> }).path;
    const tries = [...new Set([...PATHS, ...Object.keys(rules)])].flatMap((path) =>
      METHODS.map(([method, capability]) => ({
        path,
        method,
        isAllowed: rules[path]?.capabilities.some((each) => capability.test(each)) === true,
      })),
    );
    const answers = await Promise.all(
      tries.map(async ({ path, method, isAllowed }) => {
        const init = method === 'POST' || method === 'PATCH' ? { body: '{}' } : {};
        const type = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
        const headers = { 'X-Vault-Token': token, ...type };
        const { status } = await fetch(`${vault.url}/v1/${path}`, { method, headers, ...init });
        return { path, method, denied: status === 403, expected: !isAllowed };
      }),
    );
    expect(answers.filter(({ denied, expected }) => denied !== expected)).toEqual([]);
    expect(answers.filter(({ denied }) => denied).length).toBeGreaterThan(150);
  }

  beforeAll(async () => {
    await ask('POST', 'sys/mounts/transit', { type: 'transit' });
    await ask('POST', 'transit/keys/gold', {});
    await ask('POST', 'transit/keys/other', {});
  });
  beforeEach(async () => {
    vi.stubEnv('VAULT_ADDR', vault.url);
    vi.stubEnv('GOLD_API_KEY', KEY);
    for (const path of ['gold', 'rings/gold', 'rings/gold.lease'])
      await vault.request('DELETE', `secret/metadata/${path}`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(() => vault[Symbol.asyncDispose]());

  it('a reader reads the key and compares its metadata, and nothing else', async () => {
    await ask('POST', 'secret/data/gold', { data: { key: KEY } });
    await logIn(...KV);
    await goldkey('verify', ...KV);
    const provider = fromVault({ address: vault.url, auth: { method: 'token', token }, path: 'gold' });
    const load = (known: string[]) => provider.load({ stage: 'current', signal: AbortSignal.timeout(5_000), known });
    await load([]);
    expect(await load(['1'])).toMatchObject({ unchanged: true });
    await provider.close?.();
    await expectNothingElse(...KV);
  });

  it.each(['writer', 'rotator'])('a %s creates the key and replaces it, and nothing else', async (role) => {
    await logIn('--for', role, ...KV);
    const copy = ['copy', '--from', 'env://GOLD_API_KEY', '--to', 'vault://secret/gold'];
    await goldkey(...copy);
    await goldkey(...copy);
    await goldkey('put', '--store', 'vault://secret/gold#api_key');
    await expectNothingElse('--for', role, ...KV);
  });

  it('a doctor sees the metadata of the key, and nothing else', async () => {
    await logIn('--for', 'doctor', ...KV);
    await expectNothingElse('--for', 'doctor', ...KV);
  });

  it('a writer encrypts under the transit key, a reader decrypts, a doctor looks, and nothing else', async () => {
    const store = TRANSIT.slice(0, 2);
    await logIn('--for', 'writer', ...store);
    const ciphertext = await goldkey('encrypt', ...TRANSIT);
    await expectNothingElse('--for', 'writer', ...store);

    await logIn('--for', 'reader', ...store);
    await goldkey('verify', ...TRANSIT, '--ciphertext', ciphertext);
    await expectNothingElse('--for', 'reader', ...store);

    await logIn('--for', 'doctor', ...store);
    await expectNothingElse('--for', 'doctor', ...store);
  });

  it('a rotator rotates a ring under the transit key, a reader follows it, and nothing else', async () => {
    const ring = [...RING, ...TRANSIT];
    const place = [...RING, ...TRANSIT.slice(0, 2)];
    await logIn('--for', 'rotator', ...place);
    await goldkey('rotate', 'init', ...ring);
    expect(await run(['rotate', 'stage', ...ring], { piped: `${KEY}-new` })).toMatchObject({ code: 0 });
    await goldkey('rotate', 'promote', ...ring);
    await goldkey('rotate', 'status', ...RING);
    const store = vaultRing({ path: 'rings/gold' });
    await (await store.lease?.('a manager', 1_000))?.release();
    await store.close?.();
    await expectNothingElse('--for', 'rotator', ...place);

    await logIn('--for', 'reader', ...place);
    await goldkey('verify', ...ring);
    await expectNothingElse('--for', 'reader', ...place);
  });

  it('a path that holds a dot, a space or another alphabet is that path', async () => {
    const path = 'gold/Schlüssel.v2 (neu)';
    await ask('POST', `secret/data/${encodeURIComponent(path).replaceAll('%2F', '/')}`, { data: { key: KEY } });
    const store = ['--store', `vault://secret/${path}`];
    await logIn(...store);
    await goldkey('verify', ...store);
    expect((await run(['verify', ...KV])).code).toBe(1);
  });

  it('the JSON of a policy is taken for the same', async () => {
    await ask('POST', 'secret/data/gold', { data: { key: KEY } });
    await logIn(...KV, '--json');
    await goldkey('verify', ...KV);
    await expectNothingElse(...KV);
  });
});
