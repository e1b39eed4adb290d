import { tryOrUndefined, type EncryptionContext } from '../../core/index.js';
import { KmsError, validationError } from './errors.js';

/** The members of a request's JSON body. Each getter throws KMS's error for a value of another type than its model has. */
export class KmsFields {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(body: Buffer) {
    const parsed = tryOrUndefined<unknown>(() => JSON.parse(body.toString() || '{}'));
    if (!isRecord(parsed)) throw new KmsError('SerializationException');
    this.#members = parsed;
  }

  getString(name: string): string | undefined {
    return this.#read(name, 'STRING_VALUE', isString);
  }

  getRequiredString(name: string): string {
    const value = this.getString(name);
    if (value !== undefined) return value;
    throw validationError(toMemberName(name), 'Member must not be null', 'null');
  }

  getBoolean(name: string): boolean {
    return this.#read(name, 'BOOLEAN_VALUE', (value) => typeof value === 'boolean') ?? false;
  }

  getInteger(name: string): number | undefined {
    return this.#read(name, 'NUMBER_VALUE', (value): value is number => Number.isInteger(value));
  }

  getStrings(name: string): readonly string[] {
    return this.#read(name, 'LIST_VALUE', (value) => Array.isArray(value) && value.every(isString)) ?? [];
  }

  getContext(name = 'EncryptionContext'): EncryptionContext {
    return this.#read(name, 'MAP_VALUE', isStringMap) ?? {};
  }

  has(name: string): boolean {
    return (this.#members[name] ?? undefined) !== undefined;
  }

  /** Returns 1 to `max` bytes, which the body has in base64. */
  getBlob(name: string, max: number): Buffer {
    const text = this.getRequiredString(name);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
      throw new KmsError('SerializationException', `${name} is not base64`);
    }
    const { length } = bytes;
    if (length >= 1 && length <= max) return bytes;
    const bound = length < 1 ? 'greater than or equal to 1' : `less than or equal to ${String(max)}`;
    // AWS's validator prints a blob as the Java object that holds it, never its content.
    const shown = `'java.nio.HeapByteBuffer[pos=0 lim=${String(length)} cap=${String(length)}]'`;
    throw validationError(toMemberName(name), `Member must have length ${bound}`, name === 'Plaintext' ? '' : shown);
  }

  /** Returns a member, or `undefined` for one that is missing or null. */
  #read<T>(name: string, type: string, isType: (value: unknown) => value is T): T | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined || isType(value)) return value;
    throw new KmsError('SerializationException', `${type} expected for ${name}`);
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStringMap(value: unknown): value is EncryptionContext {
  return isRecord(value) && Object.values(value).every(isString);
}

/** Returns a member's name as AWS's validator spells it. */
function toMemberName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
