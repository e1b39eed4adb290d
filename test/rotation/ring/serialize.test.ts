import { describe, expect, it } from 'vitest';
import type { KeyRingDocument } from '../../../src/rotation/index.js';
import { serializeRing } from '../../../src/rotation/ring/serialize.js';

const VERSION = {
  ciphertext: 'eyJh..b.c.d',
  metadata: { ticket: 'OPS-1', by: 'ops' },
  zone: 'a field of a later version',
  hsm: 'another',
  createdAt: '2026-11-22T12:00:00.000Z',
  fingerprint: '0123abcd',
  encryptionContext: { service: 'gold-data-stream', 'goldkey:ring': 'gold' },
  keyId: 'invented',
  cipher: 'local',
  state: 'current',
};
const RING = {
  zone: 1,
  owner: { team: 'metals', pager: null },
  versions: { v2: { ...VERSION, state: 'pending', metadata: undefined, hsm: undefined, zone: undefined }, v1: VERSION },
  rollout: { region: 'eu', area: 'west', startedAt: '2026-11-22T12:00:00.000Z', percent: 0, id: 'one', pending: 'v2' },
  current: 'v1',
  writeId: 'a-write',
  id: undefined,
  revision: 7,
  name: 'gold',
  format: 'goldkey/1',
} as unknown as KeyRingDocument;

const TEXT = `{
  "format": "goldkey/1",
  "name": "gold",
  "revision": 7,
  "writeId": "a-write",
  "current": "v1",
  "rollout": {
    "pending": "v2",
    "id": "one",
    "percent": 0,
    "startedAt": "2026-11-22T12:00:00.000Z",
    "area": "west",
    "region": "eu"
  },
  "versions": {
    "v1": {
      "state": "current",
      "cipher": "local",
      "keyId": "invented",
      "encryptionContext": {
        "goldkey:ring": "gold",
        "service": "gold-data-stream"
      },
      "fingerprint": "0123abcd",
      "createdAt": "2026-11-22T12:00:00.000Z",
      "metadata": {
        "by": "ops",
        "ticket": "OPS-1"
      },
      "ciphertext": "eyJh..b.c.d",
      "hsm": "another",
      "zone": "a field of a later version"
    },
    "v2": {
      "state": "pending",
      "cipher": "local",
      "keyId": "invented",
      "encryptionContext": {
        "goldkey:ring": "gold",
        "service": "gold-data-stream"
      },
      "fingerprint": "0123abcd",
      "createdAt": "2026-11-22T12:00:00.000Z",
      "ciphertext": "eyJh..b.c.d"
    }
  },
  "owner": {
    "team": "metals",
    "pager": null
  },
  "zone": 1
}
`;

describe('the text of a ring', () => {
  it('has a field a line: those that are known in their order, then the others by name, as notes and contexts are', () => {
    expect(serializeRing(RING, 'file')).toBe(TEXT);
  });

  it('is not made of a ring that readers would refuse, in the name of the store', () => {
    expect(() => serializeRing({ ...RING, current: 'v9' }, 'redis')).toThrow(
      expect.objectContaining({
        name: 'KeyProviderError',
        provider: 'redis',
        message: 'The key ring is invalid at `current`: it names a version that is not in `versions`.',
      }),
    );
  });
});
