import type { Stage } from 'goldkey';
import type { RingStore } from 'goldkey/rotation';
import type { VaultConnection } from 'goldkey/vault';

export { VaultAuth } from 'goldkey/vault';

export { VaultConnection } from 'goldkey/vault';

export declare function vaultRing(options: VaultRingOptions): RingStore;

interface FromVaultOptions extends VaultConnection {
  mount?: string | undefined;
  path: string;
  field?: string | undefined;
  stages?: Partial<Record<Stage, number | string>> | undefined;
}

type VaultRingOptions = Omit<FromVaultOptions, 'field' | 'stages'>;
