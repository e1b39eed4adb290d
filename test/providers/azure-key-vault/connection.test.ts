import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromAzureKeyVault } from '../../../src/providers/azure-key-vault/index.js';
import type { KeyProvider, LoadRequest } from '../../../src/core/index.js';
import { assertNoSecret } from '../../../src/testing/assert-no-secret.js';
import { keyProviderContract } from '../../../src/testing/contract/key-provider-contract.js';
import { startAzureKeyVault, type AzureKeyVault } from '../../servers/azure-key-vault.js';
import { failure, hurriedClock, request, text } from '../loading.js';

const NAME = 'metals-api-key';
const KEY = 'sk-invented/+&=0123456789';

let vault: AzureKeyVault;
let keys: KeyProvider;
beforeAll(async () => {
  vault = await startAzureKeyVault();
});
beforeEach(() => {
  vault.set(NAME, KEY);
  keys = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential: vault.credential });
});
afterEach(async () => {
  await keys.close?.();
  vault.remove(NAME);
  vault.reset();
});
afterAll(() => vault[Symbol.asyncDispose]());

/** Its timers fire at once, and it tells the time. */
const clock = (): ReturnType<typeof hurriedClock> => ({ ...hurriedClock(), now: Date.now });
const asked = (more: Partial<LoadRequest> = {}): LoadRequest => request(clock(), more);

describe('the way to the vault', () => {
  it('asks for a token once, and hands over bytes of their own', async () => {
    const before = vault.credential.calls;

    const loads = await Promise.all([keys.load(asked()), keys.load(asked())]);
    await keys.load(asked());

    expect(vault.credential.calls - before).toBeLessThanOrEqual(2);
    const [first, second] = loads.map((loaded) => (loaded as { bytes: Uint8Array }).bytes);
    first?.fill(0);
    expect(Buffer.from(second ?? []).toString()).toBe(KEY);
    expect(second?.buffer.byteLength).toBe(KEY.length);
  });

  it('without a credential the one that DefaultAzureCredential finds is used', async () => {
    const version = vault.set(NAME, `${KEY}-2`);
    for (const [name, value] of Object.entries(vault.environment)) vi.stubEnv(name, value);
    const own = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME });

    const loaded = await own.load(asked());
    await own.close?.();
    vi.unstubAllEnvs();

    expect(loaded).toMatchObject({ version });
    expect(vault.requests).toContain('GET /msi/token');
  });

  it('a client of the caller’s is used as it is, with its own retries, and not closed', async () => {
    const options = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
    const client = new SecretClient(vault.url, vault.credential, { ...options, retryOptions: { maxRetries: 0 } });
    const own = fromAzureKeyVault({ vaultUrl: `${vault.url}/`, secretName: NAME, client });

    const loaded = text(await own.load(asked()));
    await own.close?.();
    vault.reset();
    vault.answer({ status: 503, body: { error: { code: 'ServiceUnavailable', message: 'busy' } } });
    const failed = await failure(own.load(asked()));

    expect(loaded).toBe(KEY);
    expect(failed).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(vault.requests).toHaveLength(1);
  });

  it('a next page outside the vault is not asked, because the token would go along', async () => {
    await using other = await startAzureKeyVault();
    vault.answer({ status: 200, body: { value: [], nextLink: `${other.url}/secrets/${NAME}/versions?page=2` } });

    const error = (await failure(keys.load(asked()))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(error.message).toContain('outside the vault');
    expect(other.requests).toEqual([]);
  });

  it('a redirect is not followed', async () => {
    await using other = await startAzureKeyVault();
    vault.answer({ status: 307, headers: { location: `${other.url}/secrets` } });

    expect(await failure(keys.load(asked()))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(other.requests).toEqual([]);
  });

  it('closing cuts a request under way, and a later load connects anew', async () => {
    let arrived: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (arrived = resolve));
    vault.answer(() => arrived?.());
    const load = failure(keys.load(asked()));
    await waiting;

    await keys.close?.();
    const error = await load;
    vault.reset();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(text(await keys.load(asked()))).toBe(KEY);
  });

  it('a credential that never answers does not outlive the signal', async () => {
    const own = fromAzureKeyVault({
      vaultUrl: vault.url,
      secretName: NAME,
      credential: { getToken: () => new Promise(() => undefined) },
    });
    const ending = new AbortController();
    const load = failure(own.load(asked({ signal: ending.signal })));
    await expect.poll(() => vault.requests.length).toBe(1);
    const reason = new Error('over');

    ending.abort(reason);

    expect(await load).toBe(reason);
  });
});

describe('credentials that bring no token', () => {
  const load = (credential: object): Promise<unknown> =>
    fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential }).load(asked());
  const failing = (name: string, message: string, more: object = {}): object => ({
    getToken: () => Promise.reject(Object.assign(new Error(message), { name }, more)),
  });

  it.each([
    [
      'CredentialUnavailableError',
      'EnvironmentCredential is unavailable.',
      {},
      /failed with CredentialUnavailableError: there is no token/,
    ],
    [
      'AggregateAuthenticationError',
      'ChainedTokenCredential failed.',
      { errors: [] },
      /failed with AggregateAuthenticationError: there is no token/,
    ],
    [
      'AuthenticationRequiredError',
      'Automatic authentication has been disabled.',
      {},
      /failed with AuthenticationRequiredError: there is no token/,
    ],
    [
      'AuthenticationError',
      'invalid_client: AADSTS7000222: The provided keys are expired.',
      { statusCode: 401 },
      /failed with AADSTS7000222: there is no token/,
    ],
  ])('%s may pass, and is not tried again', async (name, message, more, says) => {
    const error = (await failure(load(failing(name, message, more)))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, cause: { message } });
    expect(error.message).toMatch(says);
    expect(vault.requests).toHaveLength(1);
  });

  it('any other error of a credential is kept as the cause', async () => {
    const error = (await failure(load(failing('Error', 'no such thing')))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, cause: { message: 'no such thing' } });
    expect(error.message).toContain('its error is the `cause`');
  });

  it('a token that the vault does not take is in no error', async () => {
    const token = 'invented-token-0123456789';
    const wrong = { getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };

    const error = await failure(load(wrong));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    assertNoSecret(error, token);
  });
});

describe('TLS to the vault', () => {
  it('a certificate that nobody vouches for: no token is sent, nor is it tried again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'goldkey-tls-'));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...made, '-subj', '/CN=localhost'], { stdio: 'ignore' });
    const seen = vi.fn<RequestListener>();
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, seen).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const vaultUrl = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const own = fromAzureKeyVault({ vaultUrl, secretName: NAME, credential: vault.credential });
    const counting = clock();

    const error = await failure(own.load(request(counting)));
    await own.close?.();
    server.close();
    rmSync(folder, { recursive: true });

    expect(error).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringContaining('failed with DEPTH_ZERO_SELF_SIGNED_CERT: ') as string,
    });
    expect(seen).not.toHaveBeenCalled();
    expect(counting.waits).toEqual([]);
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
