// A key that is in Git as a ciphertext of Vault's transit engine (`vault secrets enable transit`, then
// `vault write -f transit/keys/gold`). Without a ciphertext this encrypts the key on stdin and prints one.
//
//   VAULT_ADDR, VAULT_TOKEN      as for the vault command
//   GOLD_API_KEY_CIPHERTEXT      vault:v1:...
//   PRICE_API_URL                optional
import { text } from 'node:stream/consumers';
import { GoldDataClient } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { fromVaultTransit, transitCipher } from 'goldkey/vault';

const transit = { keyName: 'gold', encryptionContext: { service: 'gold-data-stream' } };
const { GOLD_API_KEY_CIPHERTEXT: ciphertext, PRICE_API_URL: baseUrl } = process.env;

if (ciphertext === undefined) {
  const cipher = transitCipher(transit);
  const key = await text(process.stdin);
  console.log((await cipher.encrypt(key.trim())).ciphertext);
  await cipher.close();
} else {
  const gold = new GoldDataClient({
    keyProvider: fromVaultTransit({ ...transit, ciphertext }),
    ...metalsApi({ baseUrl }),
  });
  const { price } = await gold.getPrice('XAU');
  console.log(`XAU ${price.toFixed(2)}`);
  await gold.close();
}
