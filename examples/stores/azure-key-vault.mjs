// A price with a key that is a secret of Azure Key Vault. The identity is the one that DefaultAzureCredential finds: a
// managed identity, the environment, or the login of the Azure CLI. It needs the role "Key Vault Secrets User" on the vault.
//
//   AZURE_KEY_VAULT_URL   e.g. https://gold.vault.azure.net
//   PRICE_API_URL         optional
//
// A new version of the secret is in use after five minutes at most, or with the first call that the old one is refused
// for. Disable the new version to go back.
import { GoldDataClient } from 'goldkey';
import { fromAzureKeyVault } from 'goldkey/azure-key-vault';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromAzureKeyVault({ vaultUrl: process.env.AZURE_KEY_VAULT_URL, secretName: 'metals-api-key' }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

const { price, currency } = await gold.getPrice('XAU');
console.log(`XAU ${price.toFixed(2)} ${currency} with version ${gold.status().version}`);
await gold.close();
