/**
 * Keys encrypted under a master-key file of this host (AES-256-GCM): `import { fromLocal, localCipher, createMasterKey } from 'goldkey/local'`.
 *
 * @module
 */
export { fromLocal, localCipher } from './from-local.js';
export type { Ciphertext } from '../shared/ciphertext.js';
export type { CiphertextOptions } from '../shared/ciphertext-provider.js';
export type { MasterKeyOptions } from './from-local.js';
export { createMasterKey } from './master-key.js';
