import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';

export async function first({ url, region, credentials, ciphertext, encryptionContext, keyId }) {
  const gold = new GoldDataClient({
    keyProvider: fromKmsLight({ ciphertext, encryptionContext, keyId, region, endpoint: url, credentials }),
    fetchPrice: async (_symbol, { apiKey }) => apiKey.length,
  });
  return await gold.getPrice('XAU');
}
