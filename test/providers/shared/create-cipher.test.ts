import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { computeFingerprint, KeyedClient, type KeyCipher } from '../../../src/core/index.js';
import { createMasterKey, fromLocal, localCipher } from '../../../src/providers/local/index.js';
import { createCipher } from '../../../src/providers/shared/create-cipher.js';
import { temporaryFolder } from '../../cli/run.js';
import { failure } from '../loading.js';

const KEY = 'an-invented-key-4711';
const encryptionContext = { service: 'gold-data-stream' };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let masterKeyFile: string;
let local: KeyCipher;
beforeAll(async () => {
  folder = await temporaryFolder();
  masterKeyFile = join(folder.path, 'master.key');
  await createMasterKey(masterKeyFile);
  local = localCipher({ masterKeyFile, encryptionContext });
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A cipher of another store, which tells what it was given. */
function recordingCipher(): { cipher: KeyCipher; given: Uint8Array[] } {
  const given: Uint8Array[] = [];
  const cipher = createCipher(encryptionContext, {
    name: 'recording',
    acceptsKeyId: () => true,
    encrypt(plaintext) {
      given.push(plaintext);
      return { ciphertext: Buffer.from(plaintext).toString('base64'), keyId: 'a' };
    },
    decrypt: (ciphertext) => Buffer.from(String(ciphertext), 'base64'),
  });
  return { cipher, given };
}

const UNUSABLE: readonly (readonly [what: string, key: string | Uint8Array])[] = [
  ['a newline inside', 'an-invented\nkey'],
  ['two newlines behind it', `${KEY}\n\n`],
  ['a carriage return behind it', `${KEY}\r`],
  ['a space', 'an invented key'],
  ['a space before it', ` ${KEY}`],
  ['a tab', 'an-invented\tkey'],
  ['a NUL', 'an-invented\0key'],
  ['a non-ASCII letter', 'ein-erfundener-schlüssel'],
  ['a byte order mark', `\ufeff${KEY}`],
  ['7 characters', 'abc-123'],
  ['7 characters and a newline', 'abc-123\n'],
  ['no character', ''],
  ['4,097 characters', 'k'.repeat(4_097)],
  ['random bytes', Uint8Array.from({ length: 32 }, (_, index) => index * 7)],
];

describe('a key that no client would accept', () => {
  it.each(UNUSABLE)('is not encrypted with %s', async (_, key) => {
    const { cipher, given } = recordingCipher();
    for (const tried of [cipher, local]) {
      const error = (await failure(tried.encrypt(key))) as Error;

      expect(error).toMatchObject({ name: 'KeyFormatError', code: 'ERR_GOLDKEY_FORMAT', provider: tried.name });
      if (key.length > 0) expect(error.message).not.toContain(String(key));
    }
    expect(given).toEqual([]);
  });

  it.each(UNUSABLE.filter(([, key]) => key.length > 0 && key.length <= 4_096))(
    'fails for the same reason as when it is loaded: %s',
    async (_, key) => {
      const { ciphertext } = await local.encrypt(key, { raw: true });
      const client = new KeyedClient({ keyProvider: fromLocal({ masterKeyFile, ciphertext, encryptionContext }) });

      const [early, late] = await Promise.all([failure(local.encrypt(key)), failure(client.prefetch())]);
      await client.close();

      expect(late).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', message: (early as Error).message });
    },
  );
});

describe('a key to encrypt', () => {
  it.each(['\n', '\r\n'])('loses one line break behind it, as when it is loaded: %j', async (end) => {
    for (const key of [`${KEY}${end}`, Buffer.from(`${KEY}${end}`)]) {
      const { ciphertext, fingerprint } = await local.encrypt(key);

      expect(Buffer.from(await local.decrypt(ciphertext)).toString()).toBe(KEY);
      expect(fingerprint).toBe(computeFingerprint(Buffer.from(KEY)));
    }
  });

  it('may have 8 to 4,096 characters', async () => {
    for (const key of ['k'.repeat(8), 'k'.repeat(4_096), `${'k'.repeat(4_096)}\n`]) {
      const { ciphertext } = await local.encrypt(key);
      expect(Buffer.from(await local.decrypt(ciphertext)).toString()).toBe(key.trim());
    }
  });

  it('leaves the bytes of the caller alone, and zeroes its own copy', async () => {
    const { cipher, given } = recordingCipher();
    const bytes = Buffer.from(KEY);

    await cipher.encrypt(bytes);
    await cipher.encrypt(bytes, { raw: true });
    await cipher.encrypt(KEY, { raw: true });

    expect(bytes.toString()).toBe(KEY);
    expect(given.map((held) => held.every((byte) => byte === 0))).toEqual([true, true, true]);
  });

  it.each([[4_711], [null], [['k']], [new ArrayBuffer(32)]])('is text or bytes, not %j', async (key) => {
    for (const raw of [false, true]) {
      const error = await failure(local.encrypt(key as never, { raw }));
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    }
  });
});

describe('raw bytes, which are no API key', () => {
  it.each(UNUSABLE.filter(([, key]) => key.length > 0 && key.length <= 4_096))(
    'are encrypted as given, with %s',
    async (_, key) => {
      const { ciphertext } = await local.encrypt(key, { raw: true });
      expect(Buffer.from(await local.decrypt(ciphertext))).toEqual(Buffer.from(key));
    },
  );

  it.each([0, 4_097])('are 1 to 4,096, not %i', async (length) => {
    const error = await failure(local.encrypt(new Uint8Array(length), { raw: true }));
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', message: expect.stringContaining('1 to 4096') });
  });

  it('are asked for by a boolean, and of `encrypt` alone', async () => {
    const { ciphertext } = await local.encrypt(KEY);
    for (const work of [
      local.encrypt(KEY, { raw: 'yes' as never }),
      local.encrypt(KEY, { raw: 1 as never }),
      local.decrypt(ciphertext, { raw: true } as never),
    ]) {
      expect(await failure(work)).toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining('raw'),
      });
    }
  });
});
