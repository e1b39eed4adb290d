import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import fc from 'fast-check';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMasterKey, fromLocal, localCipher } from '../../../src/providers/local/index.js';
import { open, seal } from '../../../src/providers/local/jwe.js';
import { withMasterKey } from '../../../src/providers/local/master-key.js';
import { failure, request, text } from '../loading.js';

const KEY = 'invented-key-4711';
const CONTEXT = { service: 'gold-data-stream', environment: 'test' };

let directory: string;
let masterKeyFile: string;
let count = 0;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'goldkey-'));
  masterKeyFile = join(directory, 'master.key');
  await createMasterKey(masterKeyFile);
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** A master-key file of any content and mode. */
function fileOf(content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, `file-${String(count++)}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const cipher = (path = masterKeyFile): ReturnType<typeof localCipher> =>
  localCipher({ masterKeyFile: path, encryptionContext: CONTEXT });

const read = (path: string): Buffer => withMasterKey(path, (masterKey) => Buffer.from(masterKey));

const headerOf = (jwe: string): object =>
  JSON.parse(Buffer.from(jwe.split('.')[0] ?? '', 'base64url').toString()) as object;

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('localCipher', () => {
  it('decrypts what it encrypted, and never encrypts the same way twice', async () => {
    const one = await cipher().encrypt(KEY);
    const two = await cipher().encrypt(Buffer.from(KEY));

    expect(Buffer.from(await cipher().decrypt(one.ciphertext)).toString()).toBe(KEY);
    expect(Buffer.from(await cipher().decrypt(Buffer.from(two.ciphertext))).toString()).toBe(KEY);
    expect(one.ciphertext).not.toBe(two.ciphertext);
    expect(one).toMatchObject({ keyId: two.keyId, fingerprint: two.fingerprint, encryptionContext: CONTEXT });
    expect(one.keyId).toMatch(/^local-[0-9a-f]{16}$/);
  });

  it('hands plaintext over in memory of its own and leaves the bytes it was given alone', async () => {
    const given = Buffer.from(KEY);

    const plain = await cipher().decrypt((await cipher().encrypt(given)).ciphertext);

    expect(plain.buffer.byteLength).toBe(KEY.length);
    expect(given.toString()).toBe(KEY);
  });

  it('accepts what was made under its master key and context, and nothing else', async () => {
    const version = { cipher: 'local', ...(await cipher().encrypt(KEY)) };
    const other = join(directory, 'other.key');
    await createMasterKey(other);

    expect(cipher().accepts(version)).toBe(true);
    expect(cipher().accepts({ ...version, encryptionContext: { ...CONTEXT, 'goldkey:ring': 'gold' } })).toBe(true);
    expect(cipher().accepts({ ...version, cipher: 'aws-kms' })).toBe(false);
    expect(cipher().accepts({ ...version, encryptionContext: {} })).toBe(false);
    expect(cipher().accepts({ ...version, encryptionContext: { ...CONTEXT, environment: 'other' } })).toBe(false);
    expect(cipher(other).accepts(version)).toBe(false);
    expect(cipher(join(directory, 'missing')).accepts(version)).toBe(true);
  });

  it('does not take a failure of the machine for a master key that may fit', async () => {
    const { ciphertext: _, ...sealed } = await cipher().encrypt(KEY);
    vi.spyOn(crypto, 'createHmac').mockImplementation(() => {
      throw new RangeError('no memory');
    });

    expect(() => cipher().accepts({ ...sealed, cipher: 'local' } as never)).toThrow('no memory');
  });

  it('binds further pairs, without which nothing opens', async () => {
    const bind = { 'goldkey:ring': 'gold' };

    const { ciphertext, encryptionContext } = await cipher().encrypt(KEY, { bind });

    expect(encryptionContext).toEqual({ ...CONTEXT, ...bind });
    expect(await cipher().decrypt(ciphertext, { bind })).toHaveLength(KEY.length);
    expect(await failure(cipher().decrypt(ciphertext))).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT' });
  });

  it('names the keys of a context that does not fit, and no value', async () => {
    const { ciphertext } = await cipher().encrypt(KEY);
    const other = localCipher({ masterKeyFile, encryptionContext: { service: 'silver-value' } });

    const error = (await failure(other.decrypt(ciphertext))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', retryable: false, provider: 'local' });
    expect(error.message).toMatch(/`encryptionContext` differs.*`service`/);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/silver-value|invented-key/);
  });

  it('tells another master key from another context', async () => {
    const other = join(directory, 'another.key');
    await createMasterKey(other);
    const { ciphertext } = await cipher(other).encrypt(KEY);

    const error = (await failure(cipher().decrypt(ciphertext))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT' });
    expect(error.message).toMatch(/another master key \(local-[0-9a-f]{16}\).*\(local-[0-9a-f]{16}\)/);
  });

  it('knows foreign ciphertexts and stumps', async () => {
    const kms = Buffer.concat([
      Buffer.from('0102020078', 'hex'),
      Buffer.alloc(49),
      Buffer.from([0, 0, 0, 40]),
      Buffer.alloc(40),
    ]);
    const stump = (await cipher().encrypt(KEY)).ciphertext.slice(0, 190);

    for (const [ciphertext, says] of [
      [kms, /no JWE.*AWS KMS.*`fromKms`/],
      [kms.toString('base64'), /no JWE.*AWS KMS.*`fromKms`/],
      [`vault:v1:${kms.toString('base64')}`, /no JWE/],
      [Buffer.alloc(90, 7), /no JWE/],
      [Buffer.alloc(90, '.'), /no JWE/],
      ['e'.repeat(90), /no JWE/],
      [stump, /parts.*give it whole/],
    ] as const) {
      const error = (await failure(cipher().decrypt(ciphertext))) as Error;
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
      expect(error.message).toMatch(says);
    }
  });

  it.each(['', 'k'.repeat(4_097)])('refuses a key that is empty or too long', async (key) => {
    expect(await failure(cipher().encrypt(key))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
  });

  it('checks its options at once and its calls when made', async () => {
    expect(() => localCipher({ masterKeyFile: '', encryptionContext: {} })).toThrow(/`masterKeyFile`/);
    expect(() => localCipher({ encryptionContext: {} } as never)).toThrow(/`masterKeyFile`/);
    expect(() => localCipher({ masterKeyFile } as never)).toThrow(/`encryptionContext`/);
    expect(() => localCipher({ masterKeyFile, encryptionContext: {}, keyId: 'x' } as never)).toThrow(
      /^localCipher has no option `keyId`/,
    );
    const signal = AbortSignal.abort(new Error('before'));
    expect(await failure(cipher().encrypt(KEY, { signal }))).toMatchObject({ message: 'before' });
    expect(await failure(cipher().decrypt('', { signal }))).toMatchObject({ message: 'before' });
  });
});

describe('a local ciphertext', () => {
  const masterKey = Buffer.alloc(32, 9);
  const contexts = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 5 });
  const keys = fc.uint8Array({ minLength: 1, maxLength: 100 });

  it('opens to what was sealed, in whatever order the context comes', () => {
    fc.assert(
      fc.property(keys, contexts, (key, context) => {
        const reversed = Object.fromEntries(Object.entries(context).toReversed());
        expect(open(masterKey, seal(masterKey, key, context), reversed)).toEqual(key);
      }),
    );
  });

  it('is read for ever: one that was made by an earlier version opens, with its context in any order', () => {
    const earlier =
      'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoibG9jYWwtNTc3NmJhNDg0MjFhMWNkNiIsImN0eCI6IklTN013WG1fQVFOS3BOUGNxVm1mZ1FEOG1DSFhhTWVZblNYMElTLUhXTVkifQ..AAECAwQFBgcICQoL.gz_tp1I7T4GyPUnm_ffyBeI.WBeJ6i9g7m8WFNwhCv_dKQ';
    const context = { service: 'gold-data-stream', environment: 't\u00e9st' };

    expect(Buffer.from(open(masterKey, earlier, context)).toString()).toBe(KEY);
  });

  it('opens with no character changed, cut off or added', () => {
    const sealed = seal(masterKey, Buffer.from(KEY), {});
    for (let at = 0; at < sealed.length; at++) {
      for (const char of ['A', 'B', '.', ' ', '=', '+', '\u00e9'].filter((other) => other !== sealed[at])) {
        expect(() => open(masterKey, sealed.slice(0, at) + char + sealed.slice(at + 1), {})).toThrow();
        expect(() => open(masterKey, sealed.slice(0, at) + char + sealed.slice(at), {})).toThrow();
      }
      expect(() => open(masterKey, sealed.slice(0, at), {})).toThrow();
      expect(() => open(masterKey, sealed.slice(0, at) + sealed.slice(at + 1), {})).toThrow();
    }
    expect(() => open(masterKey, `${sealed}A`, {})).toThrow();
  });

  it('has one spelling: the bits that base64url leaves over at the end of a part must be 0', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const parts = seal(masterKey, Buffer.from(KEY), {}).split('.');
    const tag = parts[4] ?? '';
    const digit = alphabet.indexOf(tag.at(-1) ?? '');

    // A tag of 16 bytes leaves 4 bits over: 15 other spellings of the same bytes.
    for (let bits = 1; bits < 16; bits++) {
      const other = tag.slice(0, -1) + (alphabet[digit + bits] ?? '');
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(tag, 'base64url'));
      expect(() => open(masterKey, [...parts.slice(0, 4), other].join('.'), {})).toThrow(/base64url/);
    }
  });

  it('takes the place of no other: each byte of each part may have one value only', () => {
    fc.assert(
      fc.property(keys, contexts, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, context, at, change) => {
        const bytes = Buffer.from(seal(masterKey, key, context));
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
        expect(() => open(masterKey, bytes.toString('latin1'), context)).toThrow();
      }),
    );
  });

  describe('is refused, and never shown,', () => {
    const good = { alg: 'dir', enc: 'A256GCM', ...headerOf(seal(masterKey, Buffer.from(KEY), {})) };

    /** A JWE with a correct tag over any header, of which one part may be another. */
    function forge(header: string, parts: { key?: string; iv?: number; tag?: number; content?: number } = {}): string {
      const encoded = Buffer.from(header).toString('base64url');
      const iv = Buffer.alloc(parts.iv ?? 12, 1);
      const aes = crypto.createCipheriv('aes-256-gcm', masterKey, iv, { authTagLength: parts.tag ?? 16 });
      aes.setAAD(Buffer.from(encoded));
      const content = Buffer.concat([aes.update(Buffer.alloc(parts.content ?? 20, 0x6b)), aes.final()]);
      const rest = [iv, content, aes.getAuthTag()].map((bytes) => bytes.toString('base64url'));
      return [encoded, parts.key ?? '', ...rest].join('.');
    }
    const json = (change: object): string => JSON.stringify({ ...good, ...change });

    it('but not where only white space or the order of its header differs', () => {
      const turned = JSON.stringify(Object.fromEntries(Object.entries(good).toReversed()), null, 1);
      expect(open(masterKey, forge(turned), {})).toHaveLength(20);
      expect(open(masterKey, forge(json({}), { content: 4_096 }), {})).toHaveLength(4_096);
      expect(open(masterKey, forge(json({}), { content: 1 }), {})).toHaveLength(1);
    });

    it.each([
      ['alg none', forge(json({ alg: 'none' })), /`alg` dir/],
      ['alg A256KW', forge(json({ alg: 'A256KW' })), /`alg` dir/],
      ['enc A128GCM', forge(json({ enc: 'A128GCM' })), /`enc` A256GCM/],
      ['crit', forge(json({ crit: ['exp'] })), /exactly alg, enc, kid, ctx/],
      ['zip', forge(json({ zip: 'DEF' })), /exactly/],
      ['a further member', forge(json({ typ: 'JWT' })), /exactly/],
      ['a member that is missing', forge(json({ kid: undefined })), /exactly/],
      ['a member in place of another', forge(json({ kid: undefined, zip: 'DEF' })), /exactly/],
      ['a number', forge(json({ kid: 1 })), /exactly/],
      ['an object with as many quotes as a text', forge(json({ kid: { a: 1 } })), /exactly/],
      ['a member twice', forge(json({}).replace('{', '{"alg":"none",')), /exactly/],
      ['a member twice, escaped', forge(json({}).replace('{', '{"\\u0061lg":"dir",')), /exactly/],
      ['a member twice, once a number', forge(json({}).replace('{', '{"kid":1,')), /exactly/],
      ['a list', forge('["dir","A256GCM","x","y"]'), /exactly/],
      ['null', forge('null'), /exactly/],
      ['no JSON', forge('{'), /exactly/],
      ['a foreign kid', forge(json({ kid: 'mine' })), /`kid`/],
      ['a kid of other digits', forge(json({ kid: `local-${'g'.repeat(16)}` })), /`kid`/],
      ['a kid of one other digit', forge(json({ kid: `local-${'a'.repeat(15)}g` })), /`kid`/],
      ['a kid of fifteen digits', forge(json({ kid: `local-${'a'.repeat(15)}` })), /`kid`/],
      ['a kid of seventeen digits', forge(json({ kid: `local-${'a'.repeat(17)}` })), /`kid`/],
      ['a kid of another beginning', forge(json({ kid: `other-${'a'.repeat(16)}` })), /`kid`/],
      ['a kid with a quote', forge(json({ kid: '"' })), /`kid`/],
      ['a short ctx', forge(json({ ctx: 'AAAA' })), /`ctx`/],
      ['a ctx of other letters', forge(json({ ctx: '*' })), /`ctx`/],
      ['an encrypted key', forge(json({}), { key: 'AAAA' }), /encrypted key/],
      ['an IV of 16 bytes', forge(json({}), { iv: 16 }), /IV of 12/],
      ['a tag of 12 bytes', forge(json({}), { tag: 12 }), /tag of 16/],
      ['no content', forge(json({}), { content: 0 }), /1 to 4096 bytes/],
      ['too much content', forge(json({}), { content: 4_097 }), /1 to 4096 bytes/],
      ['padding', `${forge(json({}))}==`, /base64url/],
      ['six parts', `${forge(json({}))}.`, /6 parts/],
    ])('where it has %s', (_, sealed, says) => {
      const error = thrownBy(() => open(masterKey, sealed, {}));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', provider: 'local' });
      expect(error.message).toMatch(says);
      for (const part of sealed.split('.').filter(({ length }) => length > 3))
        expect(inspect(error)).not.toContain(part);
    });
  });

  it('is exchanged with a JOSE library in both directions', async () => {
    const context = { service: 'gold-data-stream', '9': 'nine', '10': 't\u00e9n' };
    const sealed = seal(masterKey, Buffer.from(KEY), context);
    const canonical = '{"10":"t\u00e9n","9":"nine","service":"gold-data-stream"}';

    const opened = await compactDecrypt(sealed, masterKey);
    const made = await new CompactEncrypt(Buffer.from(KEY))
      .setProtectedHeader(opened.protectedHeader)
      .encrypt(masterKey);

    expect(Buffer.from(opened.plaintext).toString()).toBe(KEY);
    expect(opened.protectedHeader).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: `local-${crypto.createHmac('sha256', 'goldkey/fingerprint/1').update(masterKey).digest('hex').slice(0, 16)}`,
      ctx: crypto.createHash('sha256').update(canonical).digest('base64url'),
    });
    expect(Buffer.from(open(masterKey, made, context)).toString()).toBe(KEY);
  });

  it('is refused where a JOSE library wrapped a content key with the master key', async () => {
    const { protectedHeader } = await compactDecrypt(seal(masterKey, Buffer.from(KEY), {}), masterKey);
    const wrapped = await new CompactEncrypt(Buffer.from(KEY))
      .setProtectedHeader({ ...protectedHeader, alg: 'A256KW' })
      .encrypt(masterKey);

    expect(thrownBy(() => open(masterKey, wrapped, {}))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
  });

  it('is no longer than a ciphertext may be, however much white space its header has', async () => {
    const [header = '', ...rest] = (await cipher().encrypt(KEY)).ciphertext.split('.');
    const padded = Buffer.from(
      Buffer.from(header, 'base64url')
        .toString()
        .replace('{', `{${' '.repeat(6_000)}`),
    );
    const oversized = [padded.toString('base64url'), ...rest].join('.');

    for (const [ciphertext, unit] of [
      [oversized, 'characters'],
      [Buffer.from(oversized), 'bytes'],
    ] as const) {
      const error = (await failure(cipher().decrypt(ciphertext))) as Error;
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
      expect(error.message).toContain(
        `has ${String(oversized.length)} ${unit}; a ciphertext of goldkey/local has at most 6144.`,
      );
    }
  });

  it.each([
    ['is too short with 79 characters', 79, /has only 79 characters; it looks like a plaintext key/],
    ['may have 80 characters', 80, /has 2 parts/],
    ['may have 6,144 characters', 6_144, /has 2 parts/],
    ['is too long with 6,145 characters', 6_145, /has 6145 characters/],
  ])('%s', async (_, length, says) => {
    const error = (await failure(cipher().decrypt('e.'.padEnd(length, 'a')))) as Error;

    expect(error.message).toMatch(says);
  });

  it('may be bytes with white space around them, and is nothing else than text or bytes', async () => {
    const { ciphertext } = await cipher().encrypt(KEY);

    expect(Buffer.from(await cipher().decrypt(Buffer.from(` ${ciphertext}\n`))).toString()).toBe(KEY);
    expect(await failure(cipher().decrypt(7 as never))).toMatchObject({
      message: '`ciphertext` must be a JWE string or a Uint8Array, got 7.',
    });
  });

  it('that is damaged is told with its version and the cause', () => {
    const parts = seal(masterKey, Buffer.from(KEY), {}).split('.');
    const damaged = parts.with(3, Buffer.alloc(KEY.length).toString('base64url')).join('.');

    expect(thrownBy(() => open(masterKey, damaged, {}, 'v7'))).toMatchObject({
      code: 'ERR_GOLDKEY_DECRYPT',
      provider: 'local',
      version: 'v7',
      cause: expect.any(Error) as Error,
    });
  });

  it('is the same to an attacker who measures time, whichever byte of `ctx` differs', () => {
    const compare = vi.spyOn(crypto, 'timingSafeEqual');
    const sealed = seal(masterKey, Buffer.from(KEY), { a: 'b' });

    open(masterKey, sealed, { a: 'b' });
    expect(() => open(masterKey, sealed, { a: 'c' })).toThrow(/differs/);

    expect(compare.mock.calls.map((hashes) => hashes.map(({ byteLength }) => byteLength))).toEqual([
      [32, 32],
      [32, 32],
    ]);
  });

  it('names the other master key before it compares anything else', () => {
    const sealed = seal(masterKey, Buffer.from(KEY), { a: 'b' });

    expect(() => open(Buffer.alloc(32, 8), sealed, { a: 'c' })).toThrow(/another master key/);
  });

  it('opens with no other context', () => {
    fc.assert(
      fc.property(contexts, contexts, (one, two) => {
        fc.pre(JSON.stringify(Object.entries(one).toSorted()) !== JSON.stringify(Object.entries(two).toSorted()));
        expect(() => open(masterKey, seal(masterKey, Buffer.from(KEY), one), two)).toThrow(/differs/);
      }),
    );
  });

  it.each([
    [{ a: 'b=c' }, { 'a=b': 'c' }],
    [{ ab: 'c' }, { a: 'bc' }],
    [{ a: 'b', c: 'd' }, { a: 'b,c=d' }],
    [{ a: '' }, {}],
    [{ '': 'a' }, { a: '' }],
    [
      { a: 'b', b: 'a' },
      { a: 'a', b: 'b' },
    ],
    [{ a: 'é' }, { a: 'e\u0301' }],
  ] as Record<string, string>[][])('keeps %o apart from %o', (one = {}, two = {}) => {
    expect(() => open(masterKey, seal(masterKey, Buffer.from(KEY), one), two)).toThrow(/differs/);
    expect(() => open(masterKey, seal(masterKey, Buffer.from(KEY), two), one)).toThrow(/differs/);
  });
});

describe('fromLocal', () => {
  it('loads the key of its ciphertext, and no other stage', async () => {
    const { ciphertext } = await cipher().encrypt(KEY);
    const keys = fromLocal({ masterKeyFile, ciphertext, encryptionContext: CONTEXT });

    const loaded = await keys.load(request());
    const version = loaded?.version ?? '';

    expect(keys.name).toBe('local');
    expect(text(loaded)).toBe(KEY);
    expect(version).toMatch(/^c-[0-9a-f]{8}$/);
    expect(await keys.load(request(undefined, { stage: 'pending' }))).toBeUndefined();
    expect(await keys.load(request(undefined, { known: [version] }))).toHaveProperty('bytes');
  });

  it.each([
    ['nothing', undefined, 'ERR_GOLDKEY_NOT_FOUND', /may be unset/],
    ['an empty text', '', 'ERR_GOLDKEY_FORMAT', /is empty/],
    ['no base64', 'this-is-no-base64', 'ERR_GOLDKEY_FORMAT', /plaintext key/],
    ['a pasted key', KEY, 'ERR_GOLDKEY_FORMAT', /plaintext key/],
    ['40 bytes', Buffer.alloc(40, 7), 'ERR_GOLDKEY_FORMAT', /plaintext key/],
    ['6,145 bytes', Buffer.alloc(6_145, 7), 'ERR_GOLDKEY_FORMAT', /6145/],
  ])('refuses %s as ciphertext', async (_, ciphertext, code, says) => {
    const error = await failure(fromLocal({ masterKeyFile, ciphertext, encryptionContext: {} }).load(request()));

    expect(error).toMatchObject({ code, provider: 'local', retryable: false });
    expect((error as Error).message).toMatch(says);
    expect(inspect(error, { showHidden: true })).not.toContain(KEY);
  });

  it('checks its options at once', () => {
    expect(() => fromLocal({ masterKeyFile, ciphertext: 'x', encryptionContext: {}, region: 'x' } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
    );
    expect(() => fromLocal({ masterKeyFile, ciphertext: 'x', encryptionContext: {}, region: 'x' } as never)).toThrow(
      /^fromLocal has no option `region`/,
    );
    expect(() => fromLocal({ ciphertext: 'x', encryptionContext: {} } as never)).toThrow(/^`masterKeyFile`/);
    expect(() => fromLocal({ masterKeyFile, ciphertext: 'x' } as never)).toThrow(/`encryptionContext` is required/);
  });
});

describe('a master-key file', () => {
  const TEXT = Buffer.alloc(32, 1).toString('base64');

  it('may come from openssl', async () => {
    const path = fileOf(execFileSync('openssl', ['rand', '-base64', '32']));

    const { ciphertext } = await cipher(path).encrypt(KEY);

    expect(Buffer.from(await cipher(path).decrypt(ciphertext)).toString()).toBe(KEY);
  });

  it.each([TEXT, `${TEXT}\n`, `${TEXT}\r\n`])('holds 32 bytes in base64, with or without a newline', (content) => {
    expect(read(fileOf(content))).toEqual(Buffer.alloc(32, 1));
    expect(read(fileOf(content, 0o400))).toEqual(Buffer.alloc(32, 1));
  });

  it('is zeroed after each use, also after one that fails', () => {
    const seen: Uint8Array[] = [];
    withMasterKey(masterKeyFile, (masterKey) => seen.push(masterKey));
    expect(() =>
      withMasterKey(masterKeyFile, (masterKey) => {
        seen.push(masterKey);
        throw new Error('anything');
      }),
    ).toThrow('anything');

    expect(seen).toHaveLength(2);
    for (const masterKey of seen) expect(masterKey.every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['is empty', ''],
    ['is empty', '\n'],
    ['too short', Buffer.alloc(16, 1).toString('base64')],
    ['too short', Buffer.alloc(31, 1).toString('base64')],
    ['too long', Buffer.alloc(33, 1).toString('base64')],
    ['too long', Buffer.alloc(2_000, 1).toString('base64')],
    ['is not base64', Buffer.alloc(32, 251).toString('base64url')],
    ['is not base64', Buffer.alloc(32, 1)],
    ['is not base64', `${TEXT}\n\n`],
    ['is not base64', ` ${TEXT}`],
    ['is not base64', TEXT.replace('=', '')],
    ['is not base64', `${TEXT.slice(0, -2)}F=`],
  ])('that %s is refused without being shown', (says, content) => {
    const path = fileOf(content);

    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_FORMAT', provider: 'local' }));
    expect(() => read(path)).toThrow(says);
    expect(() => read(path)).toThrow(/openssl rand -base64 32/);
    expect(() => read(path)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('AQEBAQ') }));
  });

  it.each([0o640, 0o604, 0o660, 0o644, 0o610, 0o777])('of mode 0%o is too open', (mode) => {
    const path = fileOf(TEXT, mode);

    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false }));
    expect(() => read(path)).toThrow(`mode 0${mode.toString(8)}`);
    expect(() => read(path)).toThrow(`chmod 600 '${path}'`);
  });

  it('of another user is refused', () => {
    vi.spyOn(process, 'getuid').mockReturnValue(4_711);

    expect(() => read(masterKeyFile)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_ACCESS_DENIED' }));
    expect(() => read(masterKeyFile)).toThrow(/another user.*chmod 600/);
  });

  it('that is a symbolic link is not followed', () => {
    const path = join(directory, 'link');
    symlinkSync(masterKeyFile, path);

    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_ACCESS_DENIED' }));
    expect(() => read(path)).toThrow(/symbolic link.*chmod 600/);
  });

  it('that is a directory or a pipe is not read', () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);

    for (const path of [directory, pipe]) {
      expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_ACCESS_DENIED' }));
      expect(() => read(path)).toThrow(/regular file/);
    }
  });

  it('that is missing is told as such', () => {
    for (const path of [join(directory, 'missing'), join(masterKeyFile, 'below')]) {
      expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ERR_GOLDKEY_NOT_FOUND' }));
      expect(() => read(path)).toThrow(/createMasterKey/);
    }
  });
});

describe('createMasterKey', () => {
  it('makes a file of mode 0600 with 32 bytes, and leaves nothing else behind', async () => {
    const home = join(directory, 'home');
    mkdirSync(home);
    const path = join(home, 'master.key');
    // Stryker runs tests in worker threads, which cannot set it.
    const umask = isMainThread ? process.umask(0) : undefined;

    await createMasterKey(path);

    if (umask !== undefined) process.umask(umask);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'latin1')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(readdirSync(home)).toEqual(['master.key']);
  });

  it('never overwrites a file, and one of many wins', async () => {
    const path = join(directory, 'contested.key');

    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => createMasterKey(path)));
    const before = readFileSync(path);

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await failure(createMasterKey(path))).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: false,
      cause: { code: 'EEXIST' },
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(directory).filter((name) => name.endsWith('.draft'))).toEqual([]);
  });

  it('does not follow a dangling link', async () => {
    const path = join(directory, 'dangling');
    const target = join(directory, 'target');
    symlinkSync(target, path);

    expect(await failure(createMasterKey(path))).toMatchObject({ cause: { code: 'EEXIST' } });
    expect(readdirSync(directory)).not.toContain('target');
  });

  it('needs a path in a directory that exists', async () => {
    expect(await failure(createMasterKey(join(directory, 'none', 'x')))).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
      message: expect.stringContaining('its folder does not exist; create the folder first.') as string,
    });
    expect(await failure(createMasterKey(''))).toMatchObject({ message: expect.stringMatching(/^`path`/) as string });
    expect(await failure(createMasterKey(undefined as never))).toBeInstanceOf(TypeError);
  });

  it('takes no key for a path, and shows none', async () => {
    const error = (await failure(createMasterKey('sk_live_4eC39HqLyjWDarjtT1zdp7dc'))) as Error;

    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(/^`path` must be a path, got what looks like a key: /);
    expect(error.message).not.toContain('4eC39');
  });

  it('takes the name of a file for a path', async () => {
    expect(await failure(createMasterKey('package.json'))).toMatchObject({ cause: { code: 'EEXIST' } });
    expect(await failure(createMasterKey('LICENSE'))).toMatchObject({ cause: { code: 'EEXIST' } });
  });
});
