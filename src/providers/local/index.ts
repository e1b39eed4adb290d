/**
 * Keys encrypted under a master-key file of this host (AES-256-GCM): `import { fromLocal, localCipher, createMasterKey } from 'goldkey/local'`.
 *
 * @module
 */
export { createMasterKey } from './create-master-key.js';
export { fromLocal, localCipher } from './from-local.js';
export type { MasterKeyOptions } from './from-local.js';
