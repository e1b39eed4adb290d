import { describeType, KeyFormatError, KeyProviderError, quote } from '../../core/index.js';
import { refuseDocument } from '../shared/document.js';
import type { VaultClient } from './connection.js';
import { readErrorTexts, VAULT } from './errors.js';
import { getObject, type VaultRequest, type VaultResponse } from './http.js';

type KvCall = Pick<VaultRequest, 'signal' | 'clock'>;

/** A version that exists. */
export interface KvVersion {
  readonly state: 'live';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly version: number;
  /** Vault's text, to the nanosecond: it tells two versions of one number apart. */
  readonly createdTime: string;
  /** Empty unless the version ends. */
  readonly deletionTime: string;
}

/** A version that does not exist, or does no longer. */
export interface KvMissing {
  readonly state: 'absent' | 'deleted' | 'destroyed';
  /** The number of the version, unless there is no secret. */
  readonly version?: number | undefined;
}

/** The metadata of a secret. */
export interface KvMetadata {
  readonly currentVersion: number;
  readonly custom: Readonly<Record<string, unknown>>;
  /** Returns when a version was made; `undefined` if it is gone or has an end. */
  getCreatedTime(version: number): string | undefined;
}

/** One secret of KV version 2. */
export interface KvSecret {
  /** Reads `version`, or the newest version. */
  read(version?: number, call?: KvCall): Promise<KvVersion | KvMissing>;
  /** Reads the metadata, `undefined` if there is no such secret. */
  readMetadata(call: KvCall): Promise<KvMetadata | undefined>;
  /** Resolves to whether the token may read both data and metadata; `false` also if Vault does not tell. */
  mayRead(call: KvCall): Promise<boolean>;
  /**
   * Writes a version with these fields if the newest one still has the number `cas`, 0 for none. Resolves to `false` if
   * another write came first.
   */
  write(fields: object, cas: number, call?: KvCall): Promise<boolean>;
}

/** Returns access to the secret at `mount` and `path`, both as `encodePath` returns them. `noun` names it in messages. */
export function openKvSecret(client: VaultClient, mount: string, path: string, noun: string): KvSecret {
  const [dataPath, metadataPath] = [`${mount}/data/${path}`, `${mount}/metadata/${path}`];
  return {
    async read(version, call) {
      const query = version === undefined ? '' : `?version=${String(version)}`;
      const operation = `the read of ${noun}`;
      const response = await client.request({ ...call, method: 'GET', path: `${dataPath}${query}`, operation });
      const secret = getObject(response.body, 'data');
      const metadata = getObject(secret, 'metadata');
      const found = metadata?.['version'];
      if (metadata === undefined || typeof found !== 'number') {
        checkNotFound(response);
        return { state: 'absent', version };
      }
      const fields = getObject(secret, 'data');
      if (response.status === 404 || fields === undefined) {
        return { state: metadata['destroyed'] === true ? 'destroyed' : 'deleted', version: found };
      }
      return {
        state: 'live',
        fields,
        version: found,
        createdTime: getText(metadata, 'created_time'),
        deletionTime: getText(metadata, 'deletion_time'),
      };
    },
    async readMetadata(call) {
      const operation = `the read of the metadata of ${noun}`;
      const response = await client.request({ ...call, method: 'GET', path: metadataPath, operation });
      const secret = getObject(response.body, 'data');
      const currentVersion = secret?.['current_version'];
      if (typeof currentVersion !== 'number') {
        checkNotFound(response);
        return undefined;
      }
      return {
        currentVersion,
        custom: getObject(secret, 'custom_metadata') ?? {},
        getCreatedTime(version) {
          const found = getObject(getObject(secret, 'versions'), String(version));
          // Only a read tells whether a version with an end still exists by Vault's clock.
          if (found === undefined || found['destroyed'] === true || found['deletion_time'] !== '') return undefined;
          return getText(found, 'created_time');
        },
      };
    },
    async mayRead(call) {
      const paths = [dataPath, metadataPath].map(decodeURIComponent);
      const request = {
        ...call,
        method: 'POST',
        path: 'sys/capabilities-self',
        body: { paths },
        operation: "the read of the token's capabilities",
        accept: [400, 403, 404],
      } as const;
      // Some tokens and proxies do not allow this request. The key itself is read then, which tells more.
      const { status, body } = await client.request(request).catch(() => {
        call.signal?.throwIfAborted();
        return { status: 0, body: undefined };
      });
      const allowed = status === 200 ? getObject(body, 'data') : undefined;
      return paths.every((allowedPath) => {
        const capabilities = allowed?.[allowedPath];
        return Array.isArray(capabilities) && (capabilities.includes('read') || capabilities.includes('root'));
      });
    },
    async write(fields, cas, call) {
      const operation = `the write of ${noun}`;
      const request = { method: 'POST', path: dataPath, body: { options: { cas }, data: fields }, operation } as const;
      const response = await client.request({ ...call, ...request, accept: [400] });
      if (isStaleCas(response)) return false;
      if (response.status < 400) return true;
      throw new KeyProviderError(
        `Vault answered ${operation} with status 400; check that \`mount\` is a KV secrets engine of version 2, and \`path\`.`,
        { provider: VAULT, retryable: false },
      );
    },
  };
}

/** Returns whether another write to KV v2 came first. The status is that of any bad request: only the text tells. */
export function isStaleCas({ status, body }: VaultResponse): boolean {
  return status === 400 && readErrorTexts(body).some((text) => text.includes('check-and-set parameter did not match'));
}

/** The field of the layout `api-keys/<service>`, which has `rotated_at` and `version` beside it. */
export const API_KEY = 'api_key';

/** Returns the name of the field that holds the key: `field`, else the only field, else `key`, else `api_key`. */
export function selectField(fields: object, field: string | undefined): string {
  const [only, ...others] = Object.keys(fields);
  const named = !Object.hasOwn(fields, 'key') && Object.hasOwn(fields, API_KEY) ? API_KEY : 'key';
  return field ?? (only !== undefined && others.length === 0 ? only : named);
}

/** Returns the key in a version's fields. No message shows the name of a field that was not given. */
export function readKeyField({ fields, version }: KvVersion, field: string | undefined): Uint8Array {
  const details = { provider: VAULT, version: String(version) };
  const secret = `Version ${String(version)} of the secret in Vault`;
  const name = selectField(fields, field);
  if (!Object.hasOwn(fields, name)) {
    throw new KeyFormatError(
      field === undefined
        ? `${secret} has ${String(Object.keys(fields).length)} fields, and none is named \`key\` or \`api_key\`; give the name of its field as \`field\`.`
        : `${secret} has no field ${quote(field)}; check \`field\`.`,
      details,
    );
  }
  const value = fields[name];
  if (typeof value === 'string' && value !== '') {
    return refuseDocument(new TextEncoder().encode(value), secret, details, 'store the key alone in its field');
  }
  // Not the value: a number may be the key.
  const got = value === '' ? 'an empty string' : typeof value === 'number' ? 'a number' : describeType(value);
  throw new KeyFormatError(`${secret} must hold the key as a string in its field, got ${got}.`, details);
}

/** Throws unless Vault itself says that nothing is there. A proxy's 404 must not count: a key in use would be dropped. */
function checkNotFound({ status, body }: VaultResponse): void {
  if (status === 404 && Array.isArray((body as { errors?: unknown } | null | undefined)?.errors)) return;
  const isFromVault = getObject(body, 'data') !== undefined;
  throw new KeyProviderError(
    isFromVault
      ? 'Vault answered without a version; `mount` must be a KV secrets engine of version 2.'
      : "The answer is not from Vault's KV secrets engine; check `address`, and whether a proxy is in between.",
    { provider: VAULT, retryable: !isFromVault },
  );
}

function getText(value: Readonly<Record<string, unknown>>, name: string): string {
  const text = value[name];
  return typeof text === 'string' ? text : '';
}
