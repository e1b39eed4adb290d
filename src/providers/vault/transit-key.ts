import {
  invalidRange,
  KeyDecryptError,
  KeyFormatError,
  KeyNotFoundError,
  KeyProviderError,
  describeType,
  checkString,
  type Clock,
  type EncryptionContext,
} from '../../core/index.js';
import { decodeBase64, encodeBase64 } from '../../util/base64.js';
import { contextKeys } from '../shared/encryption-context.js';
import { VAULT, vaultErrors } from './failures.js';
import { vaultLink, type VaultLink } from './connection.js';
import { vaultPath, type VaultConnection } from './options.js';
import type { VaultAnswer } from './http.js';

/** Which key of Vault's transit engine encrypts and decrypts, and how to get to it. */
export interface TransitKeyOptions extends VaultConnection {
  /** Where the transit engine is mounted. Default `transit`. */
  mount?: string | undefined;
  /** The transit key's name. Its type must take associated data (`aes256-gcm96`, the default one, does). */
  keyName: string;
}

/** A transit key, and the way to it. */
export interface TransitKey {
  /** `<mount>/<keyName>`. */
  readonly id: string;
  readonly mount: string;
  readonly name: string;
  readonly link: VaultLink;
}

/** What both directions need to know. */
export interface TransitOrder {
  readonly context: EncryptionContext;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** The name of the transit engine in events, errors and key rings. */
export const VAULT_TRANSIT = 'vault-transit';

const PREFIX = 'vault:v';
/** Nonce and tag of AES-GCM, and a byte of a key. */
const MIN_BYTES = 29;
const MAX_CHARACTERS = 12_288;

/** Checks and copies the options, with the names of those that are known beside them. */
export function transitKey(of: string, options: TransitKeyOptions, more: readonly string[]): TransitKey {
  const link = vaultLink(of, options, ['mount', 'keyName', ...more]);
  const name = vaultPath('keyName', checkString('keyName', options.keyName));
  if (name.includes('/')) throw invalidRange('`keyName` must be a name, not a path; the path goes into `mount`.');
  const mount = vaultPath('mount', options.mount ?? 'transit');
  return { id: `${mount}/${name}`, mount, name, link };
}

/** @returns the ciphertext, `vault:v1:…` */
export async function encryptWithTransit(key: TransitKey, plaintext: Uint8Array, order: TransitOrder): Promise<string> {
  const answer = await ask(key, 'encrypt', { plaintext: Buffer.from(encodeBase64(plaintext)).toString() }, order);
  if (answer.status === 400) {
    throw new KeyProviderError(
      `Vault refused to encrypt under the transit key \`${key.id}\`: check that it exists, takes associated data and is not \`derived\`.`,
      { provider: VAULT_TRANSIT, retryable: false },
    );
  }
  const ciphertext = fieldOf(answer, 'ciphertext');
  if (ciphertext?.startsWith(PREFIX) === true) return ciphertext;
  throw unexpected('the encryption');
}

/** @returns bytes of their own, the caller's to zero */
export async function decryptWithTransit(
  key: TransitKey,
  ciphertext: string,
  order: TransitOrder & { version?: string | undefined },
): Promise<Uint8Array> {
  const answer = await ask(key, 'decrypt', { ciphertext }, order);
  if (answer.status === 400) {
    throw new KeyDecryptError(
      `Vault could not decrypt under the transit key \`${key.id}\`: the ciphertext is damaged or of another key, it was ` +
        'made with another EncryptionContext (here its keys are: ' +
        `${contextKeys(order.context)}), the key's \`min_decryption_version\` is past it, or there is no such key.`,
      { provider: VAULT_TRANSIT, version: order.version },
    );
  }
  const text = fieldOf(answer, 'plaintext');
  if (text === undefined) throw unexpected('the decryption');
  const encoded = new TextEncoder().encode(text);
  const bytes = encoded.length === 0 ? new Uint8Array() : decodeBase64(encoded);
  encoded.fill(0);
  if (bytes === undefined) throw unexpected('the decryption');
  return bytes;
}

/**
 * A ciphertext of the transit engine, after every check that needs no Vault. No message shows the value, and no regular
 * expression sees it: it may be the key itself, pasted by mistake.
 */
export function transitCiphertext(value: unknown): string {
  if (value === undefined || value === null) {
    throw new KeyNotFoundError(
      'There is no ciphertext: `ciphertext` is undefined; if it is read from an environment variable, that variable may be unset.',
      { provider: VAULT_TRANSIT },
    );
  }
  const fail = (what: string): KeyFormatError =>
    new KeyFormatError(`\`ciphertext\` ${what}.`, { provider: VAULT_TRANSIT });
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw fail(`must be a text that starts with \`vault:v\`, got ${describeType(value)}`);
  }
  if (value.length > MAX_CHARACTERS) {
    throw fail(`has ${String(value.length)} characters; that of a key has at most ${String(MAX_CHARACTERS)}`);
  }
  const text = (typeof value === 'string' ? value : Buffer.from(value).toString('latin1')).trim();
  if (text === '') throw fail('is empty; if it is read from an environment variable or a file, that may be empty');
  if (!text.startsWith(PREFIX)) {
    throw fail(
      'must start with `vault:v`, as Vault prints it; a plaintext key does not belong there: encrypt it first, and rotate it if it was committed',
    );
  }
  const colon = text.indexOf(':', PREFIX.length);
  const version = Number(text.slice(PREFIX.length, Math.max(colon, PREFIX.length)));
  const body = Buffer.from(text.slice(colon + 1), 'base64');
  const isWhole = colon > 0 && Number.isSafeInteger(version) && version > 0;
  if (!isWhole || body.toString('base64') !== text.slice(colon + 1) || body.length < MIN_BYTES) {
    throw fail('must be `vault:v<number>:` and base64, whole; it may have been cut short when it was copied');
  }
  return text;
}

/**
 * The context as associated data: JSON without spaces, its names sorted, so that Vault's own command line can make the
 * same. None for an empty one, so that a ciphertext made without opens.
 */
function associatedData(context: EncryptionContext): { associated_data?: string } {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return {};
  // Not an object: names that are numbers would come first.
  const text = pairs.map((pair) => pair.map((part) => JSON.stringify(part)).join(':')).join(',');
  return { associated_data: Buffer.from(`{${text}}`).toString('base64') };
}

async function ask(
  { link, mount, name, id }: TransitKey,
  operation: 'encrypt' | 'decrypt',
  body: object,
  { context, signal, clock }: TransitOrder,
): Promise<VaultAnswer> {
  const answer = await link.request({
    method: 'POST',
    path: `${mount}/${operation}/${name}`,
    body: { ...body, ...associatedData(context) },
    what: `the ${operation}ion of the key`,
    // With `create` a token makes a key of any name that it asks for: nobody should be told to grant it.
    needs: '`update`',
    signal,
    clock,
    idempotent: true,
    accept: [400, 404],
  });
  if (answer.status < 400) return answer;
  // Vault always gives a reason; what does not is something in between, and says nothing about the key.
  if (vaultErrors(answer.body).length === 0) throw unexpected(`the ${operation}ion`);
  if (answer.status === 400) return answer;
  throw new KeyNotFoundError(
    `Vault has no transit engine for \`${id}\`; check \`mount\`, \`keyName\` and \`namespace\`.`,
    { provider: VAULT_TRANSIT },
  );
}

function fieldOf({ body }: VaultAnswer, name: string): string | undefined {
  const data = (body as { data?: unknown } | null | undefined)?.data as Readonly<Record<string, unknown>> | undefined;
  const value = typeof data === 'object' && data !== null ? data[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function unexpected(what: string): KeyProviderError {
  return new KeyProviderError(
    `What answered ${what} is not Vault's transit engine; check \`address\`, \`mount\`, and for a proxy in between.`,
    { provider: VAULT },
  );
}
