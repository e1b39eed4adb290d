import {
  checkOptionNames,
  getRequestClock,
  checkInteger,
  invalidType,
  KeyFormatError,
  KeyNotFoundError,
  describeType,
  checkOptionalString,
  checkString,
  type KeyProvider,
  type LoadedKey,
  type Stage,
} from '../../core/index.js';
import { VAULT } from './failures.js';
import { keyIn, kvStore, type KvGone, type KvMetadata, type KvSecret } from './kv.js';
import { vaultLink } from './connection.js';
import { vaultPath, type VaultConnection } from './options.js';

/** Options of {@link fromVault}. */
export interface FromVaultOptions extends VaultConnection {
  /** Where KV version 2 is mounted. Default `secret`. */
  mount?: string | undefined;
  /** Path of the secret within `mount`, e.g. `gold/api-key`. */
  path: string;
  /** The field that holds the key. Default: the only field there is, or `key` among several. */
  field?: string | undefined;
  /**
   * Which version each stage is: a number from 1, or the name of a `custom_metadata` key that holds one. Default: `current`
   * is the newest version, and there is neither a `pending` nor a `previous` one.
   */
  stages?: Partial<Record<Stage, number | string>> | undefined;
}

const STAGES: readonly Stage[] = ['current', 'pending', 'previous'];

/**
 * A key store over one secret of Vault's (or OpenBao's) KV version 2. Vault holds the key in plaintext behind its own
 * encryption; nothing of it is in Git.
 *
 * It speaks HTTP by itself: Vault's protocol is a handful of JSON requests, and a client package would bring more code
 * than they need, with timeouts and retries of its own. A transient fault is tried again twice (after about 100 ms, 1 s at a
 * rate limit) within `keyTimeout`; nothing is sent before the first load. `version` is KV's number. A version that Vault
 * deletes by itself (`delete_version_after`) expires then.
 *
 * The token needs `read` on `<mount>/data/<path>`, and on `<mount>/metadata/<path>` where `stages` gives names. With both,
 * an unchanged version is recognised by its metadata and not read again, as long as Vault says that it still may be.
 *
 * @param options - see {@link FromVaultOptions} and {@link VaultConnection}; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it forgets the token
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: an address over plain http, a path with empty parts, a version
 * below 1
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: no such secret or version, or it was deleted; for
 * `pending` and `previous` that is `undefined` instead
 * @throws {KeyFormatError} `ERR_GOLDKEY_FORMAT`, by a load: no such field, no text in it, or a `custom_metadata` key that
 * holds no version
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by a load: the token is not valid, or its policies refuse
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: sealed, a rate limit, a fault of the server or
 * the network, a login that was refused; not retryable: the mount is not KV version 2
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by a load, retryable: Vault did not answer within 2 s, three times
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
  const link = vaultLink('fromVault', options, ['mount', 'path', 'field', 'stages']);
  const path = vaultPath('path', checkString('path', options.path));
  const mount = vaultPath('mount', options.mount ?? 'secret');
  const field = checkOptionalString('field', options.field);
  const stages = checkStages(options.stages);
  const kv = kvStore(link, mount, path);
  const place = `${mount}/${path}`;
  /** When each version that was handed over was made: a secret that was removed and made again starts at 1 again. */
  const handedOver = new Map<Stage, Pick<KvSecret, 'version' | 'createdTime'>>();
  const isHeld = (version: number, createdTime: string | undefined): boolean =>
    [...handedOver.values()].some((held) => held.version === version && held.createdTime === createdTime);

  return {
    name: VAULT,
    async load(request) {
      const { stage, signal, known = [] } = request;
      signal.throwIfAborted();
      const wanted = stages[stage];
      if (wanted === undefined && stage !== 'current') return undefined;
      const how = { signal, clock: getRequestClock(request) };
      // What the metadata say is no leave to read the key: a permission withdrawn must take effect at the next load.
      const comparing = known.length > 0 && (await kv.mayRead(how));
      const metadata = typeof wanted === 'string' || comparing ? await kv.metadata(how) : undefined;
      const version = typeof wanted === 'string' ? versionIn(metadata, wanted) : wanted;
      if (version === undefined && typeof wanted === 'string') {
        return orNone(stage, { state: 'absent' }, `${place} (its \`custom_metadata.${wanted}\`)`);
      }
      if (comparing && metadata !== undefined) {
        const now = version ?? metadata.currentVersion;
        const held = known.includes(String(now)) && isHeld(now, metadata.createdTime(now));
        if (held) return { unchanged: true, version: String(now) };
      }
      const found = await kv.read(version, how);
      if (found.state !== 'live') return orNone(stage, found, place);
      const key = loaded(found, field, how.clock.now());
      handedOver.set(stage, { version: found.version, createdTime: found.createdTime });
      return key;
    },
    close() {
      link.close();
      return Promise.resolve();
    },
  };
}

function loaded(found: KvSecret, field: string | undefined, now: number): LoadedKey {
  const { version, createdTime, deletionTime } = found;
  const [createdAt, endsAt] = [Date.parse(createdTime), Date.parse(deletionTime)];
  return {
    bytes: keyIn(found, field),
    version: String(version),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    // It is still there, whatever this clock says: one that is ahead of Vault's must not refuse it.
    ...(endsAt > now ? { expiresAt: endsAt } : {}),
  };
}

/** What a stage without a key comes to: nobody needs a `pending` or a `previous` one. */
function orNone(stage: Stage, gone: KvGone, place: string): undefined {
  if (stage !== 'current') return undefined;
  const version = gone.version === undefined ? undefined : String(gone.version);
  const what = version === undefined ? `the secret ${place}` : `version ${version} of ${place}`;
  throw new KeyNotFoundError(whyGone(gone.state, what), { provider: VAULT, version });
}

function whyGone(state: KvGone['state'], what: string): string {
  switch (state) {
    case 'absent':
      return `There is no key in Vault for ${what}; check \`path\`, \`mount\`, \`stages\` and \`namespace\`.`;
    case 'deleted':
      return `In Vault ${what} was deleted; undelete it, or write a new version.`;
    default:
      return `In Vault ${what} was deleted for good (destroyed); write a new version.`;
  }
}

function versionIn(metadata: KvMetadata | undefined, name: string): number | undefined {
  const value = metadata !== undefined && Object.hasOwn(metadata.custom, name) ? metadata.custom[name] : undefined;
  // Vault's own command line empties a key rather than removing it.
  if (value === undefined || value === '') return undefined;
  const version = typeof value === 'string' ? Number(value) : NaN;
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new KeyFormatError(`In Vault \`custom_metadata.${name}\` of the secret must be the number of a version.`, {
    provider: VAULT,
  });
}

function checkStages(stages: unknown): Partial<Record<Stage, number | string>> {
  if (stages === undefined) return {};
  checkOptionNames('`stages`', stages, STAGES);
  const checked: Partial<Record<Stage, number | string>> = {};
  for (const [stage, value] of Object.entries(stages as Record<Stage, unknown>) as Array<[Stage, unknown]>) {
    if (value === undefined) continue;
    if (typeof value === 'number') {
      checked[stage] = checkInteger(`stages.${stage}`, value, 1, 1, Number.MAX_SAFE_INTEGER);
    } else if (typeof value === 'string' && value !== '') {
      checked[stage] = value;
    } else {
      const got = value === '' ? "''" : describeType(value);
      throw invalidType(
        `\`stages.${stage}\` must be a version's number or the name of a \`custom_metadata\` key, got ${got}.`,
      );
    }
  }
  return checked;
}
