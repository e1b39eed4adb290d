import { describe, expect, it } from 'vitest';
import { computeFingerprint, KeyDecryptError, KeyProviderError, type KeyCipher } from '../../../src/core/index.js';
import { decryptVersion } from '../../../src/rotation/ring/decrypt-version.js';
import type { RingSource } from '../../../src/rotation/ring/read-ring.js';
import type { RingVersion } from '../../../src/rotation/index.js';
import { failure } from '../../providers/loading.js';

const KEY = 'invented-key-4711';

/** A ring whose last cipher gives out the bytes that the test holds, if any, and a version of it. */
function scene(held: Uint8Array | undefined, ...ciphers: Array<Partial<KeyCipher>>) {
  const cipher = { name: 'held', accepts: () => true, decrypt: async () => held as Uint8Array };
  const source = {
    name: 'gold',
    store: { name: 'memory' },
    ciphers: [...ciphers.map((other) => ({ ...cipher, ...other })), ...(held === undefined ? [] : [cipher])],
  } as unknown as RingSource;
  const version = {
    fingerprint: computeFingerprint(Buffer.from(KEY)),
    encryptionContext: { 'goldkey:ring': 'gold' },
    ciphertext: 'any',
  } as unknown as RingVersion;
  return {
    open: (changed: Partial<RingVersion> = {}, signal?: AbortSignal) =>
      decryptVersion(source, 'v1', { ...version, ...changed }, signal),
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

  it('is decrypted from its own ciphertext, for its ring alone, and given up with the signal of the caller', async () => {
    const given: unknown[] = [];
    const cipher: Partial<KeyCipher> = {
      decrypt: async (...args) => {
        given.push(...args);
        return Buffer.from(KEY);
      },
    };
    const { signal } = new AbortController();

    await scene(undefined, cipher).open({ ciphertext: 'of this version' }, signal);

    expect(given).toStrictEqual(['of this version', { bind: { 'goldkey:ring': 'gold' }, signal }]);
  });

  it('that no cipher accepts is told in words', async () => {
    const refusing: Partial<KeyCipher> = { accepts: () => false };

    expect(await failure(scene(undefined, refusing).open())).toMatchObject({
      message:
        'Version v1 of the key ring `gold` names a master key or EncryptionContext that `cipher` does not accept; it was not decrypted.',
    });
  });

  it('that no cipher can open fails with the first reason, and its version', async () => {
    const failing = (message: string): Partial<KeyCipher> => ({
      decrypt: () => Promise.reject(new KeyDecryptError(message)),
    });

    expect(await failure(scene(undefined, failing('first'), failing('second')).open())).toMatchObject({
      code: 'ERR_GOLDKEY_DECRYPT',
      message: 'first',
      version: 'v1',
    });
  });

  it('waits for a cipher that failed for now, whatever the next one would say', async () => {
    asked.length = 0;
    const busy: Partial<KeyCipher> = { decrypt: () => Promise.reject(new KeyProviderError('busy')) };

    const error = await failure(scene(Buffer.from(KEY), busy, accepting('own', true)).open());

    expect(error).toMatchObject({ message: 'busy', retryable: true, version: 'v1' });
    expect(asked).toEqual([]);
  });

  it('fails with what a cipher throws that is no error of goldkey', async () => {
    const thrown = new TypeError('a fault in the cipher');
    const faulty: Partial<KeyCipher> = { decrypt: () => Promise.reject(thrown) };

    expect(await failure(scene(Buffer.from(KEY), faulty).open())).toBe(thrown);
  });
});
