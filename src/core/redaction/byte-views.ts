import { nodeInspect, nodeTypes } from '../util/node-builtins.js';
import { REDACTED } from './secret-matcher.js';

/** Largest bytes or text whose properties are listed: every byte counts as one. */
const MAX_LISTED = 4_096;
/** What all typed arrays inherit from. It tells of one what its own class may hide. */
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
/** Shows a view without its bytes, and with every property that was added to it. */
const SHOW_PROPERTIES = { showHidden: true, customInspect: false, maxArrayLength: 0, maxStringLength: 0, depth: 0 };

/** Returns all bytes of a view or of an ArrayBuffer, however few its class says that they are. */
export function viewBytes(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value);
  const proto = nodeTypes().isTypedArray(value) ? TYPED_ARRAY : DataView.prototype;
  const read = (name: string): unknown => Reflect.get(proto, name, value);
  return new Uint8Array(read('buffer') as ArrayBufferLike, read('byteOffset') as number, read('byteLength') as number);
}

/** Returns the items of a typed array as text, if each is the code of a character that takes more than a byte there. */
export function readWideCodes(value: object): string {
  const type = findViewType(value);
  const { BYTES_PER_ELEMENT: size = 1 } = type ?? {};
  if (type === undefined || size === 1) return '';
  const { buffer, byteOffset, byteLength } = viewBytes(value as ArrayBufferView);
  const codes = Array.from(new type(buffer, byteOffset, byteLength / size) as ArrayLike<number | bigint>, Number);
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
  const unit = type?.BYTES_PER_ELEMENT ?? 1;
  const clean = Buffer.alloc(Math.ceil(text.length / unit) * unit);
  clean.write(text, 'latin1');
  if (Buffer.isBuffer(model)) return clean;
  return type === undefined ? clean.buffer : new type(clean.buffer);
}

interface ViewType {
  readonly BYTES_PER_ELEMENT?: number;
  new (memory: ArrayBufferLike, from?: number, length?: number): unknown;
}

/** Returns the built-in class of a view. Its own class might be anything, and is not run. */
function findViewType(model: object): ViewType | undefined {
  if (!ArrayBuffer.isView(model)) return undefined;
  const name = Reflect.get(TYPED_ARRAY, Symbol.toStringTag, model) as string | undefined;
  return (globalThis as unknown as Record<string, ViewType>)[name ?? 'DataView'];
}

/** Returns the names of properties that were added to a Date, a URL, a text or bytes. Throws if they cannot be listed. */
export function listExtraKeys(value: object): PropertyKey[] {
  const places = countPlaces(value);
  if (places > MAX_LISTED) {
    if (ArrayBuffer.isView(value) && countShown(value) === countShown(createBytesLike(value, ' ') as object)) return [];
    throw new RangeError('too many places to list');
  }
  // Its places are listed first: a number behind them, or among the properties of anything else, was added.
  return Reflect.ownKeys(value).slice(places);
}

/** Returns in how many places a typed array, or a text in an object, has its content. */
function countPlaces(value: object): number {
  if (nodeTypes().isTypedArray(value)) return Reflect.get(TYPED_ARRAY, 'length', value) as number;
  return nodeTypes().isStringObject(value) ? value.length : 0;
}

/** Returns how many things are shown of a view: more than of another one, if properties were added. */
function countShown(view: object): number {
  return nodeInspect()(view, SHOW_PROPERTIES).split(',').length;
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
