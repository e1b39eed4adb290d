import type { RingStore } from 'goldkey/rotation';
import type { FromVaultOptions } from 'goldkey/vault';

export { VaultAuth } from 'goldkey/vault';

export { VaultConnection } from 'goldkey/vault';

export type VaultRingOptions = Omit<FromVaultOptions, 'field' | 'stages'>;

export declare function vaultRing(options: VaultRingOptions): RingStore;
