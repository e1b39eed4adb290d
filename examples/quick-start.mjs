import { GoldDataClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromKms({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi(),
});

const { price, currency, unit } = await gold.getPrice('XAU');
console.log(`${price} ${currency} per ${unit}`);
await gold.close();
