import type { EncryptionContext } from '../../core/index.js';
import { invalidMember, unreadable } from './errors.js';

/** The members of a request's JSON body, read as KMS's model has them. */
export class KmsFields {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(body: Buffer) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body.toString() || '{}');
    } catch {
      throw unreadable();
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw unreadable();
    this.#members = parsed as Record<string, unknown>;
  }

  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'string') return value;
    throw unreadable(`STRING_VALUE expected for ${name}`);
  }

  requiredString(name: string): string {
    return required(name, this.string(name));
  }

  boolean(name: string): boolean {
    const value = this.#get(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw unreadable(`BOOLEAN_VALUE expected for ${name}`);
  }

  integer(name: string): number | undefined {
    const value = this.#get(name);
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value))) return value;
    throw unreadable(`NUMBER_VALUE expected for ${name}`);
  }

  strings(name: string): readonly string[] {
    const value = this.#get(name) ?? [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw unreadable(`LIST_VALUE expected for ${name}`);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** base64, 1 to `max` bytes. */
  blob(name: string, max: number): Buffer {
    const text = this.requiredString(name);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
      throw unreadable(`${name} is not base64`);
    }
    const { length } = bytes;
    if (length >= 1 && length <= max) return bytes;
    const bound = length < 1 ? 'greater than or equal to 1' : `less than or equal to ${String(max)}`;
    // AWS's validator prints a blob as the object it is in its own memory; never its content.
    const shown = `'java.nio.HeapByteBuffer[pos=0 lim=${String(length)} cap=${String(length)}]'`;
    throw invalidMember(member(name), `Member must have length ${bound}`, name === 'Plaintext' ? '' : shown);
  }

  context(name = 'EncryptionContext'): EncryptionContext {
    const value = this.#get(name) ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw unreadable(`MAP_VALUE expected for ${name}`);
    const pairs = Object.entries(value as Record<string, unknown>);
    if (pairs.some(([, text]) => typeof text !== 'string')) throw unreadable(`STRING_VALUE expected in ${name}`);
    return Object.fromEntries(pairs) as EncryptionContext;
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

/** The value, or the refusal of a request without it. */
function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalidMember(member(name), 'Member must not be null', 'null');
  return value;
}

/** The validator's spelling of a member. */
function member(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
