import { nodeCrypto } from '../util/node-builtins.js';

/** Length of the part of a form that is looked for first. No form is shorter, and no run of a key that is shorter is found. */
export const WINDOW = 8;

/** Number of bits of a hash that are compared. */
export const HASH_BITS = 16;

/** Characters that may stand between the characters of a spaced form, beside white space and control characters. */
const SEPARATORS = '"#%&\'+,-.:;|\\';
const SLASH = 0x2f;
const UNDERSCORE = 0x5f;
/** Number of characters that are told apart: others are never part of a form. */
const CODES = 256;

/** A random number for each character, upper and lower case alike. */
interface Gears {
  readonly plain: Int32Array;
  /** The same, with 0 for what may stand between the characters of a spaced form. */
  readonly spaced: Int32Array;
}

let gears: Gears | undefined;

/**
 * Returns the numbers of a rolling hash of the last eight characters: `hash = (hash << 4) + gear`, in 32 bits, so that a
 * character is gone after eight steps. They differ in each process, so that the 16 bits that are kept of a key's forms tell
 * nothing to a reader of memory who has not found them too.
 */
export function getGears(): Gears {
  if (gears !== undefined) return gears;
  const random = nodeCrypto().randomBytes(4 * CODES);
  const plain = Int32Array.from({ length: CODES }, (_none, code) => random.readInt32LE(4 * foldDigit(code)) || 1);
  const spaced = plain.map((gear, code) => (isSeparator(code) ? 0 : gear));
  return (gears = { plain, spaced });
}

/** Returns the 16 bits of a rolling hash that are compared. */
export function finishHash(hash: number): number {
  return hash >>> (32 - HASH_BITS);
}

/** Returns the hash of the eight characters before `end`. */
export function hashWindow(codes: Uint8Array, end: number): number {
  const { plain } = getGears();
  let hash = 0;
  for (let at = end - WINDOW; at < end; at++) hash = ((hash << 4) + (plain[codes[at] as number] as number)) | 0;
  return finishHash(hash);
}

/** Returns whether a character may stand between those of a spaced form. */
export function isSeparator(code: number): boolean {
  return code <= 0x20 || SEPARATORS.includes(String.fromCharCode(code));
}

/** Returns a code in lower case, and a slash for an underscore: a digit of base64 in either alphabet. */
export function foldDigit(code: number): number {
  return code === UNDERSCORE ? SLASH : foldCase(code);
}

/** Returns a code in lower case. */
export function foldCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
