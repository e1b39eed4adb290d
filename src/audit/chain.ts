import { asUint8Array, copyBytes, describeType, invalidRange, invalidType, nodeCrypto } from '../core/index.js';

/** Returns the hash by which the next record names a line. */
export function hashLine(line: string | Uint8Array): string {
  return nodeCrypto().createHash('sha256').update(line).digest('base64url');
}

/** Hash that the first record of a chain names: that of nothing. */
export const GENESIS = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

/** Returns a text as long as a `mac` that stands for it until the rest of the line is known. */
export function createMacPlaceholder(): string {
  return nodeCrypto().randomBytes(32).toString('base64url');
}

/** Returns the line with its `mac` in place of `placeholder`. */
export function seal(line: string, placeholder: string, chainKey: Uint8Array): string {
  return line.replaceAll(placeholder, computeMac(line, placeholder, chainKey));
}

/** Returns whether a line's `mac` is that of its other characters. */
export function isSealed(line: string, mac: string, chainKey: Uint8Array): boolean {
  const expected = Buffer.from(computeMac(line, mac, chainKey));
  const given = Buffer.from(mac);
  return given.length === expected.length && nodeCrypto().timingSafeEqual(given, expected);
}

function computeMac(line: string, mac: string, chainKey: Uint8Array): string {
  const text = mac === '' ? line : line.replaceAll(mac, '');
  return nodeCrypto().createHmac('sha256', chainKey).update(text).digest('base64url');
}

/** Returns a copy of the key of the checkpoints. */
export function checkChainKey(chainKey: unknown): Uint8Array | undefined {
  if (chainKey === undefined) return undefined;
  const bytes = asUint8Array(chainKey);
  if (bytes === undefined) throw invalidType(`\`chainKey\` must be a Uint8Array, got ${describeType(chainKey)}.`);
  if (bytes.length === 0) throw invalidRange('`chainKey` must not be empty; take 32 random bytes.');
  return copyBytes(bytes);
}
