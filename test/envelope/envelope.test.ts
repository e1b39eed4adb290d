import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { EncryptedDataKey, KeyringNode, type NodeEncryptionMaterial } from '@aws-crypto/material-management-node';
import { buildEncrypt } from '@aws-crypto/encrypt-node';
import { describe, expect, it, vi } from 'vitest';
import { envelope, type EnvelopeOptions } from '../../src/envelope/index.js';
import { KeyAccessDeniedError, type EncryptedKey, type KeyCipher } from '../../src/index.js';
import { formsOf } from '../cli/run.js';
import { CONTEXT, failureOf, isZero, newCipher, watchCipher } from './scene.js';

const SECRET = 'sk-invented/+&=0123456789';
const BUNDLE = JSON.stringify({ metalsApi: SECRET, note: 'x'.repeat(5_000) });

const suiteOf = (message: Uint8Array): string => Buffer.from(message.subarray(0, 3)).toString('hex');
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A cipher as a user might write it, but for what it does to its plaintext. */
const OWN: KeyCipher = {
  name: 'own',
  encryptionContext: CONTEXT,
  accepts: ({ cipher }) => cipher === 'own',
  encrypt: async (key) => ({ ciphertext: Buffer.from(key).toString('hex'), keyId: 'k' }) as EncryptedKey,
  decrypt: async (ciphertext) => new Uint8Array(Buffer.from(String(ciphertext), 'hex')),
};

describe('a message', () => {
  it.each([0, 1, 4_095, 4_096, 4_097, 65_536, 1_048_576])(
    'gives back %i bytes, signed or not, in frames of any length',
    async (length) => {
      const cipher = await newCipher();
      const data = randomBytes(length);

      for (const signed of [true, false]) {
        for (const frameLength of [undefined, 4_096, length + 1]) {
          const sealed = envelope({ cipher, signed, frameLength });
          const message = await sealed.encrypt(data);
          expect(suiteOf(message)).toBe(signed ? '020578' : '020478');
          expect(sha(await sealed.decrypt(message))).toBe(sha(data));
        }
      }
    },
  );

  it('holds a text as UTF-8, and an array of another realm', async () => {
    const sealed = envelope({ cipher: await newCipher() });

    expect(Buffer.from(await sealed.decrypt(await sealed.encrypt('Gold: 2.000 €'))).toString()).toBe('Gold: 2.000 €');
  });

  it('leaves the data that it was given as it was, and is a new one every time', async () => {
    const sealed = envelope({ cipher: await newCipher() });
    const data = randomBytes(100);
    const before = sha(data);

    const [first, second] = [await sealed.encrypt(data), await sealed.encrypt(data)];

    expect(sha(data)).toBe(before);
    expect(sha(first)).not.toBe(sha(second));
  });

  it('is bound to the cipher’s context and to `bind`: each pair of both, and no other', async () => {
    const cipher = await newCipher();
    const sealed = envelope({ cipher });
    const bound = await sealed.encrypt(BUNDLE, { bind: { tenant: 'tenant-secret-4711' } });
    const plain = await sealed.encrypt(BUNDLE);

    for (const bind of [undefined, {}, { tenant: 'b' }, { tenant: 'tenant-secret-4711', more: 'c' }]) {
      const error = await failureOf(sealed.decrypt(bound, { bind }));
      expect(error.code).toBe('ERR_GOLDKEY_DECRYPT');
      expect(error.message).toContain('another context');
      expect(inspect(error)).not.toContain('tenant-secret-4711');
    }
    expect((await failureOf(sealed.decrypt(plain, { bind: { tenant: 'a' } }))).code).toBe('ERR_GOLDKEY_DECRYPT');
    expect(await sealed.decrypt(bound, { bind: { ...CONTEXT, tenant: 'tenant-secret-4711' } })).toHaveLength(
      BUNDLE.length,
    );
  });

  it('with another context is refused before the cipher, which would take it, is asked', async () => {
    // As KMS does, this cipher decrypts under whatever context the message names.
    const cipher: KeyCipher = { ...(await newCipher()), decrypt: vi.fn(async () => new Uint8Array(32)) };
    const message = await envelope({ cipher: { ...cipher } }).encrypt(BUNDLE, { bind: { tenant: 'a' } });

    expect((await failureOf(envelope({ cipher }).decrypt(message, { bind: { tenant: 'b' } }))).code).toBe(
      'ERR_GOLDKEY_DECRYPT',
    );
    expect(cipher.decrypt).not.toHaveBeenCalled();
  });

  it('without a signature is decrypted only where `signed` is false; one with a signature everywhere', async () => {
    const cipher = await newCipher();
    const [signed, unsigned] = [envelope({ cipher }), envelope({ cipher, signed: false })];

    const error = await failureOf(signed.decrypt(await unsigned.encrypt(BUNDLE)));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', provider: 'local' });
    expect(error.message).toContain('no signature');
    expect(await unsigned.decrypt(await signed.encrypt(BUNDLE))).toHaveLength(BUNDLE.length);
  });

  it.each([
    ['encrypted', (sealed: ReturnType<typeof envelope>) => sealed.encrypt(new Uint8Array(101))],
    ['encrypted as text', (sealed: ReturnType<typeof envelope>) => sealed.encrypt('é'.repeat(51))],
  ])('over `maxPlaintext` is not %s', async (_, encrypt) => {
    const error = await failureOf(encrypt(envelope({ cipher: await newCipher(), maxPlaintext: 100 })));

    expect(error.code).toBe('ERR_GOLDKEY_FORMAT');
    expect(error.message).toContain('more than 100 bytes');
  });

  it.each([true, false])('over `maxPlaintext` is not decrypted (signed: %s)', async (signed) => {
    const cipher = await newCipher();
    const message = await envelope({ cipher, signed }).encrypt(new Uint8Array(101));

    expect((await failureOf(envelope({ cipher, signed, maxPlaintext: 100 }).decrypt(message))).code).toBe(
      'ERR_GOLDKEY_FORMAT',
    );
    expect(await envelope({ cipher, signed, maxPlaintext: 101 }).decrypt(message)).toHaveLength(101);
  });
});

describe('several ciphers, while keys move', () => {
  it('the first encrypts, and any of them decrypts', async () => {
    const [old, next] = [await newCipher(), await newCipher({ service: 'gold', place: 'new' })];
    const before = await envelope({ cipher: old }).encrypt(BUNDLE);
    const moving = envelope({ cipher: [next, old] });
    const after = await moving.encrypt(BUNDLE);

    for (const message of [before, after]) expect(await moving.decrypt(message)).toHaveLength(BUNDLE.length);
    expect(await envelope({ cipher: next }).decrypt(after)).toHaveLength(BUNDLE.length);
    expect((await failureOf(envelope({ cipher: old }).decrypt(after))).code).toBe('ERR_GOLDKEY_DECRYPT');
  });

  it('another master key with the same context is an unknown key', async () => {
    const message = await envelope({ cipher: await newCipher() }).encrypt(BUNDLE);
    const error = await failureOf(envelope({ cipher: await newCipher() }).decrypt(message));

    expect(error.code).toBe('ERR_GOLDKEY_DECRYPT');
    expect(error.message).toContain('another cipher');
  });
});

describe('a message with several encrypted data keys', () => {
  /** Makes a message as another library might: its data key under each of the ciphers. */
  async function encryptFor(ciphers: readonly KeyCipher[], data: string): Promise<Uint8Array> {
    class ManyKeys extends KeyringNode {
      async _onEncrypt(material: NodeEncryptionMaterial): Promise<NodeEncryptionMaterial> {
        const dataKey = new Uint8Array(randomBytes(32));
        const encrypted: EncryptedDataKey[] = [];
        for (const cipher of ciphers) {
          const { ciphertext, keyId } = await cipher.encrypt(dataKey, {
            raw: true,
            bind: material.encryptionContext,
          });
          const parts = { providerId: cipher.name, providerInfo: keyId, encryptedDataKey: Buffer.from(ciphertext) };
          encrypted.push(new EncryptedDataKey(parts));
        }
        material.setUnencryptedDataKey(dataKey, { keyNamespace: 'a', keyName: 'b', flags: 1 });
        for (const each of encrypted) material.addEncryptedDataKey(each, 2);
        return material;
      }
      _onDecrypt(): Promise<never> {
        return Promise.reject(new Error('It only encrypts.'));
      }
    }
    const { encrypt } = buildEncrypt();
    return (await encrypt(new ManyKeys(), data, { encryptionContext: { ...CONTEXT } })).result;
  }

  it('is decrypted by whoever has one of them, wherever it stands', async () => {
    const [mine, other, third] = [await newCipher(), await newCipher(), await newCipher()];

    for (const order of [
      [other, mine],
      [mine, other],
      [other, third, mine],
    ]) {
      const message = await encryptFor(order, BUNDLE);
      expect(await envelope({ cipher: mine }).decrypt(message)).toHaveLength(BUNDLE.length);
    }
  });

  it('of five is decrypted, and of six refused without a request', async () => {
    const mine = watchCipher(await newCipher());
    const other = await newCipher();
    const five = await encryptFor([other, other, other, other, mine], BUNDLE);
    const six = await encryptFor([mine, other, other, other, other, other], BUNDLE);
    mine.given.length = 0;

    expect(await envelope({ cipher: mine }).decrypt(five)).toHaveLength(BUNDLE.length);
    expect(mine.given).toHaveLength(1);
    expect((await failureOf(envelope({ cipher: mine }).decrypt(six))).code).toBe('ERR_GOLDKEY_DECRYPT');
    expect(mine.given).toHaveLength(1);
  });

  it('tells of the key service that did not answer, not of the key that it does not have', async () => {
    const [down, mine] = [await newCipher(), await newCipher()];
    const message = await encryptFor([down, mine], BUNDLE);
    const denied = new KeyAccessDeniedError('Denied.', { provider: 'local' });
    const failing: KeyCipher = { ...down, decrypt: () => Promise.reject(denied) };

    expect(await failureOf(envelope({ cipher: failing }).decrypt(message))).toBe(denied);
    expect(await envelope({ cipher: [failing, mine] }).decrypt(message)).toHaveLength(BUNDLE.length);
  });
});

describe('secrets', () => {
  it.each([true, false])('data keys are zero once the message is made or read (signed: %s)', async (signed) => {
    const cipher = watchCipher(await newCipher());
    // Of a key object the SDK exports the data key, to derive the message's key.
    const exported: Uint8Array[] = [];
    const classOfSecrets = Object.getPrototypeOf(createSecretKey(Buffer.alloc(32))) as { export(): Buffer };
    const exportKey = classOfSecrets.export;
    vi.spyOn(classOfSecrets, 'export').mockImplementation(function (this: unknown) {
      const bytes = exportKey.call(this as never);
      exported.push(bytes);
      return bytes;
    });
    const sealed = envelope({ cipher, signed });

    const plaintext = await sealed.decrypt(await sealed.encrypt(BUNDLE));

    vi.restoreAllMocks();
    expect(Buffer.from(plaintext).toString()).toBe(BUNDLE);
    expect(cipher.copies.map((copy) => [copy.length, isZero(copy)])).toEqual([
      [32, false],
      [32, false],
    ]);
    expect(cipher.given.map(isZero)).toEqual([true, true]);
    expect(exported.length).toBeGreaterThanOrEqual(2);
    expect(exported.map(isZero)).not.toContain(false);
  });

  it('data keys are zero when the message is damaged', async () => {
    const cipher = watchCipher(await newCipher());
    const sealed = envelope({ cipher });
    const message = await sealed.encrypt(BUNDLE);

    await failureOf(sealed.decrypt(message.subarray(0, -1)));

    expect(cipher.given.map(isZero)).toEqual([true, true]);
  });

  it('no error shows plaintext or a data key, whatever is wrong', async () => {
    const cipher = watchCipher(await newCipher());
    const sealed = envelope({ cipher, frameLength: 64 });
    const message = await sealed.encrypt(SECRET.repeat(20));
    const errors = [
      await failureOf(sealed.decrypt(message.subarray(0, -1))),
      await failureOf(sealed.decrypt(Buffer.concat([message, Buffer.from('x')]))),
      await failureOf(sealed.decrypt(message, { bind: { a: 'b' } })),
      await failureOf(sealed.decrypt(Buffer.from(SECRET))),
      await failureOf(sealed.decrypt(SECRET as never)),
      await failureOf(envelope({ cipher, maxPlaintext: 1 }).decrypt(message)),
      await failureOf(envelope({ cipher, maxPlaintext: 1 }).encrypt(SECRET)),
    ];

    const hex = cipher.copies.map((copy) => copy.toString('hex'));
    const all = inspect(errors, { depth: 20, maxStringLength: null, maxArrayLength: null, showHidden: true });
    for (const form of [...formsOf(SECRET), ...hex]) expect(all).not.toContain(form);
    expect(new Set(errors.map((error) => error.code))).toEqual(
      new Set(['ERR_GOLDKEY_DECRYPT', 'ERR_GOLDKEY_FORMAT', 'ERR_INVALID_ARG_VALUE']),
    );
  });
});

describe('a cipher of one’s own', () => {
  const MESSAGE = envelope({ cipher: OWN }).encrypt(BUNDLE);

  it('may zero what it is given, which is the data key all the same', async () => {
    const given: Uint8Array[] = [];
    const encrypt: KeyCipher['encrypt'] = async (dataKey, options) => {
      const encrypted = await OWN.encrypt(dataKey, options);
      given.push((dataKey as Uint8Array).fill(0));
      return encrypted;
    };
    const message = await envelope({ cipher: { ...OWN, encrypt } }).encrypt(BUNDLE);
    expect(Buffer.from(await envelope({ cipher: OWN }).decrypt(message)).toString()).toBe(BUNDLE);
    expect(given.map(isZero)).toEqual([true]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no ciphertext', { keyId: 'k' }],
    ['no key id', { ciphertext: 'a' }],
    ['bytes', { ciphertext: Uint8Array.of(1, 2), keyId: 'k' }],
    ['an empty ciphertext', { ciphertext: '', keyId: 'k' }],
    ['a ciphertext that no message has room for', { ciphertext: 'a'.repeat(65_536), keyId: 'k' }],
  ])('that encrypts to %s makes no message, which nobody could read', async (_, answer) => {
    const cipher = { ...OWN, encrypt: async () => answer } as KeyCipher;
    expect((await failureOf(envelope({ cipher }).encrypt(BUNDLE))).code).toBe('ERR_GOLDKEY_PROVIDER');
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'ERR_GOLDKEY_PROVIDER'],
    ['a text', 'x'.repeat(32), 'ERR_GOLDKEY_PROVIDER'],
    ['too few bytes', new Uint8Array(31), 'ERR_GOLDKEY_DECRYPT'],
    ['too many bytes', new Uint8Array(33), 'ERR_GOLDKEY_DECRYPT'],
  ])('that decrypts to %s is told', async (_, answer, code) => {
    const cipher = { ...OWN, decrypt: async () => answer } as KeyCipher;
    expect((await failureOf(envelope({ cipher }).decrypt(await MESSAGE))).code).toBe(code);
  });

  it.each([undefined, null, ''])('that fails with %j fails the call, and does not hang it', async (reason) => {
    const fail = (): Promise<never> => Promise.reject(reason as unknown as Error);
    const sealed = envelope({ cipher: { ...OWN, encrypt: fail, decrypt: fail } });
    const [made, read] = await Promise.allSettled([sealed.encrypt(BUNDLE), sealed.decrypt(await MESSAGE)]);
    expect([made.status, read.status]).toEqual(['rejected', 'rejected']);
  });
});

describe('a signal', () => {
  it('ends a call before it begins, and asks no key service', async () => {
    const cipher = watchCipher(await newCipher());
    const sealed = envelope({ cipher });
    const message = await sealed.encrypt(BUNDLE);
    const reason = new Error('Enough.');
    const signal = AbortSignal.abort(reason);

    expect(await failureOf(sealed.encrypt(BUNDLE, { signal }))).toBe(reason);
    expect(await failureOf(sealed.decrypt(message, { signal }))).toBe(reason);
    expect(cipher.given).toHaveLength(1);
  });

  it('ends a call whose key service does not answer, and a data key that comes later is zeroed', async () => {
    const cipher = await newCipher();
    const message = await envelope({ cipher }).encrypt(BUNDLE);
    let answer: ((dataKey: Uint8Array) => void) | undefined;
    let given: AbortSignal | undefined;
    const hanging: KeyCipher = {
      ...cipher,
      decrypt: (_, options) =>
        new Promise<Uint8Array>((resolve) => {
          given = options?.signal;
          answer = resolve;
        }),
    };
    const abort = new AbortController();
    const reason = new Error('Enough.');
    const failed = failureOf(envelope({ cipher: hanging }).decrypt(message, { signal: abort.signal }));
    await vi.waitFor(() => expect(answer).toBeDefined());
    expect(given).toBe(abort.signal);
    abort.abort(reason);
    expect(await failed).toBe(reason);

    const late = new Uint8Array(32).fill(7);
    answer?.(late);
    await vi.waitFor(() => expect(isZero(late)).toBe(true));
  });
});

describe('the options', () => {
  it.each([
    ['no cipher', {}],
    ['an empty list', { cipher: [] }],
    ['what is no cipher', { cipher: { encrypt: () => undefined } }],
    ['null', { cipher: [null] }],
    ['a cipher without `accepts`', { cipher: { ...OWN, accepts: undefined } }],
    ['a cipher without a name', { cipher: { ...OWN, name: '' } }],
    ['a cipher without a context', { cipher: { ...OWN, encryptionContext: undefined } }],
    ['an unknown name', { cipher: [], signd: true }],
  ])('%s is told at once', (_, options) => {
    expect(() => envelope(options as unknown as EnvelopeOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
  });

  it.each([
    [{ signed: 'no' }],
    [{ frameLength: 0 }],
    [{ frameLength: 16_777_217 }],
    [{ maxPlaintext: 0 }],
    [{ maxPlaintext: 1.5 }],
  ])('%o is told at once', async (options) => {
    const cipher = await newCipher();
    expect(() => envelope({ cipher, ...(options as object) })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
  });

  it.each([
    [{ bind: 'a' }],
    [{ bind: { service: 'another' } }],
    [{ bind: { 'aws-crypto-public-key': 'a' } }],
    [{ signal: 1 }],
    [{ bnd: {} }],
  ])('%o of a message is told, by all four methods', async (options) => {
    const sealed = envelope({ cipher: await newCipher() });
    const wrong = options as never;

    for (const work of [
      sealed.encrypt('a', wrong),
      sealed.decrypt(new Uint8Array(100), wrong),
      (async () => sealed.encryptStream(wrong))(),
      (async () => sealed.decryptStream(wrong))(),
    ]) {
      expect((await failureOf(work)).code).toBe('ERR_INVALID_ARG_VALUE');
    }
  });

  it('data of another type is told', async () => {
    const sealed = envelope({ cipher: await newCipher() });

    expect((await failureOf(sealed.encrypt(5 as never))).code).toBe('ERR_INVALID_ARG_VALUE');
    expect((await failureOf(sealed.decrypt('AgV4' as never))).code).toBe('ERR_INVALID_ARG_VALUE');
  });
});
