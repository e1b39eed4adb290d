import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

export async function first({ url, region, credentials, ciphertext, encryptionContext, keyId, priceUrl }) {
  const gold = new GoldDataClient({
    keyProvider: fromKmsLight({ ciphertext, encryptionContext, keyId, region, endpoint: url, credentials }),
    ...metalsApi({ baseUrl: priceUrl }),
  });
  return (await gold.getPrice('XAU')).price;
}
