import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SecretClient } from '@azure/keyvault-secrets';
import { fromAzureKeyVault } from '../../src/azure-key-vault.js';
import { GoldDataClient, type KeyProvider } from '../../src/core/index.js';
import { assertNoSecret } from '../../src/testing/assert-no-secret.js';
import { keyProviderContract } from '../../src/testing/contract.js';
import { azureFailure, startAzureKeyVault, type AzureKeyVault } from '../servers/azure-key-vault.js';
import { failure, hurriedClock, request, text } from './loading.js';

const NAME = 'metals-api-key';
const [OLD, NEW] = ['sk-invented/old+&=0123456789', 'sk-invented/new+&=9876543210'];
/** 2026-01-01, in the seconds of Azure. */
const NOW = 1_767_225_600;

let vault: AzureKeyVault;
let keys: KeyProvider;
beforeAll(async () => {
  vault = await startAzureKeyVault({ pageSize: 2 });
});
beforeEach(() => {
  keys = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential: vault.credential });
});
afterEach(async () => {
  await keys.close?.();
  vault.remove(NAME);
  vault.reset();
});
afterAll(() => vault[Symbol.asyncDispose]());

/** A request at a moment, in seconds. */
const at = (seconds = NOW, more: Parameters<typeof request>[1] = {}): ReturnType<typeof request> =>
  request({ ...hurriedClock(), now: () => seconds * 1_000 }, more);

describe('which version is the key', () => {
  it('the newest one, wherever in the list it stands', async () => {
    const versions = Array.from({ length: 9 }, (_, age) =>
      vault.set(NAME, `${NEW}-${String(age)}`, { created: NOW - age }),
    );

    const loaded = await keys.load(at());

    expect(loaded).toMatchObject({ version: versions[0], createdAt: NOW * 1_000 });
    expect(text(loaded)).toBe(`${NEW}-0`);
    // Five pages and one value; the first request brought no token and was challenged.
    expect(vault.requests).toHaveLength(7);
  });

  it('a version that is disabled gives way to the one before, which is how operators go back', async () => {
    vault.set(NAME, OLD, { created: NOW - 60 });
    const bad = vault.set(NAME, NEW, { created: NOW });
    const before = text(await keys.load(at()));
    vault.update(NAME, bad, { enabled: false });

    expect([before, text(await keys.load(at(NOW, { known: [bad] })))]).toEqual([NEW, OLD]);
  });

  it('one that is not valid yet waits, and one that has expired is over, though Azure gives both out', async () => {
    const old = vault.set(NAME, OLD, { created: NOW - 60, exp: NOW + 10 });
    vault.set(NAME, NEW, { created: NOW, nbf: NOW + 5 });

    expect(await keys.load(at(NOW))).toMatchObject({ version: old, expiresAt: (NOW + 10) * 1_000 });
    expect(text(await keys.load(at(NOW + 5)))).toBe(NEW);
  });

  it('of two made within one second the later one, as Azure itself tells', async () => {
    for (let round = 0; round < 4; round++) {
      vault.set(NAME, `${NEW}-${String(round)}`, { created: NOW });

      expect(text(await keys.load(at()))).toBe(`${NEW}-${String(round)}`);
    }
  });

  it('of two made within one second one that is enabled, also when the last one is not', async () => {
    vault.set(NAME, OLD, { created: NOW });
    vault.set(NAME, OLD, { created: NOW });
    vault.set(NAME, NEW, { created: NOW, enabled: false });

    expect(text(await keys.load(at()))).toBe(OLD);
  });

  it('`previous` is the next older one that may be used, and `pending` there is none', async () => {
    vault.set(NAME, OLD, { created: NOW - 90 });
    vault.set(NAME, 'sk-invented-disabled', { created: NOW - 60, enabled: false });
    vault.set(NAME, NEW, { created: NOW });

    expect(text(await keys.load(at(NOW, { stage: 'previous' })))).toBe(OLD);
    expect(await keys.load(at(NOW, { stage: 'pending' }))).toBeUndefined();
  });

  it('a secret of one version has no previous one, which is no error', async () => {
    vault.set(NAME, NEW);

    expect(await keys.load(at(NOW, { stage: 'previous' }))).toBeUndefined();
  });

  it.each([
    ['none at all', []],
    ['1 expired, 2 disabled', [{ exp: NOW }, { enabled: false }, { enabled: false }]],
    ['1 not valid yet', [{ nbf: NOW + 1 }]],
  ])('a secret without a version to use is not found: %s', async (_, versions) => {
    for (const attributes of versions) vault.set(NAME, NEW, attributes);
    if (versions.length === 0) vault.answer({ status: 200, body: { value: [], nextLink: null } });

    const error = (await failure(keys.load(at()))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    for (const part of _.split(', ')) expect(error.message).toContain(part);
  });
});

describe('a version that is known', () => {
  it('is listed and not read, and its expiry comes along', async () => {
    const version = vault.set(NAME, NEW, { exp: NOW + 10 });
    await keys.load(at());
    vault.reset();

    expect(await keys.load(at(NOW, { known: ['another', version] }))).toEqual({
      unchanged: true,
      version,
      expiresAt: (NOW + 10) * 1_000,
    });
    expect(vault.requests).toEqual([`GET /secrets/${NAME}/versions`]);
  });
});

describe('a secret that is no key', () => {
  it.each([
    ['empty', '', {}, /has 0 bytes/],
    ['5 MB', 'x'.repeat(5_000_000), {}, /has 5000000 bytes/],
    ['a number', 12_345_678, {}, /has no text/],
    ['missing', undefined, {}, /has no text/],
    [
      'the PKCS #12 of a certificate',
      'MIIKEAIBAzCCCcwGCSqGSIb3',
      { contentType: 'application/x-pkcs12' },
      /certificate/,
    ],
    ['the key of a certificate', OLD, { kid: 'https://gold.vault.azure.net/keys/a/b' }, /certificate/],
  ])('%s is malformed', async (_, value, attributes, says) => {
    const version = vault.set(NAME, value, attributes);

    const error = (await failure(keys.load(at()))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false, version });
    expect(error.message).toMatch(says);
    if (typeof value === 'string' && value !== '') assertNoSecret(error, value);
  });

  it.each(['a text, of words', '{"apiKey":\n"sk-invented-0001"}', 'sk-inventé-0123456789', 'short'])(
    'a client refuses %j, and does not show it',
    async (value) => {
      vault.set(NAME, value);
      await using gold = new GoldDataClient({ keyProvider: keys, fetchPrice: () => Promise.resolve(1) });

      const error = (await failure(gold.getPrice('XAU'))) as Error;

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false });
      expect(error.message).not.toContain(value);
    },
  );

  it('a version deleted, and still listed, is not found', async () => {
    const list = { value: [{ id: `${vault.url}/secrets/${NAME}/gone`, attributes: { enabled: true, created: NOW } }] };
    const gone = azureFailure(404, 'SecretNotFound', `A secret with (name/id) ${NAME}/gone was not found.`);
    vault.answer({ status: 200, body: list }, gone, { status: 200, body: list }, gone);

    expect(await failure(keys.load(at()))).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
      retryable: false,
      version: 'gone',
    });
  });
});

describe('a version disabled between list and read', () => {
  it('gives way to the one before, as if it had been disabled in time', async () => {
    const old = vault.set(NAME, OLD, { created: NOW - 60 });
    const bad = vault.set(NAME, NEW, { created: NOW });
    const list = {
      value: [{ id: `${vault.url}/secrets/${NAME}/${bad}`, attributes: { enabled: true, created: NOW } }],
    };
    vault.update(NAME, bad, { enabled: false });
    vault.answer({ status: 200, body: list }, (response) => {
      vault.reset();
      const { status, body } = azureFailure(403, 'Forbidden', 'Not allowed on a disabled secret.', 'SecretDisabled');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });

    expect(await keys.load(at())).toMatchObject({ version: old });
  });
});

describe('the way to the vault', () => {
  it('asks for a token once, and hands over bytes of their own', async () => {
    vault.set(NAME, NEW);
    const before = vault.credential.calls;

    const loads = await Promise.all([keys.load(at()), keys.load(at())]);
    await keys.load(at());

    expect(vault.credential.calls - before).toBeLessThanOrEqual(2);
    const [first, second] = loads.map((loaded) => (loaded as { bytes: Uint8Array }).bytes);
    first?.fill(0);
    expect(Buffer.from(second ?? []).toString()).toBe(NEW);
    expect(second?.buffer.byteLength).toBe(NEW.length);
  });

  it('without a credential the one that DefaultAzureCredential finds is used', async () => {
    const version = vault.set(NAME, NEW);
    for (const [name, value] of Object.entries(vault.environment)) vi.stubEnv(name, value);
    const own = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME });

    const loaded = await own.load(at());
    await own.close?.();
    vi.unstubAllEnvs();

    expect(loaded).toMatchObject({ version });
    expect(vault.requests).toContain('GET /msi/token');
  });

  it('a client of the caller’s is used as it is, with its own retries, and not closed', async () => {
    vault.set(NAME, NEW);
    const options = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
    const client = new SecretClient(vault.url, vault.credential, { ...options, retryOptions: { maxRetries: 0 } });
    const own = fromAzureKeyVault({ vaultUrl: `${vault.url}/`, secretName: NAME, client });

    const loaded = text(await own.load(at()));
    await own.close?.();
    vault.reset();
    vault.answer({ status: 503, body: { error: { code: 'ServiceUnavailable', message: 'busy' } } });
    const failed = await failure(own.load(at()));

    expect(loaded).toBe(NEW);
    expect(failed).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(vault.requests).toHaveLength(1);
  });

  it('a next page outside the vault is not asked, because the token would go along', async () => {
    await using other = await startAzureKeyVault();
    vault.answer({ status: 200, body: { value: [], nextLink: `${other.url}/secrets/${NAME}/versions?page=2` } });

    const error = (await failure(keys.load(at()))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(error.message).toContain('outside the vault');
    expect(other.requests).toEqual([]);
  });

  it('a redirect is not followed', async () => {
    await using other = await startAzureKeyVault();
    vault.answer({ status: 307, headers: { location: `${other.url}/secrets` } });

    expect(await failure(keys.load(at()))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(other.requests).toEqual([]);
  });

  it('closing cuts a request under way, and a later load connects anew', async () => {
    vault.set(NAME, NEW);
    let arrived: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (arrived = resolve));
    vault.answer(() => arrived?.());
    const load = failure(keys.load(at()));
    await waiting;

    await keys.close?.();
    const error = await load;
    vault.reset();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(text(await keys.load(at()))).toBe(NEW);
  });

  it('a credential that never answers does not outlive the signal', async () => {
    const own = fromAzureKeyVault({
      vaultUrl: vault.url,
      secretName: NAME,
      credential: { getToken: () => new Promise(() => undefined) },
    });
    const ending = new AbortController();
    const load = failure(own.load(at(NOW, { signal: ending.signal })));
    await expect.poll(() => vault.requests.length).toBe(1);
    const reason = new Error('over');

    ending.abort(reason);

    expect(await load).toBe(reason);
  });
});

keyProviderContract(
  'fromAzureKeyVault',
  async (key) => {
    const store = await startAzureKeyVault();
    store.set(NAME, key);
    const provider = fromAzureKeyVault({ vaultUrl: store.url, secretName: NAME, credential: store.credential });
    return {
      provider,
      rotate: async (successor) => void store.set(NAME, successor),
      deny: async () => store.deny('ForbiddenByRbac'),
      stop: () => store.stop(),
      async cleanUp() {
        await provider.close?.();
        await store.stop();
      },
    };
  },
  { describe, it, expect },
);
