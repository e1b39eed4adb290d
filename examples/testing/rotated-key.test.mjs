// A whole repair over HTTP on loopback: the fakes answer as AWS KMS and as the price API do.
import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';
import { assertNoSecret, startFakeKms, startFakePriceApi } from 'goldkey/testing';
import { expect, it } from 'vitest';
import { priceAlert } from './price-alert.mjs';

const [OLD, NEW] = ['invented-key-0001', 'invented-key-0002'];
const encryptionContext = { service: 'gold-data-stream' };

it('a rotated key costs one load and no error', async () => {
  const [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi({ api: 'metals-api', keys: [OLD] })]);
  let ciphertext = kms.encrypt(OLD, encryptionContext);
  const gold = new GoldDataClient({
    keyProvider: fromKmsLight({
      ciphertext: () => ciphertext,
      encryptionContext,
      keyId: kms.keyArn,
      endpoint: kms.url,
      region: kms.region,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'invented' },
    }),
    ...metalsApi({ baseUrl: api.url }),
  });
  const events = [];
  gold.on('repaired', (event) => events.push(event));
  try {
    await priceAlert(gold, { symbol: 'XAU', above: 1 });

    api.revoke(OLD);
    api.accept(NEW);
    ciphertext = kms.encrypt(NEW, encryptionContext);
    const alerts = await Promise.all(Array.from({ length: 10 }, () => priceAlert(gold, { symbol: 'XAU', above: 1 })));

    expect(alerts.every((alert) => alert?.startsWith('XAU is at'))).toBe(true);
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt', 'Decrypt']);
    expect(events.length).toBeGreaterThan(0);
    // Throws if any encoding of a key can be reached from the value.
    for (const key of [OLD, NEW]) assertNoSecret([alerts, events], key);
  } finally {
    await Promise.all([gold.close(), kms.close(), api.close()]);
  }
});
