/**
 * Azure Key Vault as a key store, on `@azure/keyvault-secrets`: `import { fromAzureKeyVault } from 'goldkey/azure-key-vault'`.
 *
 * @module
 */
export { fromAzureKeyVault } from './from-azure-key-vault.js';
export type { FromAzureKeyVaultOptions } from './options.js';
