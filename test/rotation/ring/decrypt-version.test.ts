import { describe, expect, it } from 'vitest';
import { computeFingerprint, KeyDecryptError, type KeyCipher } from '../../../src/core/index.js';
import { decryptVersion } from '../../../src/rotation/ring/decrypt-version.js';
import type { RingSource } from '../../../src/rotation/ring/read-ring.js';
import type { RingVersion } from '../../../src/rotation/index.js';
import { failure } from '../../providers/loading.js';

const KEY = 'invented-key-4711';

/** A ring whose cipher gives out the bytes that the test holds, and a version of it. */
function scene(held: Uint8Array, ...ciphers: Array<Partial<KeyCipher>>) {
  const cipher = { name: 'held', accepts: () => true, decrypt: async () => held };
  const source = {
    name: 'gold',
    store: { name: 'memory' },
    ciphers: [...ciphers.map((other) => ({ ...cipher, ...other })), cipher],
  } as unknown as RingSource;
  const version = {
    fingerprint: computeFingerprint(Buffer.from(KEY)),
    encryptionContext: { 'goldkey:ring': 'gold' },
    ciphertext: 'any',
  } as unknown as RingVersion;
  return {
    open: (changed: Partial<RingVersion> = {}) => decryptVersion(source, 'v1', { ...version, ...changed }, undefined),
  };
}

describe('the bytes that a cipher gives out for a version of a ring', () => {
  it('are zeroed when they are not the key that the fingerprint names', async () => {
    const held = Buffer.from('another-key-0815');

    const error = await failure(scene(held).open());

    expect(error).toMatchObject({
      code: 'ERR_GOLDKEY_DECRYPT',
      message: expect.stringContaining('fingerprint') as string,
    });
    expect([...held].every((byte) => byte === 0)).toBe(true);
  });

  it('are handed over as they are when they are the key, by the first cipher that can open it', async () => {
    const held = Buffer.from(KEY);
    const other: Partial<KeyCipher> = { decrypt: () => Promise.reject(new KeyDecryptError('another master key')) };

    const opened = await scene(held, other).open();

    expect(opened).toBe(held);
    expect(held.toString()).toBe(KEY);
  });
});

describe('a version of a ring', () => {
  const asked: string[] = [];
  const accepting = (name: string, accepts: boolean): Partial<KeyCipher> => ({
    name,
    accepts: () => accepts,
    decrypt: async () => {
      asked.push(name);
      return Buffer.from(KEY);
    },
  });

  it('is given to no cipher that does not accept it', async () => {
    asked.length = 0;
    const opened = await scene(Buffer.from('never given'), accepting('other', false), accepting('own', true)).open();

    expect([Buffer.from(opened).toString(), asked]).toEqual([KEY, ['own']]);
  });

  it.each([
    ['another ring', { 'goldkey:ring': 'silver' }, 'was encrypted for another ring; it was not decrypted'],
    ['no ring', {}, 'was encrypted for no ring; it was not decrypted'],
  ])('that is bound to %s is given to none', async (_, encryptionContext, says) => {
    asked.length = 0;
    const error = await failure(scene(Buffer.from(KEY), accepting('own', true)).open({ encryptionContext }));

    expect(error).toMatchObject({
      code: 'ERR_GOLDKEY_DECRYPT',
      message: `Version v1 of the key ring \`gold\` ${says}.`,
      version: 'v1',
    });
    expect(asked).toEqual([]);
  });
});
