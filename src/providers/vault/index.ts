/**
 * HashiCorp Vault and OpenBao as key stores, KV version 2 and transit:
 * `import { fromVault, fromVaultTransit, transitCipher } from 'goldkey/vault'`.
 *
 * @module
 */
export { fromVault } from './from-vault.js';
export { fromVaultTransit, transitCipher } from './from-vault-transit.js';
export type { FromVaultOptions } from './from-vault.js';
export type { FromVaultTransitOptions } from './from-vault-transit.js';
export type { VaultAuth, VaultConnection } from './options.js';
export type { TransitKeyOptions } from './transit-key.js';
