import type { GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager';
import { KeyFormatError, type GoldKeyErrorOptions } from '../../core/index.js';
import { bytesOfText, checkSize } from '../../aws/secret-text.js';
import { SECRETS_MANAGER } from './errors.js';

/** The most that Secrets Manager stores. */
const MAX_SECRET_BYTES = 65_536;

/** What of an answer is looked at. */
export type SecretValue = Pick<GetSecretValueCommandOutput, 'SecretString' | 'SecretBinary' | 'VersionId'>;

/**
 * The key in a secret, in bytes of its own; `undefined` when the secret, or its field, is empty. What the SDK handed over
 * as bytes is zeroed.
 *
 * @throws {KeyFormatError} the secret is not what `field` says; no message holds anything of it
 */
export function keyInSecret(value: SecretValue, field: string | undefined): Uint8Array | undefined {
  const { SecretString: text, SecretBinary: binary, VersionId: version } = value;
  const about = { provider: SECRETS_MANAGER, version };
  try {
    if (field !== undefined) {
      if (binary !== undefined) throw malformed(`is binary, not JSON with the field \`${field}\``, about);
      if (text === undefined || text === '') return undefined;
      const found = readObject(text, field, about)[field];
      if (typeof found === 'string') return bytesOfText(found, MAX_SECRET_BYTES, about);
      throw malformed(
        found === undefined
          ? `is JSON without the field \`${field}\`; check \`field\``
          : // Not by `kindOf`, which shows a number: it may be the key.
            `has ${found === null ? 'null' : `a value of type ${typeof found}`} in its field \`${field}\`, not a string`,
        about,
      );
    }
    if (binary !== undefined) {
      checkSize(binary.byteLength, MAX_SECRET_BYTES, about);
      // A copy made by hand: `slice` on a Buffer would share its memory, and the SDK's bytes may lie in Node's pool.
      const own = new Uint8Array(binary.byteLength);
      own.set(binary);
      return own.byteLength === 0 ? undefined : own;
    }
    if (text?.startsWith('{') === true && parsed(text) !== undefined) {
      throw malformed('is a JSON object; say with `field` which of its fields is the key', about);
    }
    return text === undefined ? undefined : bytesOfText(text, MAX_SECRET_BYTES, about);
  } finally {
    binary?.fill(0);
  }
}

/** The text of a secret with another key in `field`, the other fields as they were. */
export function withKeyInField(text: string, field: string, key: string, about: GoldKeyErrorOptions): string {
  const value = readObject(text, field, about);
  for (const [name, part] of Object.entries(value)) checkNumbers(name, part, about);
  return JSON.stringify({ ...value, [field]: key });
}

/** A number beyond this would come back as another one. */
function checkNumbers(name: string, part: unknown, about: GoldKeyErrorOptions): void {
  if (typeof part === 'number' && !(Math.abs(part) <= Number.MAX_SAFE_INTEGER)) {
    throw malformed(`has a number in its field \`${name}\` that JSON cannot carry exactly; make it a string`, about);
  }
  if (typeof part !== 'object' || part === null) return;
  for (const inner of Object.values(part)) checkNumbers(name, inner, about);
}

function readObject(text: string, field: string, about: GoldKeyErrorOptions): Record<string, unknown> {
  checkSize(Buffer.byteLength(text), MAX_SECRET_BYTES, about);
  const value = parsed(text);
  if (value !== undefined) return value;
  throw malformed(`is not a JSON object, of which \`field\` (\`${field}\`) would be the key`, about);
}

/** Without a prototype: only what the secret holds is a field of it. The parser's error would quote the secret. */
function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.assign(Object.create(null) as Record<string, unknown>, value);
  } catch {
    return undefined;
  }
}

function malformed(what: string, about: GoldKeyErrorOptions): KeyFormatError {
  return new KeyFormatError(`The secret ${what}.`, about);
}
