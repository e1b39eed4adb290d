import { nodeCrypto } from '../../core/index.js';

const KEY = 'goldkey/plaintext-version/1';

/**
 * The version of a key that its store has no version for: 16 hex digits that are the same wherever the content is, and
 * no way back to it.
 */
export function plaintextVersion(prefix: string, content: Uint8Array): string {
  return `${prefix}-${nodeCrypto().createHmac('sha256', KEY).update(content).digest('hex').slice(0, 16)}`;
}
