import { nodeCrypto, type LoadedKey, type UnchangedKey } from '../../core/index.js';

const HMAC_KEY = 'goldkey/plaintext-version/1';

/**
 * Returns what a load resolves to for a key whose store has no versions. The version is `prefix` and 16 hex digits of a
 * digest, equal wherever the content is equal. `bytes` of a known version are zeroed.
 */
export function toVersionedKey(
  prefix: string,
  bytes: Uint8Array,
  known: readonly string[] | undefined,
): LoadedKey | UnchangedKey {
  const digest = nodeCrypto().createHmac('sha256', HMAC_KEY).update(bytes).digest('hex');
  const version = `${prefix}-${digest.slice(0, 16)}`;
  if (known?.includes(version) !== true) return { bytes, version };
  bytes.fill(0);
  return { unchanged: true, version };
}
