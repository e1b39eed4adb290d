import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fromAzureKeyVault } from '../../src/providers/azure-key-vault/index.js';
import { GoldDataClient, systemClock, type Clock } from '../../src/core/index.js';
import { metalsApi, type Quote } from '../../src/prices/index.js';
import { assertNoSecret } from '../../src/testing/assert-no-secret.js';
import { startFakePriceApi, type FakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { startAzureKeyVault, type AzureKeyVault } from '../servers/azure-key-vault.js';
import { built, finishedWithout, missing } from '../examples/start-example.js';

const NAME = 'metals-api-key';
const [FIRST, SECOND, THIRD] = [
  'sk-invented/1+&=0123456789',
  'sk-invented/2+&=0123456789',
  'sk-invented/3+&=0123456789',
];
const PRICE = { metal: 'XAU', price: 2199.5135616442817 };
const TTL = 60_000;

/** The system's clock, which can be set forward: the key's life passes without a wait. */
function leapingClock(): Clock & { leap(ms: number): void } {
  let ahead = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
    leap: (ms) => void (ahead += ms),
  };
}

let vault: AzureKeyVault;
let api: FakePriceApi;
let clock: ReturnType<typeof leapingClock>;
let gold: GoldDataClient<Quote>;
beforeAll(async () => {
  [vault, api] = await Promise.all([startAzureKeyVault({ pageSize: 2 }), startFakePriceApi()]);
});
beforeEach(() => {
  clock = leapingClock();
  gold = new GoldDataClient({
    keyProvider: fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential: vault.credential }),
    ...metalsApi({ baseUrl: api.url }),
    clock,
    ttl: TTL,
    retry: false,
  });
});
afterEach(async () => {
  await gold.close();
  vault.remove(NAME);
  vault.reset();
  for (const key of [FIRST, SECOND, THIRD]) api.revoke(key);
});
afterAll(() => Promise.all([vault[Symbol.asyncDispose](), api.close()]));

const rejection = (work: Promise<unknown>): Promise<Error> => work.then(String, (error: unknown) => error) as never;

describe('GoldDataClient on Azure Key Vault, through the official client', () => {
  it('reads, and after a rotation in the store a refused call is repaired', async () => {
    const first = vault.set(NAME, FIRST);
    api.accept(FIRST);
    expect(await gold.getPrice('XAU')).toMatchObject(PRICE);
    expect(gold.status().version).toBe(first);

    const second = vault.set(NAME, SECOND);
    api.accept(SECOND);
    api.revoke(FIRST);

    expect(await gold.getPrice('XAU')).toMatchObject(PRICE);
    expect(gold.status()).toMatchObject({ version: second, counts: { rejections: 1, repairs: 1 } });
  });

  it('a new version that the price API does not take yet falls back to the previous one', async () => {
    const first = vault.set(NAME, FIRST, { created: Math.floor(Date.now() / 1_000) - 60 });
    vault.set(NAME, SECOND);
    api.accept(FIRST);

    expect(await gold.getPrice('XAU')).toMatchObject(PRICE);
    expect(gold.status()).toMatchObject({ counts: { repairs: 1 } });
    expect(vault.requests).toContain(`GET /secrets/${NAME}/${first}`);
  });

  it('a bad version that is disabled gives way to the one before, once the key’s life is over', async () => {
    const first = vault.set(NAME, FIRST);
    const bad = vault.set(NAME, SECOND);
    for (const key of [FIRST, SECOND]) api.accept(key);
    await gold.getPrice('XAU');
    expect(gold.status().version).toBe(bad);

    vault.update(NAME, bad, { enabled: false });
    clock.leap(TTL);

    await gold.getPrice('XAU');
    expect(gold.status().version).toBe(first);
  });

  it('an unchanged version is listed again and not read', async () => {
    vault.set(NAME, FIRST);
    api.accept(FIRST);
    await gold.getPrice('XAU');
    vault.reset();

    clock.leap(TTL);
    await gold.getPrice('XAU');

    expect(vault.requests).toEqual([`GET /secrets/${NAME}/versions`]);
  });

  it('permission withdrawn: the key is dropped, the error is not retryable and shows nothing', async () => {
    vault.set(NAME, FIRST);
    api.accept(FIRST);
    await gold.getPrice('XAU');

    vault.deny('ForbiddenByRbac');
    clock.leap(TTL);
    const error = await rejection(gold.getPrice('XAU'));

    expect(error).toMatchObject({ name: 'KeyAccessDeniedError', retryable: false });
    expect(gold.status().fingerprint).toBeUndefined();
    for (const secret of [FIRST, vault.token]) assertNoSecret(error, secret);
  });

  it('server stopped: the stale key serves; server back: the current one does', async () => {
    vault.set(NAME, FIRST);
    api.accept(FIRST);
    await gold.getPrice('XAU');

    await vault.stop();
    clock.leap(TTL);
    expect(await gold.getPrice('XAU')).toMatchObject(PRICE);
    await gold.settled();
    expect(gold.status()).toMatchObject({ lastErrorCode: 'ERR_GOLDKEY_PROVIDER', counts: { stale: 1 } });

    await vault.start();
    const third = vault.set(NAME, THIRD);
    api.accept(THIRD);
    clock.leap(31_000);
    await gold.getPrice('XAU');
    await gold.settled();
    await gold.getPrice('XAU');
    expect(gold.status().version).toBe(third);
  });

  it('server stopped before the first key: an error that may pass, and shows nothing', async () => {
    vault.set(NAME, FIRST);
    await vault.stop();
    const error = await rejection(gold.getPrice('XAU'));
    await vault.start();

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable: true });
    for (const secret of [FIRST, vault.token]) assertNoSecret(error, secret);
  });
});

describe.skipIf(!built)(`the example azure-key-vault.mjs ${missing}`, () => {
  const finished = finishedWithout(FIRST);

  it('prints a price, as the managed identity that DefaultAzureCredential finds', async () => {
    const version = vault.set(NAME, FIRST);
    api.accept(FIRST);

    const ran = await finished(['examples/stores/azure-key-vault.mjs'], {
      ...vault.environment,
      PATH: process.env['PATH'] ?? '',
      AZURE_KEY_VAULT_URL: vault.url,
      PRICE_API_URL: api.url,
    });

    expect(ran).toEqual({ code: 0, stdout: `XAU 2199.51 USD with version ${version}\n`, stderr: '' });
    expect(vault.requests).toContain('GET /msi/token');
  });

  it('without a permission it ends with 1 and says what to look at', async () => {
    vault.deny('ForbiddenByFirewall');

    const ran = await finished(['examples/stores/azure-key-vault.mjs'], {
      ...vault.environment,
      PATH: process.env['PATH'] ?? '',
      AZURE_KEY_VAULT_URL: vault.url,
    });

    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain("the vault's firewall does not let this address in");
    expect(ran.stderr).not.toContain(vault.token);
  });
});
