import {
  isGoldKeyError,
  KeyFormatError,
  KeyProviderError,
  type GoldKeyError,
  type GoldKeyErrorOptions,
} from '../errors.js';
import { invalidType, describeType } from '../options.js';
import { GoneKeys } from '../redaction/gone-keys.js';
import { SecretMatcher } from '../redaction/secret-matcher.js';
import type { LoadedKey, UnchangedKey } from '../types.js';
import { asUint8Array, copyBytes } from '../util/bytes.js';
import { readErrorName } from '../util/quote.js';
import { tryOrUndefined } from '../util/safe-access.js';
import type { StoreRequest } from '../util/store-request.js';

/** Shortest API key that is accepted, in characters. */
export const MIN_KEY_LENGTH = 8;
/** Longest ARN, or name of a request, that is passed on, in characters. */
const MAX_NOTE_LENGTH = 2_048;

/**
 * Copies a key into an ArrayBuffer that nothing else shares, without a trailing newline.
 *
 * @throws {KeyFormatError} for a key that no client accepts; the message names position and code point, never the value
 */
export function copyKey(bytes: Uint8Array, about: GoldKeyErrorOptions): { bytes: Uint8Array; trimmed: boolean } {
  let length = bytes.byteLength;
  if (bytes[length - 1] === 0x0a) length -= bytes[length - 2] === 0x0d ? 2 : 1;
  if (length < MIN_KEY_LENGTH) {
    throw new KeyFormatError(
      `The key is ${length === 0 ? 'empty' : `only ${String(length)} characters long`}; at least ${String(MIN_KEY_LENGTH)} were expected.`,
      about,
    );
  }
  for (let index = 0; index < length; index++) {
    const code = bytes[index] ?? 0;
    if (code > 0x20 && code < 0x7f) continue;
    throw new KeyFormatError(
      `The key has ${describeCode(code)} (0x${code.toString(16).padStart(2, '0')}) at position ${String(index)}; only printable ASCII without spaces was expected.`,
      about,
    );
  }
  return { bytes: copyBytes(bytes.subarray(0, length)), trimmed: length < bytes.byteLength };
}

/** Checks that a store's answer has the shape of the contract. */
export function checkAnswer(answer: unknown, about: GoldKeyErrorOptions): LoadedKey | UnchangedKey | undefined {
  if (answer === undefined) return undefined;
  const { unchanged, bytes, version, expiresAt, until } = (answer ?? {}) as Partial<LoadedKey & UnchangedKey>;
  if (typeof version !== 'string' || version === '') {
    throw new KeyProviderError('The key store answered without a `version`; expected { bytes, version }.', about);
  }
  if (unchanged !== true && asUint8Array(bytes) === undefined) {
    throw new KeyProviderError('The key store answered without `bytes`; expected a Uint8Array.', about);
  }
  if (bytes !== undefined && showsKey(version, bytes)) {
    throw new KeyFormatError(
      'The key store gave a `version` that holds the key, and versions are shown; name it by a number, a date or a digest.',
      { ...about, version: undefined },
    );
  }
  for (const [name, moment] of Object.entries({ expiresAt, until })) {
    if (moment === undefined || Number.isFinite(moment)) continue;
    throw new KeyProviderError(`The key store gave an \`${name}\` that is not a time in epoch milliseconds.`, about);
  }
  return answer as LoadedKey | UnchangedKey;
}

/** Returns what a store noted of its request, without what holds the key. */
export function checkStoreRequest({ keyId, requestId }: StoreRequest, bytes: Uint8Array): StoreRequest {
  const isShown = (text: unknown): text is string =>
    typeof text === 'string' && text.length <= MAX_NOTE_LENGTH && !showsKey(text, bytes);
  return { ...(isShown(keyId) && { keyId }), ...(isShown(requestId) && { requestId }) };
}

/** Returns whether a text holds the key in any form. Makes no string of the key, which nothing could zero. */
function showsKey(text: string, bytes: Uint8Array): boolean {
  let { length } = bytes;
  while (length > 0 && (bytes[length - 1] ?? 0) <= 0x20) length--;
  // A key that is longer cannot stand in it. Detached bytes have no length.
  if (length < MIN_KEY_LENGTH || text.length < length) return false;
  const forms = new GoneKeys();
  forms.add(bytes.subarray(0, length));
  return new SecretMatcher([], forms.list()).contains(text);
}

function describeCode(code: number): string {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return 'white space';
  return code > 0x7f ? 'a non-ASCII byte' : 'a control character';
}

/** Returns the bytes of a key that every client accepts. The caller zeroes them. */
export function encodeKey(key: unknown, about: GoldKeyErrorOptions = {}): Uint8Array {
  if (typeof key !== 'string') {
    const bytes = asUint8Array(key);
    if (bytes !== undefined) return copyKey(bytes, about).bytes;
    throw invalidType(`\`key\` must be a string or a Uint8Array, got ${describeType(key)}.`);
  }
  const given = new TextEncoder().encode(key);
  try {
    return copyKey(given, about).bytes;
  } finally {
    given.fill(0);
  }
}

/** Zeroes the bytes that a store handed over. Never throws: the bytes may be detached, or behind a getter. */
export function zeroAnswer(key: unknown): void {
  tryOrUndefined(() => {
    const bytes = (key as Partial<LoadedKey> | null | undefined)?.bytes;
    asUint8Array(bytes)?.fill(0);
  });
}

/** Returns a store's error as a GoldKeyError. Errors of third-party stores are assumed transient. */
export function toKeyError(error: unknown, provider: string): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const message = `The key store \`${provider}\` failed (${readErrorName(error) ?? describeType(error)}); its error is the \`cause\`.`;
  return new KeyProviderError(message, { cause: error, provider });
}
