import { nodeInspect } from '../util/node-builtins.js';
import type { Kind } from './object-kind.js';
import { REDACTED } from './secret-matcher.js';

/** Largest bytes or text whose properties are listed: every byte counts as one. */
const MAX_LISTED = 4_096;
/** Shows a view without its bytes, and with every property that was added to it. */
const SHOW_PROPERTIES = { showHidden: true, customInspect: false, maxArrayLength: 0, maxStringLength: 0, depth: 0 };

/** Returns all bytes of a view or of an ArrayBuffer. */
export function viewBytes(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Returns the items of a typed array as text, if each is the code of a character that takes more than a byte there. */
export function readWideCodes(value: object): string {
  const { BYTES_PER_ELEMENT: size = 1 } = value as { readonly BYTES_PER_ELEMENT?: number };
  if (!ArrayBuffer.isView(value) || size === 1) return '';
  const codes = Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  return isByteList(codes) ? Buffer.from(codes).toString('latin1') : '';
}

/** Returns a text that was spread into its characters: `[...text]` or `{ ...text }`. Empty for any other object. */
export function readCharacters(value: object): string {
  let text = '';
  for (let index = 0; ; index++) {
    const item = Reflect.getOwnPropertyDescriptor(value, index)?.value as unknown;
    if (typeof item !== 'string' || item.length !== 1) return text;
    text += item;
  }
}

/** Creates bytes of the same kind as `model`, in new memory: small Buffers share theirs with other small Buffers. */
export function createBytesLike(model: object, text: string): unknown {
  if (Array.isArray(model)) return REDACTED;
  const type = findViewType(model);
  const unit = (type as { BYTES_PER_ELEMENT?: number } | undefined)?.BYTES_PER_ELEMENT ?? 1;
  const clean = Buffer.alloc(Math.ceil(text.length / unit) * unit);
  clean.write(text, 'latin1');
  if (Buffer.isBuffer(model)) return clean;
  return type === undefined ? clean.buffer : new type(clean.buffer);
}

/** Returns the built-in class of a view. Its own class might be anything, and is not run. */
function findViewType(model: object): (new (memory: ArrayBuffer) => unknown) | undefined {
  if (!ArrayBuffer.isView(model)) return undefined;
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
  const name = Reflect.get(typedArray, Symbol.toStringTag, model) as string | undefined;
  return (globalThis as unknown as Record<string, new (memory: ArrayBuffer) => unknown>)[name ?? 'DataView'];
}

/** Returns the names of properties that were added to a Date, a URL, a text or bytes. Throws if they cannot be listed. */
export function listExtraKeys(value: object, kind: Kind): PropertyKey[] {
  const length = kind === 'bytes' || kind === 'text' ? ((value as { length?: number }).length ?? 0) : 0;
  if (length > MAX_LISTED) {
    if (ArrayBuffer.isView(value) && countShown(value) === countShown(createBytesLike(value, ' ') as object)) return [];
    throw new RangeError('too many places to list');
  }
  const keys = Reflect.ownKeys(value);
  return length === 0 ? keys : keys.filter((key) => !isIndex(key));
}

/** Returns how many things are shown of a view: more than of another one, if properties were added. */
function countShown(view: object): number {
  return nodeInspect()(view, SHOW_PROPERTIES).split(',').length;
}

function isIndex(key: PropertyKey): boolean {
  return typeof key === 'string' && String(Number(key)) === key;
}

/** Returns whether a list may be bytes, as JSON writes them. */
export function isByteList(list: readonly unknown[]): boolean {
  if (list.length < 8) return false;
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (!Number.isInteger(item) || (item as number) < 0 || (item as number) > 255) return false;
  }
  return true;
}
