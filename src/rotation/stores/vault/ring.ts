import { conflict, invalidType, KeyProviderError, checkOptionalString } from '../../../core/index.js';
import { isStaleCas } from '../../../providers/vault/errors.js';
import { VAULT } from '../../../providers/vault/failures.js';
import { vaultLink, type VaultLink } from '../../../providers/vault/connection.js';
import { vaultPath, type VaultConnection } from '../../../providers/vault/options.js';
import { documentLease, leaseFrom } from '../lease.js';
import { parseRing } from '../../ring/document.js';
import { isSameWrite, ringText } from '../../ring/serialize.js';
import type { KeyRingDocument, RingStore } from '../../ring/types.js';

/** A document of KV v2, and the version that a write has to name. */
interface Found {
  /** `undefined` where nothing is, or what was there was deleted. */
  readonly data: object | undefined;
  readonly cas: number;
}

interface KvAnswer {
  readonly data?: { readonly data?: unknown; readonly metadata?: { readonly version?: unknown } | null };
}

/**
 * A key ring as a secret of Vault's KV v2, compared and swapped by `cas`. A path that was deleted softly can be written
 * again. There is nothing to subscribe to: clients ask as their `ttl` demands. A lease is kept beside it, at
 * `<path>.lease`.
 *
 * The token needs `read`, `create` and `update` on `<mount>/data/<path>`, and on `<path>.lease` where `schedule` is used;
 * clients need `read` on the ring alone.
 *
 * @param options - `path` of the ring within `mount` (default `secret`), and how to get to Vault; copied
 * @returns a store for `fromKeyRing` and `KeyRotationManager`; `close` forgets the token, a later use connects again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an address over plain http, a path with empty parts
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by every operation: the token is not valid or allowed
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by every operation, retryable: Vault is sealed, down or out of
 * reach, or holds something there that is no ring
 * @throws {RingConflictError} `ERR_GOLDKEY_RING_CONFLICT`, by `write`: somebody else wrote first
 *
 * @example
 * ```ts
 * import { fromKeyRing } from 'goldkey/rotation';
 * import { vaultRing } from 'goldkey/rotation/vault';
 *
 * const keyProvider = fromKeyRing({ ring: vaultRing({ path: 'rings/gold' }), name: 'gold', cipher });
 * ```
 */
export function vaultRing(options: VaultConnection & { mount?: string | undefined; path: string }): RingStore {
  const link = vaultLink('vaultRing', options, ['mount', 'path']);
  if (checkOptionalString('path', options.path) === undefined) throw invalidType('`path` must be a non-empty string.');
  const mount = vaultPath('mount', options.mount ?? 'secret');
  const at = `${mount}/data/${vaultPath('path', options.path)}`;
  const find = async (signal: AbortSignal | undefined): Promise<{ ring: KeyRingDocument | undefined; cas: number }> => {
    const { data, cas } = await read(link, at, 'the read of the key ring', signal);
    if (data === undefined) return { ring: undefined, cas };
    const { document } = data as { document?: unknown };
    return { ring: parseRing(typeof document === 'string' ? document : '', VAULT), cas };
  };
  return {
    name: VAULT,
    async read(how) {
      const { ring, cas } = await find(how?.signal);
      return ring === undefined ? undefined : { ring, token: cas };
    },
    async write(ring, expected, how) {
      const document = ringText(ring, VAULT);
      // What was deleted softly reads as nothing, and has a version all the same.
      const { ring: before, cas } = await find(how?.signal);
      if (isSameWrite(before, ring)) return;
      const revision = before?.revision ?? 0;
      const moved = typeof expected.token === 'number' && expected.token !== cas;
      if (revision !== expected.revision || moved) throw conflict(VAULT, expected.revision, revision);
      if (await write(link, at, { document }, cas, 'the write of the key ring', how?.signal)) return;
      throw conflict(VAULT, expected.revision, undefined);
    },
    lease: documentLease<number>({
      async read() {
        const { data, cas } = await read(link, `${at}.lease`, 'the read of the lease');
        return { lease: data === undefined ? undefined : leaseFrom(data, VAULT), token: cas };
      },
      async write(lease, cas) {
        if (!(await write(link, `${at}.lease`, lease, cas, 'the write of the lease')))
          throw conflict(VAULT, cas, undefined);
      },
    }),
    close() {
      link.close();
      return Promise.resolve();
    },
  };
}

async function read(link: VaultLink, path: string, what: string, signal?: AbortSignal): Promise<Found> {
  const { status, body } = await link.request({ method: 'GET', path, what, signal });
  const { data, metadata } = (body as KvAnswer | undefined)?.data ?? {};
  const version = metadata?.version;
  if (status === 404) return { data: undefined, cas: typeof version === 'number' ? version : 0 };
  if (typeof version === 'number' && typeof data === 'object' && data !== null) return { data, cas: version };
  throw new KeyProviderError('Vault answered without a version: `mount` must be a KV secrets engine of version 2.', {
    provider: VAULT,
    retryable: false,
  });
}

/** Whether it was written; false when somebody else was faster. */
async function write(
  link: VaultLink,
  path: string,
  data: object,
  cas: number,
  what: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const body = { options: { cas }, data };
  const answer = await link.request({ method: 'POST', path, body, what, signal, accept: [400] });
  if (isStaleCas(answer)) return false;
  if (answer.status < 400) return true;
  throw new KeyProviderError(
    `Vault answered ${what} with status 400: \`mount\` must be a KV secrets engine of version 2, and \`path\` one of it.`,
    { provider: VAULT, retryable: false },
  );
}
