import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fromAzureKeyVault } from '../../../src/providers/azure-key-vault/index.js';
import { GoldDataClient, type KeyProvider } from '../../../src/core/index.js';
import { assertNoSecret } from '../../../src/testing/assert-no-secret.js';
import { azureFailure, startAzureKeyVault, type AzureKeyVault } from '../../servers/azure-key-vault.js';
import { failure, hurriedClock, request, text } from '../loading.js';

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
