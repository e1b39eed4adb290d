import { randomUUID } from 'node:crypto';
import type { KeyRingDocument, RingVersion } from '../../../src/rotation/ring/types.js';

/** Stands in every ring made here; no message may show it. */
export const CIPHERTEXT = 'Y2lwaGVydGV4dC10aGF0LW5vLW1lc3NhZ2Utc2hvd3M=';

/** A ring as a manager would write it. Each has a `writeId` of its own, as each write has. */
export function sampleRing(revision: number, more: Partial<KeyRingDocument> = {}): KeyRingDocument {
  return {
    format: 'goldkey/1',
    name: 'gold',
    revision,
    id: 'a-ring',
    writeId: randomUUID(),
    current: 'v1',
    versions: { v1: sampleVersion() },
    ...more,
  };
}

/** A version in use. */
function sampleVersion(): RingVersion {
  return {
    state: 'current',
    cipher: 'local',
    keyId: 'invented',
    encryptionContext: { service: 'gold', 'goldkey:ring': 'gold' },
    fingerprint: '0123abcd',
    createdAt: '2025-01-01T00:00:00.000Z',
    ciphertext: CIPHERTEXT,
  };
}
