import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GoldDataClient, systemClock, type Clock, type KeyProvider } from '../../src/core/index.js';
import { metalsApi } from '../../src/prices/index.js';
import {
  fileRing,
  fromKeyRing,
  KeyRotationManager,
  type KeyRingDocument,
  type RingVersion,
} from '../../src/rotation/index.js';
import { assertNoSecret, startFakePriceApi, type FakePriceApi } from '../../src/testing/index.js';
import { fromVault, fromVaultTransit, transitCipher, type VaultAuth } from '../../src/providers/vault/index.js';
import { temporaryFolder } from '../cli/run.js';
import { gateTo, type Gate } from '../servers/gate.js';
import { orSkip } from '../servers/or-skip.js';
import { startVault, type Vault } from '../servers/vault.js';

const [OLD, NEW] = ['sk-invented/old+&=0123456789', 'sk-invented/new+&=9876543210'] as const;
const CONTEXT = { service: 'gold-data-stream' };
const MAY = `
  path "secret/data/gold/*" { capabilities = ["read"] }
  path "secret/metadata/gold/*" { capabilities = ["read"] }
  path "transit/encrypt/gold" { capabilities = ["update"] }
  path "transit/decrypt/gold" { capabilities = ["update"] }`;
const MAY_NOT = MAY.replaceAll(/\["\w+"\]/g, '["deny"]');
/** Past every time to live and every back-off. */
const A_WHILE = 60_000;
const found = await orSkip(startVault);

describe.skipIf(found.skipped !== undefined)(`a key in HashiCorp Vault ${found.skipped ?? ''}`, () => {
  const vault = found.server as Vault;
  let api: FakePriceApi;
  let gate: Gate;
  let shift = 0;
  const clock: Clock = {
    now: () => systemClock.now() + shift,
    monotonic: () => systemClock.monotonic() + shift,
    setTimeout: (...timer) => systemClock.setTimeout(...timer),
  };
  const opened: Array<{ close?(): Promise<void> }> = [];
  let roles = 0;

  const asked = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await vault.request(method, path, body);
    expect(answer.status, `${method} ${path}`).toBeLessThan(300);
    return answer.body?.['data'] as T;
  };
  const allow = (policy: string): Promise<unknown> => asked('PUT', 'sys/policies/acl/gold', { policy });
  const put = (path: string, key: string): Promise<unknown> => asked('POST', `secret/data/${path}`, { data: { key } });
  const root = (): { address: string; auth: VaultAuth } => ({
    address: vault.url,
    auth: { method: 'token', token: vault.rootToken },
  });

  /** A way to log in whose tokens live for `ttl`, and the accessors of those it gave. */
  async function role(ttl: string): Promise<{ auth: VaultAuth; accessors(): Promise<string[]> }> {
    const name = `gold-${String(++roles)}`;
    const at = `auth/approle/role/${name}`;
    await asked('POST', at, { token_policies: 'gold', token_ttl: ttl, token_max_ttl: '1h' });
    const { role_id: roleId } = await asked<{ role_id: string }>('GET', `${at}/role-id`);
    const { secret_id: secretId } = await asked<{ secret_id: string }>('POST', `${at}/secret-id`);
    return {
      auth: { method: 'approle', roleId, secretId },
      async accessors() {
        const { keys } = await asked<{ keys: string[] }>('LIST', 'auth/token/accessors');
        const mine: string[] = [];
        for (const accessor of keys) {
          const { status, body } = await vault.request('POST', 'auth/token/lookup-accessor', { accessor });
          const data = body?.['data'] as { meta?: { role_name?: string } | null } | undefined;
          if (status === 200 && data?.meta?.role_name === name) mine.push(accessor);
        }
        return mine;
      },
    };
  }

  const clientOf = (keyProvider: KeyProvider) => {
    const client = new GoldDataClient({ keyProvider, clock, ttl: 10_000, ...metalsApi({ baseUrl: api.url }) });
    opened.push(client);
    return client;
  };
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.unreachable('It should have failed.'),
      (error: unknown) => error,
    );
  const load = (provider: KeyProvider, known?: string[], stage: 'current' | 'previous' | 'pending' = 'current') =>
    provider.load({ stage, signal: AbortSignal.timeout(5_000), known });
  const opens = <T extends KeyProvider>(provider: T): T => (opened.push(provider), provider);
  const text = (loaded: unknown): string => Buffer.from((loaded as { bytes: Uint8Array }).bytes).toString();

  beforeAll(async () => {
    [api, gate] = await Promise.all([startFakePriceApi(), gateTo(vault.url)]);
    await allow(MAY);
    await asked('POST', 'sys/auth/approle', { type: 'approle' });
    await asked('POST', 'sys/mounts/transit', { type: 'transit' });
    await asked('POST', 'transit/keys/gold', {});
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close?.();
  });
  afterAll(async () => {
    await Promise.all([api.close(), gate[Symbol.asyncDispose](), vault[Symbol.asyncDispose]()]);
  });

  /** Two stores, each with a key in it, and how to put another there. */
  const stores = {
    async fromVault(auth: VaultAuth) {
      await put('gold/story', OLD);
      const provider = fromVault({ address: gate.url, auth, path: 'gold/story' });
      return { provider, rotate: () => put('gold/story', NEW) };
    },
    async fromVaultTransit(auth: VaultAuth) {
      const cipher = transitCipher({ ...root(), keyName: 'gold', encryptionContext: CONTEXT });
      opened.push(cipher);
      let { ciphertext } = await cipher.encrypt(OLD);
      const provider = fromVaultTransit({
        address: gate.url,
        auth,
        keyName: 'gold',
        ciphertext: () => ciphertext,
        encryptionContext: CONTEXT,
      });
      return { provider, rotate: async () => ({ ciphertext } = await cipher.encrypt(NEW)) };
    },
  };

  describe.each(Object.keys(stores) as Array<keyof typeof stores>)('%s serves a client', (name) => {
    it('read, rotated, sealed, out of reach, token revoked, denied, allowed again', async () => {
      api.accept(OLD);
      const { auth, accessors } = await role('1h');
      const { provider, rotate } = await stores[name](auth);
      const gold = clientOf(provider);
      const served = async (): Promise<string> => {
        await gold.getPrice('XAU');
        await gold.settled();
        const { state, lastErrorCode } = gold.status();
        return [state, lastErrorCode].filter((part) => part !== undefined).join(' ');
      };

      // Read.
      expect(await served()).toBe('fresh');

      // Rotated in the store, and at the price API: one 401, repaired.
      await rotate();
      api.accept(NEW);
      api.revoke(OLD);
      expect(await served()).toBe('fresh');
      expect(gold.status().counts).toMatchObject({ rejections: 1, repairs: 1 });

      // Sealed, and unsealed.
      await vault.seal();
      shift += A_WHILE;
      expect(await served()).toBe('stale ERR_GOLDKEY_PROVIDER');
      await vault.unseal();
      await expect.poll(() => fetch(`${vault.url}/v1/sys/health`).then(({ status }) => status)).toBe(200);
      shift += A_WHILE;
      expect(await served()).toContain('fresh');

      // Out of reach, and back.
      await gate.shut();
      shift += A_WHILE;
      expect(await served()).toBe('stale ERR_GOLDKEY_PROVIDER');
      await gate.open();
      shift += A_WHILE;
      expect(await served()).toContain('fresh');
      const { stale } = gold.status().counts;
      expect(stale).toBeGreaterThanOrEqual(2);

      // The token revoked: a new login, and nobody notices.
      const revoked = await accessors();
      for (const accessor of revoked) await asked('POST', 'auth/token/revoke-accessor', { accessor });
      shift += 11_000;
      expect(await served()).toContain('fresh');
      expect(gold.status().counts.stale).toBe(stale);
      expect(revoked).toHaveLength(1);
      expect(await accessors()).toHaveLength(1);

      // Denied: the key is dropped at once. Allowed again: it is back.
      await allow(MAY_NOT);
      shift += 11_000;
      const denied = await failure(gold.getPrice('XAU'));
      expect(denied).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
      expect(gold.status().fingerprint).toBeUndefined();
      await allow(MAY);
      shift += A_WHILE;
      expect(await served()).toContain('fresh');

      for (const secret of [OLD, NEW, (auth as { secretId: string }).secretId]) {
        for (const shown of [denied, gold, provider]) assertNoSecret(shown, secret);
      }
    });
  });

  it.each(Object.keys(stores) as Array<keyof typeof stores>)(
    '%s: a lease that has ended is one more login',
    async (name) => {
      const { auth, accessors } = await role('1s');
      const { provider } = await stores[name](auth);
      opened.push(provider);
      await load(provider);
      const before = await accessors();
      await expect.poll(accessors, { timeout: 10_000 }).toEqual([]);

      expect(text(await load(provider))).toBe(OLD);
      expect(before).toHaveLength(1);
      expect(await accessors()).toHaveLength(1);
    },
  );

  it('a token that was given and is revoked takes the key with it', async () => {
    const { body } = await vault.request('POST', 'auth/token/create', { policies: ['gold'] });
    const { auth } = body as { auth: { client_token: string; accessor: string } };
    await put('gold/given', OLD);
    api.accept(OLD);
    const token = { method: 'token', token: auth.client_token } as const;
    const gold = clientOf(fromVault({ address: vault.url, auth: token, path: 'gold/given' }));
    await gold.getPrice('XAU');
    await asked('POST', 'auth/token/revoke-accessor', { accessor: auth.accessor });
    shift += 11_000;

    const error = await failure(gold.getPrice('XAU'));
    expect(error).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    for (const secret of [OLD, auth.client_token]) assertNoSecret(error, secret);
  });

  it('stages are version numbers, or custom metadata that an operator moves', async () => {
    const path = 'gold/stages';
    await put(path, OLD);
    await put(path, NEW);
    const custom = (live: string): Promise<unknown> =>
      asked('POST', `secret/metadata/${path}`, { custom_metadata: { live } });
    await custom('1');
    const provider = opens(fromVault({ ...root(), path, stages: { current: 'live', previous: 1, pending: 'next' } }));

    const before = await load(provider);
    await custom('2');
    const after = await load(provider, ['1']);

    expect([text(before), text(after)]).toEqual([OLD, NEW]);
    expect(after).toMatchObject({ version: '2' });
    expect(await load(provider, ['2'])).toEqual({ unchanged: true, version: '2' });
    expect(text(await load(provider, undefined, 'previous'))).toBe(OLD);
    expect(await load(provider, undefined, 'pending')).toBeUndefined();
  });

  it('an unchanged version is recognised, and not after the secret was removed and made again', async () => {
    const path = 'gold/again';
    await put(path, OLD);
    const provider = opens(fromVault({ ...root(), path }));
    await load(provider);
    const unchanged = await load(provider, ['1']);
    await asked('DELETE', `secret/metadata/${path}`);
    await put(path, NEW);

    expect(unchanged).toEqual({ unchanged: true, version: '1' });
    expect(text(await load(provider, ['1']))).toBe(NEW);
  });

  it('a version that was deleted or destroyed is told as such; undeleted it is back', async () => {
    const path = 'gold/gone';
    await put(path, OLD);
    const provider = opens(fromVault({ ...root(), path }));
    await load(provider);
    await asked('DELETE', `secret/data/${path}`);
    const deleted = await failure(load(provider, ['1']));
    await asked('POST', `secret/undelete/${path}`, { versions: [1] });
    const back = await load(provider);
    await asked('PUT', `secret/destroy/${path}`, { versions: [1] });

    expect(String(deleted)).toContain('version 1 of secret/gold/gone was deleted; undelete it');
    expect(text(back)).toBe(OLD);
    expect(await failure(load(provider))).toMatchObject({
      name: 'KeyNotFoundError',
      message: expect.stringContaining('was deleted for good (destroyed)'),
    });
  });

  it.each<[string, string, object, string]>([
    ['no secret', 'gold/none', {}, 'KeyNotFoundError'],
    ['no such mount', 'gold/none', { mount: 'nowhere' }, 'KeyNotFoundError'],
    ['no such version', 'gold/other', { stages: { current: 9 } }, 'KeyNotFoundError'],
    ['no such field', 'gold/other', { field: 'other' }, 'KeyFormatError'],
  ])('%s', async (_, path, more, name) => {
    await put('gold/other', OLD);
    const error = await failure(load(opens(fromVault({ ...root(), path, ...more }))));

    expect(error).toMatchObject({ name, retryable: false });
    assertNoSecret(error, OLD);
  });

  it('transit: another context, another key, a version too old and no such key do not decrypt', async () => {
    await asked('POST', 'transit/keys/aged', {});
    const cipher = transitCipher({ ...root(), keyName: 'aged', encryptionContext: CONTEXT });
    opened.push(cipher);
    const { ciphertext } = await cipher.encrypt(OLD);
    const error = async (more: object): Promise<unknown> =>
      failure(
        load(opens(fromVaultTransit({ ...root(), keyName: 'aged', ciphertext, encryptionContext: CONTEXT, ...more }))),
      );

    const errors = [
      await error({ encryptionContext: { service: 'another' } }),
      await error({ keyName: 'gold' }),
      await error({ keyName: 'none' }),
    ];
    await asked('POST', 'transit/keys/aged/rotate', {});
    expect(Buffer.from(await cipher.decrypt(ciphertext)).toString()).toBe(OLD);
    await asked('POST', 'transit/keys/aged/config', { min_decryption_version: 2 });
    errors.push(await error({}));

    for (const each of errors) expect(each).toMatchObject({ name: 'KeyDecryptError', retryable: false });
    expect(await error({ mount: 'nowhere' })).toMatchObject({ name: 'KeyNotFoundError' });
  });

  it('transit: a key ring under it is rotated, and no other ring’s key is taken', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const { auth } = await role('1h');
    const cipher = transitCipher({ address: vault.url, auth, keyName: 'gold', encryptionContext: CONTEXT });
    opened.push(cipher);
    const ring = fileRing(join(folder.path, 'ring.json'));
    const rotation = new KeyRotationManager({ ring, name: 'gold', cipher });
    await rotation.init(OLD);
    api.accept(OLD);
    const gold = clientOf(fromKeyRing({ ring, name: 'gold', cipher }));
    await gold.getPrice('XAU');
    await rotation.stage(NEW);
    await rotation.promote();
    api.accept(NEW);
    api.revoke(OLD);

    await gold.getPrice('XAU');

    expect(gold.status()).toMatchObject({ version: 'v2', counts: { repairs: 1 } });
    const document = await readFile(join(folder.path, 'ring.json'), 'utf8');
    const { versions } = JSON.parse(document) as KeyRingDocument;
    expect(versions['v2']).toMatchObject({
      cipher: 'vault-transit',
      keyId: 'transit/gold',
      ciphertext: expect.stringMatching(/^vault:v1:/),
      encryptionContext: { ...CONTEXT, 'goldkey:ring': 'gold' },
    });
    for (const key of [OLD, NEW]) assertNoSecret(document, key);
    const { ciphertext = '' } = versions['v2'] as RingVersion;
    expect(await failure(cipher.decrypt(ciphertext, { bind: { 'goldkey:ring': 'silver' } }))).toMatchObject({
      name: 'KeyDecryptError',
    });
  });

  it('transit: what Vault’s own command line encrypts with sorted JSON opens', async () => {
    const { ciphertext } = await asked<{ ciphertext: string }>('POST', 'transit/encrypt/gold', {
      plaintext: Buffer.from(OLD).toString('base64'),
      associated_data: Buffer.from('{"environment":"test","service":"gold"}').toString('base64'),
    });
    const encryptionContext = { service: 'gold', environment: 'test' };
    const provider = opens(fromVaultTransit({ ...root(), keyName: 'gold', ciphertext, encryptionContext }));

    expect(text(await load(provider))).toBe(OLD);
  });
});
