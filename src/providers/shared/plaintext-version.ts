import { nodeCrypto } from '../../core/index.js';

const HMAC_KEY = 'goldkey/plaintext-version/1';

/** Returns a version for a key whose store has none: 16 hex digits of a digest, equal wherever the content is equal. */
export function derivePlaintextVersion(prefix: string, content: Uint8Array): string {
  return `${prefix}-${nodeCrypto().createHmac('sha256', HMAC_KEY).update(content).digest('hex').slice(0, 16)}`;
}
