// A pod whose key is in Vault's KV version 2: `vault kv put secret/gold/api-key key=-` and the key on stdin.
// The policy: path "secret/data/gold/api-key" { capabilities = ["read"] }, and the same for secret/metadata/gold/api-key.
//
//   VAULT_ADDR                  as for the vault command; VAULT_TOKEN too where there is no VAULT_ROLE
//   VAULT_ROLE, VAULT_JWT_FILE  the role of Vault's Kubernetes method, and where the service account's token is not at its
//                               usual place
//   PRICE_API_URL               optional
import { GoldDataClient } from 'goldkey';
import { metalsApi } from 'goldkey/prices';
import { fromVault } from 'goldkey/vault';

const { VAULT_ROLE: role, VAULT_JWT_FILE: jwtFile, PRICE_API_URL: baseUrl } = process.env;
const gold = new GoldDataClient({
  keyProvider: fromVault({ path: 'gold/api-key', auth: role && { method: 'kubernetes', role, jwtFile } }),
  ...metalsApi({ baseUrl }),
});
try {
  const { price } = await gold.getPrice('XAU');
  console.log(`XAU ${price.toFixed(2)} with version ${gold.status().version}`);
} finally {
  await gold.close();
}
