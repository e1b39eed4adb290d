/**
 * Key rings in Vault's KV v2: `import { vaultRing } from 'goldkey/rotation/vault'`.
 *
 * @module
 */
export { vaultRing } from './ring.js';
export type { VaultRingOptions } from './ring.js';
export type { VaultAuth, VaultConnection } from '../../../providers/vault/options.js';
