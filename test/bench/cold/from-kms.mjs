import { GoldDataClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';

export async function first({ url, region, credentials, ciphertext, encryptionContext, keyId }) {
  const gold = new GoldDataClient({
    keyProvider: fromKms({
      ciphertext,
      encryptionContext,
      keyId,
      region,
      clientConfig: { endpoint: url, credentials },
    }),
    fetchPrice: async (_symbol, { apiKey }) => apiKey.length,
  });
  return await gold.getPrice('XAU');
}
