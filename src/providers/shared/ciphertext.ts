import { KeyFormatError, describeType, KeyNotFoundError, asUint8Array } from '../../core/index.js';
import { decodeBase64 } from '../../util/base64.js';

/** A ciphertext as text or bytes. `undefined` stands for an unset variable. */
export type Ciphertext = string | Uint8Array | undefined;

/** The limit of KMS. goldkey encrypts nothing longer. */
const MAX_CIPHERTEXT_BYTES = 6_144;
/** A KMS ciphertext is some 140 bytes longer than the key. Shorter input was never encrypted. */
export const MIN_CIPHERTEXT_BYTES = 60;

const HEX_DIGITS = '0123456789abcdefABCDEF';

/** The end of a message about a ciphertext that is too short to be one. */
export const PLAINTEXT =
  'it looks like a plaintext key, which does not belong there: encrypt it first (`npx goldkey encrypt`), and rotate it if it was committed';

/** Returns a ciphertext as given, but for white space around a text. Throws if it is missing, empty or of another type. */
export function checkCiphertext(ciphertext: unknown, form: string, provider: string): string | Uint8Array {
  if (ciphertext === undefined || ciphertext === null) {
    throw new KeyNotFoundError(
      'There is no ciphertext: `ciphertext` is undefined; if it is read from an environment variable, that variable may be unset.',
      { provider },
    );
  }
  const trimmed = typeof ciphertext === 'string' ? ciphertext.trim() : asUint8Array(ciphertext);
  if (trimmed === undefined) throw createFormatError(`must be ${form}, got ${describeType(ciphertext)}`, provider);
  if (trimmed.length > 0) return trimmed;
  throw createFormatError(
    'is empty; if it is read from an environment variable or a file, that may be empty',
    provider,
  );
}

/** Returns the error of a malformed ciphertext. `problem` must not show the value. */
export function createFormatError(problem: string, provider: string): KeyFormatError {
  return new KeyFormatError(`\`ciphertext\` ${problem}.`, { provider });
}

/**
 * Returns the bytes of a KMS ciphertext after every check that needs no store. The value may be the key itself, pasted by
 * mistake: no message shows it, and no regular expression runs on it, because `RegExp.input` would keep it.
 */
export function ciphertextBytes(ciphertext: unknown, provider: string): Uint8Array {
  const given = checkCiphertext(ciphertext, 'a base64 string or a Uint8Array', provider);
  const formatError = (problem: string): KeyFormatError => createFormatError(problem, provider);
  const text = typeof given === 'string' ? given : undefined;
  if (text !== undefined && text.length > MAX_CIPHERTEXT_BYTES * 2) {
    throw formatError(
      `has ${String(text.length)} characters; a ciphertext is at most ${String(MAX_CIPHERTEXT_BYTES)} bytes`,
    );
  }
  if (looksLikeJwe(text ?? Buffer.from(given).toString('latin1'))) {
    throw formatError('looks like a JWE of goldkey/local, not like a ciphertext of AWS KMS; see `fromLocal`');
  }
  const bytes = typeof given === 'string' ? decodeBase64(given) : given;
  if (bytes === undefined || (text !== undefined && isHex(text))) throw formatError(explainNotBase64(text ?? ''));
  if (bytes.length < MIN_CIPHERTEXT_BYTES) {
    throw formatError(`has only ${String(bytes.length)} bytes; ${PLAINTEXT}`);
  }
  if (bytes.length > MAX_CIPHERTEXT_BYTES) {
    throw formatError(`has ${String(bytes.length)} bytes; a ciphertext is at most ${String(MAX_CIPHERTEXT_BYTES)}`);
  }
  return bytes;
}

/** Returns the end of a message that says what `text` is instead of base64, and what to do. */
function explainNotBase64(text: string): string {
  if (text.startsWith('{')) {
    return 'is JSON, not base64; if it is what the AWS CLI printed, give its `CiphertextBlob` alone (`--query CiphertextBlob --output text`)';
  }
  if (text.length < MIN_CIPHERTEXT_BYTES * (4 / 3)) return `is not base64; ${PLAINTEXT}`;
  if (isHex(text)) return "is hex, not base64; convert it with `Buffer.from(hex, 'hex')`";
  const first = text[0] ?? '';
  if ((first === '"' || first === "'") && text.endsWith(first)) return 'is in quotes; give the base64 without them';
  if ([...text].some((char) => char.trim() === '')) return 'is base64 broken by white space; give it on one line';
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  const padded = standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
  if (decodeBase64(padded) !== undefined) {
    return standard === text
      ? 'is base64 without its padding; it may have been cut short when it was copied'
      : "is URL-safe base64; convert it with `Buffer.from(text, 'base64url')`";
  }
  return 'is not base64; give the CiphertextBlob as `aws kms encrypt` or `npx goldkey encrypt` prints it, whole';
}

/** Returns whether a text has the outline of a JWE: five parts, of which the first begins a JSON object. */
function looksLikeJwe(text: string): boolean {
  return text.startsWith('eyJ') && text.split('.').length === 5;
}

function isHex(text: string): boolean {
  return text.length >= MIN_CIPHERTEXT_BYTES * 2 && [...text].every((char) => HEX_DIGITS.includes(char));
}
