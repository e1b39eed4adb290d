import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { envelope, fromEnvelope, type FromEnvelopeOptions } from '../../src/envelope/index.js';
import { KeyedClient, type KeyProvider, type LoadedKey } from '../../src/index.js';
import { formsOf } from '../cli/run.js';
import { failureOf, isZero, newCipher, watchCipher } from './scene.js';

const KEYS = { metalsApi: 'sk-invented/+&=0123456789', goldApi: 'goldapi-invented-0001' };
const BUNDLE = JSON.stringify({ ...KEYS, limits: { day: 5 }, note: 'x'.repeat(5_000) });

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const use = async (keyProvider: KeyProvider): Promise<string> => {
  await using client = new KeyedClient({ keyProvider, retry: false });
  return await client.withKey(({ apiKey }) => Promise.resolve(apiKey));
};

describe('fromEnvelope', () => {
  it('gives each key of a bundle of many to a client, from bytes, base64 and a function', async () => {
    const cipher = await newCipher();
    const message = await envelope({ cipher }).encrypt(BUNDLE);

    for (const given of [
      message,
      base64(message),
      `${base64(message)}\n`,
      () => message,
      async () => base64(message),
    ]) {
      for (const [field, key] of Object.entries(KEYS)) {
        expect(await use(fromEnvelope({ message: given, cipher, field }))).toBe(key);
      }
    }
  });

  it('gives the whole plaintext without `field`, and takes a message without a signature', async () => {
    const cipher = await newCipher();
    const message = await envelope({ cipher, signed: false }).encrypt(KEYS.goldApi);

    expect(await use(fromEnvelope({ message, cipher }))).toBe(KEYS.goldApi);
  });

  it('needs the pairs that the message was bound to', async () => {
    const cipher = await newCipher();
    const message = await envelope({ cipher }).encrypt(BUNDLE, { bind: { tenant: 'a' } });
    const options = { message, cipher, field: 'goldApi' };

    expect(await use(fromEnvelope({ ...options, bind: { tenant: 'a' } }))).toBe(KEYS.goldApi);
    for (const bind of [undefined, { tenant: 'b' }]) {
      expect((await failureOf(use(fromEnvelope({ ...options, bind })))).code).toBe('ERR_GOLDKEY_DECRYPT');
    }
  });

  it('takes several ciphers while keys move, and closes each with the client', async () => {
    const [old, next] = [await newCipher(), await newCipher()].map((cipher) => ({ ...cipher, close: vi.fn() }));
    const message = await envelope({ cipher: old as never }).encrypt(KEYS.goldApi);

    expect(await use(fromEnvelope({ message, cipher: [next, old] as never }))).toBe(KEYS.goldApi);
    for (const cipher of [old, next]) expect(cipher?.close).toHaveBeenCalledTimes(1);
  });

  it('reads a function at every load, so that a replaced message repairs a rejected key', async () => {
    const cipher = await newCipher();
    const messages: Uint8Array[] = [];
    for (const key of ['first-key-0001', 'second-key-0002']) messages.push(await envelope({ cipher }).encrypt(key));
    const read = vi.fn(() => messages.shift() as Uint8Array);
    await using client = new KeyedClient({ keyProvider: fromEnvelope({ message: read, cipher }) });

    const used = await client.withKey(async ({ apiKey }) => {
      if (apiKey === 'first-key-0001') throw Object.assign(new Error('refused'), { status: 401 });
      return apiKey;
    });

    expect(used).toBe('second-key-0002');
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('gives the same message the same version, another message another', async () => {
    const cipher = await newCipher();
    const versions = new Set<string | undefined>();
    const message = await envelope({ cipher }).encrypt(KEYS.goldApi);
    for (const each of [message, base64(message), await envelope({ cipher }).encrypt(KEYS.goldApi)]) {
      await using client = new KeyedClient({ keyProvider: fromEnvelope({ message: each, cipher }) });
      await client.reload();
      versions.add(client.status().version);
    }

    expect(versions.size).toBe(2);
  });

  it('has a `current` key only, and zeroes the plaintext of the whole message', async () => {
    const cipher = watchCipher(await newCipher());
    const message = await envelope({ cipher }).encrypt(BUNDLE);
    const fill = vi.spyOn(Uint8Array.prototype, 'fill');
    const provider = fromEnvelope({ message, cipher, field: 'goldApi' });
    const signal = new AbortController().signal;

    expect(await provider.load({ stage: 'pending', signal } as never)).toBeUndefined();
    const loaded = await provider.load({ stage: 'current', signal } as never);

    const filled = fill.mock.contexts.map((bytes) => bytes as unknown as Uint8Array);
    fill.mockRestore();
    expect(Buffer.from((loaded as LoadedKey).bytes).toString()).toBe(KEYS.goldApi);
    const wholes = filled.filter((bytes) => bytes.length === BUNDLE.length);
    expect(wholes.length).toBeGreaterThan(0);
    expect([...wholes, ...cipher.given].map(isZero)).not.toContain(false);
  });

  it.each([
    ['no such field', { field: 'metalsDev' }, 'ERR_GOLDKEY_FORMAT', 'field'],
    ['an inherited field', { field: 'toString' }, 'ERR_GOLDKEY_FORMAT', 'field'],
    ['a field that is no text', { field: 'limits' }, 'ERR_GOLDKEY_FORMAT', 'text'],
    ['a document without `field`', {}, 'ERR_GOLDKEY_FORMAT', '`field`'],
  ])('tells of %s, without a value', async (_, options, code, says) => {
    const cipher = await newCipher();
    const message = await envelope({ cipher }).encrypt(BUNDLE);

    const error = await failureOf(use(fromEnvelope({ message, cipher, ...options })));

    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
    const shown = inspect(error, { depth: 9 });
    for (const key of Object.values(KEYS)) for (const form of formsOf(key)) expect(shown).not.toContain(form);
  });

  it('tells of a plaintext that is no JSON, without showing it', async () => {
    const cipher = await newCipher();
    for (const text of [KEYS.metalsApi, '["a"]', 'null', '{"a":']) {
      const message = await envelope({ cipher }).encrypt(text);
      const error = await failureOf(use(fromEnvelope({ message, cipher, field: 'a' })));
      expect(error.code).toBe('ERR_GOLDKEY_FORMAT');
      expect(inspect(error, { depth: 9 })).not.toContain(KEYS.metalsApi);
    }
  });

  it.each([
    ['an unset variable', undefined, 'ERR_GOLDKEY_NOT_FOUND'],
    ['an empty one', '', 'ERR_GOLDKEY_NOT_FOUND'],
    ['a function that gives nothing', () => undefined, 'ERR_GOLDKEY_NOT_FOUND'],
    ['a key, pasted by mistake', KEYS.metalsApi, 'ERR_GOLDKEY_FORMAT'],
    ['a function that gives a number', () => 5, 'ERR_GOLDKEY_FORMAT'],
    ['base64 of something else', base64(Buffer.from('gold')), 'ERR_GOLDKEY_DECRYPT'],
  ])('tells of %s by a load', async (_, message, code) => {
    const cipher = await newCipher();
    const error = await failureOf(use(fromEnvelope({ message: message as never, cipher })));

    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 9 })).not.toContain(KEYS.metalsApi);
  });

  it('tells of a function that fails, retryable and with the cause', async () => {
    const broken = new Error('The disk broke.');
    const message = (): never => {
      throw broken;
    };
    const error = await failureOf(use(fromEnvelope({ message, cipher: await newCipher() })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, cause: broken });
  });

  it.each([
    ['an unknown option', { feild: 'a' }],
    ['a message of another type', { message: 5 }],
    ['a field of another type', { field: 5 }],
    ['no cipher', { cipher: undefined }],
    ['a context of another type', { bind: 'a' }],
  ])('tells of %s at once', async (_, wrong) => {
    const options = { message: 'AgV4', cipher: await newCipher(), ...wrong } as unknown as FromEnvelopeOptions;
    expect(() => fromEnvelope(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});
