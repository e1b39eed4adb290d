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
