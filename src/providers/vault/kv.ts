import { KeyFormatError, KeyProviderError, describeType, type Clock } from '../../core/index.js';
import { VAULT } from './failures.js';
import type { VaultLink } from './connection.js';
import type { VaultAnswer } from './http.js';

/** For how long, and on whose clock. */
export interface KvRequest {
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** A version that is there. */
export interface KvSecret {
  readonly state: 'live';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly version: number;
  /** As Vault writes it, to the nanosecond: it tells two versions of one number apart. */
  readonly createdTime: string;
  /** Empty when nothing ends it. */
  readonly deletionTime: string;
}

/** A version that is not. */
export interface KvGone {
  readonly state: 'absent' | 'deleted' | 'destroyed';
  readonly version?: number | undefined;
}

/** What is known of a secret without its fields. */
export interface KvMetadata {
  readonly currentVersion: number;
  readonly custom: Readonly<Record<string, unknown>>;
  /** When a version was made; `undefined` when it is gone, or will go. */
  createdTime(version: number): string | undefined;
}

/** One secret of KV version 2. */
export interface KvStore {
  read(version: number | undefined, how: KvRequest): Promise<KvSecret | KvGone>;
  /** `undefined` when there is no such secret. */
  metadata(how: KvRequest): Promise<KvMetadata | undefined>;
  /** Whether the token may read both; false as well when Vault does not say. */
  mayRead(how: KvRequest): Promise<boolean>;
}

/** Tells a token what it may do with a path. */
const MAY = 'sys/capabilities-self';

type Loose = Readonly<Record<string, unknown>>;

/** @param mount - with `path`, as `vaultPath` gives them */
export function kvStore(link: VaultLink, mount: string, path: string): KvStore {
  const [data, metadata] = [`${mount}/data/${path}`, `${mount}/metadata/${path}`];
  return {
    async read(version, how) {
      const query = version === undefined ? '' : `?version=${String(version)}`;
      const what = 'the read of the key';
      const answer = await link.request({ ...how, method: 'GET', path: `${data}${query}`, what });
      const secret = objectIn(answer.body, 'data');
      const about = objectIn(secret, 'metadata');
      const found = about?.['version'];
      if (about === undefined || typeof found !== 'number') {
        if (isNothing(answer)) return { state: 'absent', version };
        throw notKv2(answer);
      }
      const fields = objectIn(secret, 'data');
      if (answer.status === 404 || fields === undefined) {
        return { state: about['destroyed'] === true ? 'destroyed' : 'deleted', version: found };
      }
      return {
        state: 'live',
        fields,
        version: found,
        createdTime: textIn(about, 'created_time'),
        deletionTime: textIn(about, 'deletion_time'),
      };
    },
    async metadata(how) {
      const what = "the read of the key's metadata";
      const answer = await link.request({ ...how, method: 'GET', path: metadata, what });
      const found = objectIn(answer.body, 'data');
      const currentVersion = found?.['current_version'];
      if (typeof currentVersion !== 'number') {
        if (isNothing(answer)) return undefined;
        throw notKv2(answer);
      }
      return {
        currentVersion,
        custom: objectIn(found, 'custom_metadata') ?? {},
        createdTime(version) {
          const about = objectIn(objectIn(found, 'versions'), String(version));
          // A version with an end is read again: only that tells by Vault's own clock whether it is still there.
          if (about === undefined || about['destroyed'] === true || about['deletion_time'] !== '') return undefined;
          return textIn(about, 'created_time');
        },
      };
    },
    async mayRead(how) {
      const paths = [data, metadata].map(decodeURIComponent);
      const what = 'the question for what the token may do';
      // Not every token, and not through every proxy, may ask. Without an answer the key itself is read, which tells more.
      const request = { ...how, method: 'POST', path: MAY, body: { paths }, what, accept: [400, 403, 404] } as const;
      const { status, body } = await link.request(request).catch(() => {
        how.signal.throwIfAborted();
        return { status: 0, body: undefined };
      });
      const allowed = status === 200 ? objectIn(body, 'data') : undefined;
      return paths.every((asked) => {
        const capabilities = allowed?.[asked];
        return Array.isArray(capabilities) && (capabilities.includes('read') || capabilities.includes('root'));
      });
    },
  };
}

/** The key among a version's fields: `field`, else the only one, else `key`. No message shows a name that was not given. */
export function keyIn({ fields, version }: KvSecret, field: string | undefined): Uint8Array {
  const about = { provider: VAULT, version: String(version) };
  const secret = `Version ${String(version)} of the secret in Vault`;
  const names = Object.keys(fields);
  const [only] = names;
  const name = field ?? (names.length === 1 && only !== undefined ? only : 'key');
  if (!Object.hasOwn(fields, name)) {
    throw new KeyFormatError(
      field === undefined
        ? `${secret} has ${String(names.length)} fields and none is called \`key\`; say which one it is by \`field\`.`
        : `${secret} has no field \`${field}\`; check \`field\`.`,
      about,
    );
  }
  const value = fields[name];
  if (typeof value !== 'string' || value === '') {
    const got = value === '' ? 'an empty string' : kindWithin(value);
    throw new KeyFormatError(`${secret} must hold the key as a text in its field, got ${got}.`, about);
  }
  return new TextEncoder().encode(value);
}

/** The kind alone: a number that stands there may be the key. */
function kindWithin(value: unknown): string {
  return typeof value === 'number' ? 'a number' : describeType(value);
}

/** Vault's own way to say that nothing is there. A proxy's 404 must not pass for it: a key in use would be dropped. */
function isNothing({ status, body }: VaultAnswer): boolean {
  return status === 404 && Array.isArray((body as { errors?: unknown } | null | undefined)?.errors);
}

function notKv2({ body }: VaultAnswer): KeyProviderError {
  const isVaults = objectIn(body, 'data') !== undefined;
  return new KeyProviderError(
    isVaults
      ? 'Vault answered without a version: `mount` must be a KV secrets engine of version 2.'
      : "What answered is not Vault's KV secrets engine; check `address`, and for a proxy in between.",
    { provider: VAULT, retryable: !isVaults },
  );
}

function objectIn(value: unknown, name: string): Loose | undefined {
  const found = typeof value === 'object' && value !== null ? (value as Loose)[name] : undefined;
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Loose) : undefined;
}

function textIn(value: Loose, name: string): string {
  const text = value[name];
  return typeof text === 'string' ? text : '';
}
