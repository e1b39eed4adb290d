import crypto from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMasterKey, localCipher } from '../../../src/providers/local/index.js';
import { open, seal } from '../../../src/providers/local/jwe.js';
import { createCipher } from '../../../src/providers/shared/create-cipher.js';
import { failure } from '../loading.js';

const KEY = 'invented-key-4711';
const MASTER_KEY = Buffer.alloc(32, 9);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'goldkey-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const isZero = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0);

/** Holds every array that `fill` is called on, from now on. */
function holdFilled(): () => Uint8Array[] {
  const spy = vi.spyOn(Uint8Array.prototype, 'fill');
  return () => spy.mock.contexts as Uint8Array[];
}

/** Holds what deciphers give out before the tag is checked, from now on. */
function holdUnverified(): Buffer[] {
  const held: Buffer[] = [];
  const { createDecipheriv } = crypto;
  vi.spyOn(crypto, 'createDecipheriv').mockImplementation(((...args: Parameters<typeof createDecipheriv>) => {
    const decipher = createDecipheriv(...args);
    const update = decipher.update.bind(decipher) as (data: Uint8Array) => Buffer;
    decipher.update = ((data: Uint8Array) => {
      const plain = update(data);
      expect(isZero(plain)).toBe(false);
      held.push(plain);
      return plain;
    }) as typeof decipher.update;
    return decipher;
  }) as typeof createDecipheriv);
  return held;
}

describe('of the plaintext that a decipher gives out before it has checked the tag', () => {
  it('nothing is left when it is handed over, but the copy of the caller: it comes in parts of 16 bytes, each zeroed', () => {
    const sealed = seal(MASTER_KEY, Buffer.from(KEY), {});
    const held = holdUnverified();

    const opened = open(MASTER_KEY, sealed, {});

    expect(Buffer.from(opened).toString()).toBe(KEY);
    expect(held.map((part) => [part.length, isZero(part)])).toEqual([
      [16, true],
      [1, true],
    ]);
    expect(held.map(({ buffer }) => buffer)).not.toContain(opened.buffer);
    expect(opened.buffer.byteLength).toBe(KEY.length);
  });

  it('nothing is left when a bit is another, and nothing is deciphered under another context', () => {
    const sealed = seal(MASTER_KEY, Buffer.from(KEY), {});
    const [header = '', none = '', nonce = '', content = '', tag = ''] = sealed.split('.');
    const other = Buffer.from(content, 'base64url');
    other[0] = (other[0] ?? 0) ^ 1;
    const damaged = [header, none, nonce, other.toString('base64url'), tag].join('.');
    const held = holdUnverified();
    const filled = holdFilled();

    expect(() => open(MASTER_KEY, sealed, { a: 'b' })).toThrow(/`encryptionContext` differs/);
    expect(held).toEqual([]);
    expect(() => open(MASTER_KEY, damaged, {})).toThrow(/damaged/);

    expect(held.map(isZero)).toEqual([true, true]);
    expect(
      filled()
        .filter(({ length }) => length === KEY.length)
        .map(isZero),
    ).toEqual([true]);
  });
});

describe('of a master key', () => {
  it('nothing is left once its file is made', async () => {
    const random = vi.spyOn(crypto, 'randomBytes');
    const filled = holdFilled();

    await createMasterKey(join(folder, 'master.key'));

    const masterKey = random.mock.results.map(({ value }) => value as Buffer).find(({ length }) => length === 32);
    // The key in base64, and with its newline.
    const texts = filled().filter(({ length }) => length === 44 || length === 45);
    expect(masterKey !== undefined && isZero(masterKey)).toBe(true);
    expect(new Set(texts.map(({ length }) => length))).toEqual(new Set([44, 45]));
    for (const text of texts) expect(isZero(text)).toBe(true);
  });

  it('nothing is left where its file cannot be made', async () => {
    const path = join(folder, 'master.key');
    writeFileSync(path, 'taken');
    const filled = holdFilled();

    expect(await failure(createMasterKey(path))).toMatchObject({
      message: expect.stringMatching(/^The master-key file .* exists and is never overwritten/) as string,
    });

    const texts = filled().filter(({ length }) => length === 45);
    expect(texts.length > 0 && texts.every(isZero)).toBe(true);
  });

  it.each([
    ['is one', Buffer.alloc(32, 7).toString('base64')],
    ['is too short', Buffer.alloc(31, 7).toString('base64')],
    ['is damaged', `${Buffer.alloc(32, 7).toString('base64').slice(0, -2)}*=`],
  ])('nothing that was read is left, where it %s', async (_, content) => {
    const path = join(folder, 'some.key');
    writeFileSync(path, content, { mode: 0o600 });
    const read = vi.spyOn(Buffer, 'alloc');
    const filled = holdFilled();

    await localCipher({ masterKeyFile: path, encryptionContext: {} })
      .encrypt(KEY)
      .catch(() => undefined);

    const contents = read.mock.results
      .map(({ value }) => value as Buffer)
      .filter(({ length }) => length === content.length);
    expect(contents.map(isZero)).toEqual([true]);
    // The bytes that were decoded, whole or up to the damage.
    const decoded = filled().filter(({ length }) => length === 31 || length === 32);
    expect(decoded.length > 0 && decoded.every(isZero)).toBe(true);
  });
});

describe('of a key to encrypt', () => {
  it('nothing is left of the bytes that were made of a string, also after a failure; given bytes stay', async () => {
    const masterKeyFile = join(folder, 'master.key');
    await createMasterKey(masterKeyFile);
    const cipher = localCipher({ masterKeyFile, encryptionContext: {} });
    const encoded = vi.spyOn(TextEncoder.prototype, 'encode');
    const given = Buffer.from(KEY);

    await cipher.encrypt(KEY);
    await cipher.encrypt(given);
    const tooLong = await failure(cipher.encrypt('k'.repeat(5_000)));

    expect(tooLong).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    const held = encoded.mock.results.map(({ value }) => value as Uint8Array);
    expect(held.map((bytes) => [bytes.length, isZero(bytes)])).toEqual([
      [KEY.length, true],
      [5_000, true],
    ]);
    expect(given.toString()).toBe(KEY);
  });

  it.each([
    ['a string', KEY, {}],
    ['bytes', Buffer.from(KEY), {}],
    ['raw bytes', Uint8Array.of(1, 2, 3), { raw: true }],
  ])('nothing is left of the copy of %s that was encrypted', async (_, key, options) => {
    const held: Uint8Array[] = [];
    const cipher = createCipher(
      {},
      {
        name: 'spy',
        acceptsKeyId: () => true,
        async encrypt(plaintext) {
          expect(isZero(plaintext)).toBe(false);
          held.push(plaintext);
          return { ciphertext: 'sealed', keyId: 'one' };
        },
        decrypt: () => Promise.reject(new Error('not used')),
      },
    );

    await cipher.encrypt(key, options);

    expect(held.map(isZero)).toEqual([true]);
    expect(typeof key === 'string' || !isZero(key)).toBe(true);
  });
});
