import type { Kind } from './object-kind.js';
import { REDACTED } from './secret-matcher.js';

/** Largest bytes or text whose properties are listed: every byte counts as one. */
const MAX_LISTED = 4_096;

/** Returns all bytes of a view or of an ArrayBuffer. */
export function viewBytes(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Creates bytes of the same class as `model`, in new memory: small Buffers share theirs with other small Buffers. */
export function createBytesLike(model: object, text: string): unknown {
  if (Array.isArray(model)) return REDACTED;
  const unit = (model as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  const clean = Buffer.alloc(Math.ceil(text.length / unit) * unit);
  clean.write(text, 'latin1');
  if (Buffer.isBuffer(model)) return clean;
  if (!ArrayBuffer.isView(model)) return clean.buffer;
  return new (model.constructor as new (memory: ArrayBuffer) => unknown)(clean.buffer);
}

/** Returns the names of properties that were added to a Date, a URL, a text or bytes. */
export function listExtraKeys(value: object, kind: Kind): PropertyKey[] {
  const indexed = kind === 'bytes' || kind === 'text';
  if (indexed && ((value as { length?: number }).length ?? 0) > MAX_LISTED) return [];
  const keys = Reflect.ownKeys(value);
  return indexed ? keys.filter((key) => !isIndex(key)) : keys;
}

function isIndex(key: PropertyKey): boolean {
  return typeof key === 'string' && String(Number(key)) === key;
}

/** Returns whether a list may be bytes, as JSON writes them. */
export function isByteList(list: readonly unknown[]): boolean {
  return (
    list.length >= 8 &&
    // A copy turns holes into values, so that `every` visits them.
    [...list].every((item) => Number.isInteger(item) && (item as number) >= 0 && (item as number) < 256)
  );
}
