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
