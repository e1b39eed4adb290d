import { GoldDataClient } from 'goldkey';
import { metalsApi } from 'goldkey/prices';

/** Creates a handler that reads its key by `fromStore`. */
export function createHandler(fromStore) {
  const gold = new GoldDataClient({
    keyProvider: fromStore({
      ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
      encryptionContext: { service: 'gold-data-stream', environment: 'production' },
      keyId: process.env.KMS_KEY_ID,
    }),
    ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
  });
  return async ({ symbol }) => {
    try {
      const { metal, price } = await gold.getPrice(symbol);
      return { metal, price };
    } finally {
      await gold.settled();
    }
  };
}
