import {
  checkString,
  invalidRange,
  KeyDecryptError,
  KeyNotFoundError,
  KeyProviderError,
  type EncryptionContext,
  quote,
} from '../../core/index.js';
import { decodeBase64, encodeBase64 } from '../../util/base64.js';
import { checkCiphertext, createFormatError } from '../shared/ciphertext.js';
import type { CipherCall } from '../shared/create-cipher.js';
import { contextKeys } from '../shared/encryption-context.js';
import { createVaultClient, type VaultClient } from './connection.js';
import { readErrorTexts, VAULT } from './errors.js';
import { getObject } from './http.js';
import { encodePath, type VaultConnection } from './options.js';

/** The key of Vault's transit engine, and how to reach it. */
export interface TransitKeyOptions extends VaultConnection {
  /** Mount of the transit engine. Default: `transit`. */
  mount?: string | undefined;
  /** Name of the transit key. Its type must support associated data, as the default `aes256-gcm96` does. Required. */
  keyName: string;
}

/** A transit key, and the client that reaches it. */
export interface TransitKey {
  /** `<mount>/<keyName>`. */
  readonly id: string;
  readonly mount: string;
  readonly name: string;
  readonly client: VaultClient;
}

/** The name of the transit engine in events, errors and key rings. */
export const VAULT_TRANSIT = 'vault-transit';

const PREFIX = 'vault:v';
/** Nonce and tag of AES-GCM, and one byte of a key. */
const MIN_BYTES = 29;
const MAX_CHARACTERS = 12_288;

/** Returns the transit key that the options name, checked and copied. `more` are the names of the other options. */
export function openTransitKey(of: string, options: TransitKeyOptions, more: readonly string[]): TransitKey {
  const client = createVaultClient(of, options, ['mount', 'keyName', ...more]);
  const name = encodePath('keyName', checkString('keyName', options.keyName));
  if (name.includes('/')) throw invalidRange('`keyName` must be a name, not a path; give the path as `mount`.');
  const mount = encodePath('mount', options.mount ?? 'transit');
  return { id: `${mount}/${name}`, mount, name, client };
}

/** Returns the ciphertext of `plaintext`, `vault:v1:…`. */
export async function encryptWithTransit(key: TransitKey, plaintext: Uint8Array, call: CipherCall): Promise<string> {
  const body = { plaintext: Buffer.from(encodeBase64(plaintext)).toString() };
  const ciphertext = await callTransit(key, 'encrypt', body, call);
  if (ciphertext === undefined) {
    throw new KeyProviderError(
      `Vault could not encrypt under the transit key ${quote(key.id)}; check that it exists, supports associated data and is not \`derived\`.`,
      { provider: VAULT_TRANSIT, retryable: false },
    );
  }
  if (ciphertext.startsWith(PREFIX)) return ciphertext;
  throw notTransit('the encryption');
}

/** Returns the plaintext in a buffer that the caller must zero. */
export async function decryptWithTransit(
  key: TransitKey,
  ciphertext: string,
  call: CipherCall & { version?: string | undefined },
): Promise<Uint8Array> {
  const text = await callTransit(key, 'decrypt', { ciphertext }, call);
  if (text === undefined) {
    throw new KeyDecryptError(
      `Vault could not decrypt under the transit key ${quote(key.id)}: the ciphertext is damaged or of another key, it was ` +
        `encrypted with another EncryptionContext (the keys of this one are: ${contextKeys(call.context)}), it is older ` +
        "than the key's `min_decryption_version`, or there is no such key.",
      { provider: VAULT_TRANSIT, version: call.version },
    );
  }
  // From bytes and not from the text: the result must not lie in Node's pool, where zeroing it leaves doubt.
  const encoded = new TextEncoder().encode(text);
  const bytes = encoded.length === 0 ? new Uint8Array() : decodeBase64(encoded);
  encoded.fill(0);
  if (bytes === undefined) throw notTransit('the decryption');
  return bytes;
}

/**
 * Returns a ciphertext of the transit engine, after every check that does not need Vault. No message shows the value, and
 * no regular expression is run on it: it may be the key itself, pasted by mistake.
 */
export function checkTransitCiphertext(value: unknown): string {
  const fail = (problem: string): Error => createFormatError(problem, VAULT_TRANSIT);
  const given = checkCiphertext(value, 'a string that starts with `vault:v`', VAULT_TRANSIT);
  if (given.length > MAX_CHARACTERS) {
    throw fail(`has ${String(given.length)} characters; the ciphertext of a key has at most ${String(MAX_CHARACTERS)}`);
  }
  const text = typeof given === 'string' ? given : Buffer.from(given).toString('latin1').trim();
  if (!text.startsWith(PREFIX)) {
    throw fail(
      'must start with `vault:v`, as Vault prints it; a plaintext key does not belong there: encrypt it first, and rotate it if it was committed',
    );
  }
  const colon = text.indexOf(':', PREFIX.length);
  const version = Number(text.slice(PREFIX.length, Math.max(colon, PREFIX.length)));
  const body = Buffer.from(text.slice(colon + 1), 'base64');
  const isComplete = colon > 0 && Number.isSafeInteger(version) && version > 0;
  if (!isComplete || body.toString('base64') !== text.slice(colon + 1) || body.length < MIN_BYTES) {
    throw fail('must be `vault:v<number>:` and complete base64; it may have been cut short when it was copied');
  }
  return text;
}

/**
 * Returns the context as associated data: JSON without spaces and with sorted names, so that Vault's command line can make
 * the same. None for an empty context, so that a ciphertext made without associated data can be decrypted.
 */
function createAssociatedData(context: EncryptionContext): { associated_data?: string } {
  const pairs = Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length === 0) return {};
  // Not JSON.stringify of an object, which lists names that are numbers first.
  const text = pairs.map((pair) => pair.map((part) => JSON.stringify(part)).join(':')).join(',');
  return { associated_data: Buffer.from(`{${text}}`).toString('base64') };
}

/** Returns the text that Vault makes of `body`, or `undefined` if it answers 400. */
async function callTransit(
  { client, mount, name, id }: TransitKey,
  action: 'encrypt' | 'decrypt',
  body: object,
  { context, signal, clock }: CipherCall,
): Promise<string | undefined> {
  const operation = `the ${action}ion of the key`;
  const { status, body: answer } = await client.request({
    method: 'POST',
    path: `${mount}/${action}/${name}`,
    body: { ...body, ...createAssociatedData(context) },
    operation,
    // Not `create`: with it Vault makes a key of any name that a request asks for.
    needs: '`update`',
    signal,
    clock,
    idempotent: true,
    accept: [400, 404],
  });
  if (status < 400) {
    const text = getObject(answer, 'data')?.[action === 'encrypt' ? 'ciphertext' : 'plaintext'];
    if (typeof text === 'string') return text;
    throw notTransit(operation);
  }
  // Vault always gives a reason. An answer without one is a proxy's and must not decide about the key.
  if (readErrorTexts(answer).length === 0) throw notTransit(operation);
  if (status === 400) return undefined;
  throw new KeyNotFoundError(
    `Vault has no transit engine for ${quote(id)}; check \`mount\`, \`keyName\` and \`namespace\`.`,
    { provider: VAULT_TRANSIT },
  );
}

function notTransit(operation: string): KeyProviderError {
  return new KeyProviderError(
    `The answer to ${operation} is not from Vault's transit engine; check \`address\`, \`mount\`, and whether a proxy is in between.`,
    { provider: VAULT },
  );
}
