import {
  checkInteger,
  checkOptionalString,
  checkOptionNames,
  checkString,
  describeType,
  getRequestClock,
  invalidType,
  KeyFormatError,
  KeyNotFoundError,
  type KeyProvider,
  type LoadedKey,
  type Stage,
  quote,
  showText,
} from '../../core/index.js';
import { createVaultClient } from './connection.js';
import { VAULT } from './errors.js';
import { openKvSecret, readKeyField, type KvMetadata, type KvMissing, type KvVersion } from './kv.js';
import { encodePath, type VaultConnection } from './options.js';

/** Options of {@link fromVault}. */
export interface FromVaultOptions extends VaultConnection {
  /** Mount of KV version 2. Default: `secret`. */
  mount?: string | undefined;
  /** Path of the secret within `mount`, e.g. `gold/api-key`. Required. */
  path: string;
  /** Field of the secret that holds the key. Default: its only field; among several `key`, else `api_key`. */
  field?: string | undefined;
  /**
   * The version of each stage: a number from 1, or the name of a `custom_metadata` key that holds one. Default: `current`
   * is the newest version, and there is neither a `pending` nor a `previous` one.
   */
  stages?: Partial<Record<Stage, number | string>> | undefined;
}

/**
 * Returns a key store over one secret of KV version 2 of Vault (or OpenBao). Vault holds the key, encrypted under its own
 * key; nothing of it is in Git.
 *
 * It speaks HTTP itself: Vault's API needs a handful of JSON requests, and a client package would add more code than that,
 * with its own timeouts and retries. A transient failure is retried twice (after about 100 ms, 1 s at a rate limit) within
 * `keyTimeout`. Nothing is sent before the first load. `version` is KV's number. A version with a `delete_version_after`
 * expires at that time.
 *
 * The token needs `read` on `<mount>/data/<path>`, and on `<mount>/metadata/<path>` if `stages` has names. With both, an
 * unchanged version is recognised by its metadata and not read again, as long as Vault says that the token may read it.
 *
 * @param options - see {@link FromVaultOptions} and {@link VaultConnection}; copied
 * @returns a key store for `keyProvider`; closing its last client forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an address over plain http, a path with empty parts, a version
 * below 1
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: the secret or version does not exist, or was deleted; for
 * `pending` and `previous` the load resolves to `undefined` instead
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: the field does not exist or is not a string, or a
 * `custom_metadata` key does not hold a version
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the token is not valid, or lacks the permission
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: Vault is sealed or limits the rate, the server
 * or the network fails, a login is denied; not retryable: the mount is not KV version 2
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: no answer within 2 s, three times in a row
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { metalsApi } from 'goldkey/prices';
 * import { fromVault } from 'goldkey/vault';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromVault({ path: 'gold/api-key', auth: { method: 'kubernetes', role: 'gold-data-stream' } }),
 *   ...metalsApi(),
 * });
 * console.log(await gold.getPrice('XAU'));
 * ```
 */
export function fromVault(options: FromVaultOptions): KeyProvider {
  const client = createVaultClient('fromVault', options, ['mount', 'path', 'field', 'stages']);
  const path = encodePath('path', checkString('path', options.path));
  const mount = encodePath('mount', options.mount ?? 'secret');
  const field = checkOptionalString('field', options.field);
  const stages = checkStages(options.stages);
  const secret = openKvSecret(client, mount, path, 'the key');
  const place = showText(`${mount}/${path}`);
  /** The versions in use, with the time each was made: a secret that is deleted and made again starts at 1 again. */
  const inUse = new Map<Stage, Pick<KvVersion, 'version' | 'createdTime'>>();
  const isInUse = (version: number, createdTime: string | undefined): boolean =>
    [...inUse.values()].some((held) => held.version === version && held.createdTime === createdTime);

  return {
    name: VAULT,
    async load(request) {
      const { stage, signal, known = [] } = request;
      signal.throwIfAborted();
      const wanted = stages[stage];
      if (wanted === undefined && stage !== 'current') return undefined;
      const call = { signal, clock: getRequestClock(request) };
      // Metadata may still be readable when the key no longer is, and that must take effect at the next load.
      const compares = known.length > 0 && (await secret.mayRead(call));
      const metadata = typeof wanted === 'string' || compares ? await secret.readMetadata(call) : undefined;
      const version = typeof wanted === 'string' ? readCustomVersion(metadata, wanted) : wanted;
      if (version === undefined && typeof wanted === 'string') {
        return handleMissing(stage, { state: 'absent' }, `${place} (its ${quote(wanted, 'custom_metadata.')})`);
      }
      if (compares && metadata !== undefined) {
        const latest = version ?? metadata.currentVersion;
        const isUnchanged = known.includes(String(latest)) && isInUse(latest, metadata.getCreatedTime(latest));
        if (isUnchanged) return { unchanged: true, version: String(latest) };
      }
      const found = await secret.read(version, call);
      if (found.state !== 'live') return handleMissing(stage, found, place);
      const key = createLoadedKey(found, field, call.clock.now());
      inUse.set(stage, { version: found.version, createdTime: found.createdTime });
      return key;
    },
    close: () => client.close(),
  };
}

function createLoadedKey(found: KvVersion, field: string | undefined, now: number): LoadedKey {
  const { version, createdTime, deletionTime } = found;
  const [createdAt, expiresAt] = [Date.parse(createdTime), Date.parse(deletionTime)];
  return {
    bytes: readKeyField(found, field),
    version: String(version),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    // Vault has just served it, so an end in the past means that this clock is ahead, and must not expire the key.
    ...(expiresAt > now ? { expiresAt } : {}),
  };
}

/** Throws for `current`; returns `undefined` for `pending` and `previous`, which need not exist. */
function handleMissing(stage: Stage, { state, version }: KvMissing, place: string): undefined {
  if (stage !== 'current') return undefined;
  const secret = version === undefined ? `the secret ${place}` : `version ${String(version)} of ${place}`;
  const message = {
    absent: `Vault has no key for ${secret}; check \`path\`, \`mount\`, \`stages\` and \`namespace\`.`,
    deleted: `In Vault ${secret} was deleted; undelete it, or write a new version.`,
    destroyed: `In Vault ${secret} was deleted for good (destroyed); write a new version.`,
  }[state];
  throw new KeyNotFoundError(message, { provider: VAULT, version: version?.toString() });
}

function readCustomVersion(metadata: KvMetadata | undefined, name: string): number | undefined {
  const value = metadata !== undefined && Object.hasOwn(metadata.custom, name) ? metadata.custom[name] : undefined;
  // Vault's command line empties a key rather than removing it.
  if (value === undefined || value === '') return undefined;
  const version = typeof value === 'string' ? Number(value) : NaN;
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new KeyFormatError(
    `In Vault ${quote(name, 'custom_metadata.')} of the secret must be the number of a version.`,
    {
      provider: VAULT,
    },
  );
}

function checkStages(stages: unknown): Partial<Record<Stage, number | string>> {
  if (stages === undefined) return {};
  checkOptionNames('`stages`', stages, ['current', 'pending', 'previous']);
  const checked: Partial<Record<Stage, number | string>> = {};
  for (const [stage, value] of Object.entries(stages as Record<Stage, unknown>) as Array<[Stage, unknown]>) {
    if (value === undefined) continue;
    const isName = typeof value === 'string' && value !== '';
    if (!isName && typeof value !== 'number') {
      const got = value === '' ? "''" : describeType(value);
      throw invalidType(
        `\`stages.${stage}\` must be the number of a version or the name of a \`custom_metadata\` key, got ${got}.`,
      );
    }
    checked[stage] = isName ? value : checkInteger(`stages.${stage}`, value, 1, 1, Number.MAX_SAFE_INTEGER);
  }
  return checked;
}
