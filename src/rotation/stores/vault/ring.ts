import { checkString } from '../../../core/index.js';
import { createVaultClient } from '../../../providers/vault/connection.js';
import { VAULT } from '../../../providers/vault/errors.js';
import { openKvSecret } from '../../../providers/vault/kv.js';
import { encodePath, type VaultConnection } from '../../../providers/vault/options.js';
import type { RingStore } from '../../ring/types.js';
import { createLease } from '../lease.js';
import { createRingAccess, type TextSlot } from '../text-slot.js';

/** Options of {@link vaultRing}. */
export interface VaultRingOptions extends VaultConnection {
  /** Mount of KV version 2. Default: `secret`. */
  mount?: string | undefined;
  /** Path of the ring within `mount`, e.g. `rings/gold`. The lease is at `<path>.lease`. Required. */
  path: string;
}

/**
 * Returns a ring store in a secret of Vault's KV version 2, with compare-and-swap by `cas`. A path that was deleted softly
 * can be written again. There are no change notices; clients notice a change when their `ttl` ends. A lease ends by the
 * hosts' wall clocks, which must agree to well within its `ttl`.
 *
 * The token needs `read`, `create` and `update` on `<mount>/data/<path>`, and on `<mount>/data/<path>.lease` if `schedule`
 * is used. Clients need `read` on the ring alone.
 *
 * @param options - see {@link VaultRingOptions} and {@link VaultConnection}; copied
 * @returns the ring store; `close` forgets the token, and a later use connects again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an address over plain http, or a path with empty parts
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: the token is not valid, or lacks the permission
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use, retryable: Vault is sealed, down or out of reach, or the
 * secret is not a ring; not retryable: the mount is not KV version 2
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by any use, retryable: no answer within 2 s
 * @throws {RingConflictError} `ERR_GOLDKEY_RING_CONFLICT`, by `write`: another write came first
 *
 * @example
 * ```ts
 * import { fromKeyRing } from 'goldkey/rotation';
 * import { vaultRing } from 'goldkey/rotation/vault';
 *
 * const keyProvider = fromKeyRing({ ring: vaultRing({ path: 'rings/gold' }), name: 'gold', cipher });
 * ```
 */
export function vaultRing(options: VaultRingOptions): RingStore {
  const client = createVaultClient('vaultRing', options, ['mount', 'path']);
  const path = encodePath('path', checkString('path', options.path));
  const mount = encodePath('mount', options.mount ?? 'secret');
  const createSlot = (slotPath: string, noun: string): TextSlot<number> => {
    const secret = openKvSecret(client, mount, slotPath, noun);
    return {
      async read(signal) {
        const found = await secret.read(undefined, { signal });
        // A secret that was deleted softly still has a version, which the next write must name.
        if (found.state !== 'live') return { text: undefined, token: found.version ?? 0 };
        const { document } = found.fields;
        return { text: typeof document === 'string' ? document : '', token: found.version };
      },
      swap: (text, cas, signal) => secret.write({ document: text }, cas, { signal }),
    };
  };
  return {
    name: VAULT,
    ...createRingAccess(VAULT, createSlot(path, 'the key ring')),
    lease: createLease(VAULT, createSlot(`${path}.lease`, 'the lease')),
    close: () => client.close(),
  };
}
