import { nodeTypes } from './node-builtins.js';

/**
 * Returns bytes as a view over the same memory, or `undefined` for anything else. Jest, jsdom and node:vm run code in a realm
 * of its own, whose Uint8Array is another class: `instanceof` does not know it, nor does the AWS SDK, so the view is this
 * realm's.
 */
export function asUint8Array(value: unknown): Uint8Array | undefined {
  if (!nodeTypes().isUint8Array(value)) return undefined;
  const { buffer, byteOffset, byteLength } = value;
  return value instanceof Uint8Array ? value : new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Creates zeroed bytes outside of V8's heap. An array of up to 64 bytes would lie in the heap if it were made by its length
 * or copied from another, and would leave a copy behind when it is moved or handed to native code.
 */
export function allocateBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** Returns a copy of `bytes` that shares its memory with nothing, to be zeroed by whoever gets it. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
