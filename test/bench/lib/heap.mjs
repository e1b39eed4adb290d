/** Bytes alive now, keys included: the heap and the array buffers. Needs --expose-gc. */
export function heldBytes() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
