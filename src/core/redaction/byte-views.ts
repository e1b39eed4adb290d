import type { Kind } from './object-kind.js';
import { REDACTED } from './secret-matcher.js';

/** Larger bytes and texts are not asked for their properties: each byte would be listed as one. */
const MAX_LISTED = 4_096;

/** All bytes of a view, or of memory itself. */
export function bytesOf(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Bytes of the same kind as `model`, in memory of their own: that of small Buffers is shared with whatever was small. */
export function bytesLike(model: object, text: string): unknown {
  if (Array.isArray(model)) return REDACTED;
  const unit = (model as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  const clean = Buffer.alloc(Math.ceil(text.length / unit) * unit);
  clean.write(text, 'latin1');
  if (Buffer.isBuffer(model)) return clean;
  if (!ArrayBuffer.isView(model)) return clean.buffer;
  return new (model.constructor as new (memory: ArrayBuffer) => unknown)(clean.buffer);
}

/** The names of properties that are no part of what a Date, a URL, a text or bytes hold. */
export function extraKeys(value: object, kind: Kind): PropertyKey[] {
  const indexed = kind === 'bytes' || kind === 'text';
  if (indexed && ((value as { length?: number }).length ?? 0) > MAX_LISTED) return [];
  const keys = Reflect.ownKeys(value);
  return indexed ? keys.filter((key) => !isIndex(key)) : keys;
}

function isIndex(key: PropertyKey): boolean {
  return typeof key === 'string' && String(Number(key)) === key;
}

/** Whether this may be bytes as JSON has them. */
export function isByteList(list: readonly unknown[]): boolean {
  return (
    list.length >= 8 &&
    // Copied, so that holes are seen.
    [...list].every((item) => Number.isInteger(item) && (item as number) >= 0 && (item as number) < 256)
  );
}
