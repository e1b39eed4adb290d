import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromKmsLight({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: process.env.KMS_KEY_ID,
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

export async function handler({ symbol }) {
  try {
    const { metal, price } = await gold.getPrice(symbol);
    return { metal, price };
  } finally {
    await gold.settled();
  }
}
