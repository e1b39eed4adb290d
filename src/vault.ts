/**
 * HashiCorp Vault and OpenBao as key stores, KV version 2 and transit:
 * `import { fromVault, fromVaultTransit, transitCipher } from 'goldkey/vault'`.
 *
 * @module
 */
export { fromVault } from './providers/vault.js';
export { fromVaultTransit, transitCipher } from './providers/vault-transit.js';
export type { VaultAuth, VaultConnection } from './providers/vault-options.js';
