// The client of the handlers beside it: outside of them, so that warm invocations find the key.
import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

export const gold = new GoldDataClient({
  keyProvider: fromKmsLight({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});
