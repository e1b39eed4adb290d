import type { ServerResponse } from 'node:http';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyCipher, KeyProvider } from '../../../src/core/index.js';
import { assertNoSecret, keyProviderContract } from '../../../src/testing/index.js';
import { resetConnection } from '../../../src/testing/http/loopback-server.js';
import { fromVaultTransit, transitCipher } from '../../../src/providers/vault/index.js';
import { failure, request, text } from '../loading.js';
import { errors, pauseless, vaultLike, type Reply, type Seen, type VaultLike } from './vault-like.js';

const KEY = 'sk-invented/+&=0123456789';
const TOKEN = 'hvs.invented-token-0123456789';
const ENCRYPT = 'transit/encrypt/gold';
const DECRYPT = 'transit/decrypt/gold';
const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
/** What the context travels as. */
const BOUND = Buffer.from('{"environment":"production","service":"gold-data-stream"}').toString('base64');
const MASTER = randomBytes(32);
const auth = { method: 'token', token: TOKEN } as const;
type Options = Parameters<typeof fromVaultTransit>[0];

interface Body {
  plaintext?: string;
  ciphertext?: string;
  associated_data?: string;
}

let vault: VaultLike;
const opened: Array<{ close?(): Promise<void> }> = [];

beforeAll(async () => {
  vault = await vaultLike();
});
beforeEach(() => {
  vault.reset();
  transit(vault);
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close?.();
});
afterAll(() => vault[Symbol.asyncDispose]());

/** The transit engine with one key, as far as AES-GCM goes. */
function transit(server: VaultLike): void {
  server.on(ENCRYPT, (response, seen) => {
    answer(response, 200, { data: { ciphertext: sealed(seen.body as Body), key_version: 1 } });
  });
  server.on(DECRYPT, (response, seen: Seen) => {
    const plaintext = unsealed(seen.body as Body);
    if (plaintext !== undefined) return answer(response, 200, { data: { plaintext } });
    answer(response, 400, { errors: ['cipher: message authentication failed'] });
  });
}
function sealed({ plaintext = '', associated_data: bound = '' }: Body): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', MASTER, nonce).setAAD(Buffer.from(bound, 'base64'));
  const parts = [nonce, cipher.update(plaintext, 'base64'), cipher.final(), cipher.getAuthTag()];
  return `vault:v1:${Buffer.concat(parts).toString('base64')}`;
}
function unsealed({ ciphertext = '', associated_data: bound = '' }: Body): string | undefined {
  const bytes = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', MASTER, bytes.subarray(0, 12));
  decipher.setAAD(Buffer.from(bound, 'base64')).setAuthTag(bytes.subarray(-16));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64');
  } catch {
    return undefined;
  }
}
function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
const ciphertextOf = (key: string, bound?: string): string =>
  sealed({ plaintext: Buffer.from(key).toString('base64'), ...(bound !== undefined && { associated_data: bound }) });

const provider = (more: Partial<Options> = {}): KeyProvider => {
  const ciphertext = ciphertextOf(KEY, BOUND);
  const made = fromVaultTransit({
    address: vault.url,
    auth,
    keyName: 'gold',
    ciphertext,
    encryptionContext: CONTEXT,
    ...more,
  });
  opened.push(made);
  return made;
};
const cipher = (more: object = {}): KeyCipher => {
  const made = transitCipher({ address: vault.url, auth, keyName: 'gold', encryptionContext: CONTEXT, ...more });
  opened.push(made);
  return made;
};
const load = (from: KeyProvider): Promise<unknown> => from.load(request(pauseless));

keyProviderContract(
  'fromVaultTransit',
  async (key) => {
    const server = await vaultLike();
    transit(server);
    let ciphertext = ciphertextOf(key);
    const made = fromVaultTransit({ address: server.url, auth, keyName: 'gold', ciphertext: () => ciphertext });
    return {
      provider: made,
      rotate: async (successor) => {
        ciphertext = ciphertextOf(successor);
      },
      deny: async () => server.on(DECRYPT, errors(403, 'permission denied')),
      stop: async () => server[Symbol.asyncDispose](),
      cleanUp: async () => {
        await made.close?.();
        await server[Symbol.asyncDispose]();
      },
    };
  },
  { describe, it, expect },
);

describe('the options of the transit engine', () => {
  it.each<[object, RegExp]>([
    [{ keyName: undefined }, /`keyName` must be a non-empty string/],
    [{ keyName: 'a/b' }, /`keyName` must be a name, not a path/],
    [{ keyName: '..' }, /`keyName` must be a path whose parts/],
    [{ keyname: 'gold' }, /fromVaultTransit has no option `keyname`; did you mean `keyName`\?/],
    [{ ciphertext: 5 }, /`ciphertext` must be a string or a function that returns one, got 5/],
    [{ encryptionContext: { a: 1 } }, /`encryptionContext.a` must be a string/],
    [{ mount: 'a//b' }, /`mount` must be a path/],
    [{ address: 'http://vault.example:8200' }, /`http:` only to loopback/],
  ])('%j is refused at once', (more, message) => {
    expect(() => provider(more)).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) }),
    );
  });

  it('a cipher must be told its context, be it an empty one', () => {
    expect(() => cipher({ encryptionContext: undefined })).toThrowError(/needs an explicit `\{\}`/);
    expect(cipher({ encryptionContext: {} }).encryptionContext).toEqual({});
  });
});

describe('fromVaultTransit', () => {
  it('sends the ciphertext, and the context as canonical JSON whatever its order', async () => {
    const ciphertext = ciphertextOf(KEY, BOUND);
    const loaded = await load(provider({ ciphertext: `  ${ciphertext}\n` }));

    expect(text(loaded)).toBe(KEY);
    expect(loaded).toMatchObject({ version: expect.stringMatching(/^c-[0-9a-f]{8}$/) });
    expect(vault.seen).toMatchObject([
      { request: `POST ${DECRYPT}`, body: { ciphertext, associated_data: BOUND }, headers: { 'x-vault-token': TOKEN } },
    ]);
  });

  it('sends no associated data without a context, so that what Vault’s command line made opens', async () => {
    expect(text(await load(provider({ ciphertext: ciphertextOf(KEY), encryptionContext: undefined })))).toBe(KEY);
    expect(vault.seen[0]?.body).not.toHaveProperty('associated_data');
  });

  it('keeps names that are numbers, quotes and a `__proto__` apart', async () => {
    const context = JSON.parse('{"b":"\\"","10":"x","2":"y","__proto__":"z"}') as Record<string, string>;
    await cipher({ encryptionContext: context }).encrypt(KEY);

    const bound = (vault.seen[0]?.body as Body | undefined)?.associated_data ?? '';
    expect(Buffer.from(bound, 'base64').toString()).toBe('{"10":"x","2":"y","__proto__":"z","b":"\\""}');
  });

  it('decrypts again what is known: a permission may have been withdrawn', async () => {
    const from = provider();
    const first = (await load(from)) as { version: string };
    const again = await from.load(request(pauseless, { known: [first.version] }));

    expect(text(again)).toBe(KEY);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['nothing', undefined, 'KeyNotFoundError', /that variable may be unset/],
    ['an empty text', ' \n', 'KeyFormatError', /is empty/],
    ['the key itself', KEY, 'KeyFormatError', /must start with `vault:v`, .* a plaintext key does not belong there/],
    ['a number', () => 5, 'KeyFormatError', /got 5/],
    ['no version', 'vault:vx:AAAA', 'KeyFormatError', /must be `vault:v<number>:` and complete base64/],
    ['no body', 'vault:v1', 'KeyFormatError', /must be `vault:v<number>:` and complete base64/],
    ['too short a body', 'vault:v1:AAAA', 'KeyFormatError', /cut short/],
    ['a body that is no base64', `vault:v1:${'*'.repeat(60)}`, 'KeyFormatError', /cut short/],
    ['5 MB', `vault:v1:${'A'.repeat(5_000_000)}`, 'KeyFormatError', /has 5000009 characters/],
  ])('a ciphertext that is %s is refused before any request', async (_, given, name, message) => {
    const ciphertext = (typeof given === 'function' ? given : () => given) as () => string;
    const error = await failure(load(provider({ ciphertext })));

    expect(error).toMatchObject({ name, retryable: false, provider: 'vault-transit' });
    expect(String(error)).toMatch(message);
    expect(vault.requests).toEqual([]);
    assertNoSecret(error, KEY);
  });

  it('a ciphertext function that fails says nothing about the key', async () => {
    const ciphertext = (): Promise<string> => Promise.reject(new Error('no configuration'));

    expect(await failure(load(provider({ ciphertext })))).toMatchObject({
      name: 'KeyProviderError',
      retryable: true,
      message: expect.stringContaining('`ciphertext` function failed'),
    });
  });
});

describe('what Vault said of the ciphertext', () => {
  const [missing, denied, decrypt, provided] = [
    'KeyNotFoundError ERR_GOLDKEY_NOT_FOUND final',
    'KeyAccessDeniedError ERR_GOLDKEY_ACCESS_DENIED final',
    'KeyDecryptError ERR_GOLDKEY_DECRYPT final',
    'KeyProviderError ERR_GOLDKEY_PROVIDER retryable',
  ];

  it.each<[string, Reply, string, RegExp]>([
    [
      '400, authentication failed',
      errors(400, `failed ${KEY}`),
      decrypt,
      /another EncryptionContext \(the keys of this one are: `service`/,
    ],
    [
      '400, no such key',
      errors(400, 'encryption key not found'),
      decrypt,
      /`transit\/gold`: .* or there is no such key/,
    ],
    ['400 of something else', { status: 400, body: { message: KEY } }, provided, /is not from Vault's transit engine/],
    ['403', errors(403, 'permission denied'), denied, /its policies allow `update` on `transit\/decrypt\/gold`/],
    [
      '404, no such mount',
      errors(404, 'no handler for route'),
      missing,
      /Vault has no transit engine for `transit\/gold`/,
    ],
    ['404 of a proxy', { status: 404, body: { message: KEY } }, provided, /is not from Vault's transit engine/],
    ['200 without a plaintext', { status: 200, body: { data: {} } }, provided, /is not from Vault's transit engine/],
    [
      '200 and no base64',
      { status: 200, body: { data: { plaintext: '*' } } },
      provided,
      /is not from Vault's transit engine/,
    ],
    ['429', errors(429, 'quota'), provided, /a rate limit is used up/],
    ['500', errors(500), provided, /the server failed/],
    ['503, sealed', errors(503, 'Vault is sealed'), provided, /it is sealed/],
    ['a cut connection', resetConnection, provided, /cut the connection/],
  ])('%s', async (_, reply, expected, message) => {
    vault.on(DECRYPT, reply);
    const error = (await failure(load(provider()))) as Error & Record<string, unknown>;

    expect(`${error.name} ${String(error['code'])} ${error['retryable'] === true ? 'retryable' : 'final'}`).toBe(
      expected,
    );
    expect(error.message).toMatch(message);
    for (const hidden of [KEY, TOKEN, 'gold-data-stream']) assertNoSecret(error, hidden);
  });

  it('a fault that passes is tried again', async () => {
    const ciphertext = ciphertextOf(KEY);
    const plaintext = Buffer.from(KEY).toString('base64');
    vault.on(DECRYPT, errors(503, 'Vault is sealed'), resetConnection, { status: 200, body: { data: { plaintext } } });

    expect(text(await load(provider({ ciphertext, encryptionContext: undefined })))).toBe(KEY);
    expect(vault.requests).toHaveLength(3);
  });
});

describe('transitCipher', () => {
  it('encrypts, and decrypts what it encrypted into bytes of their own', async () => {
    const { encrypt, decrypt, name } = cipher();
    const made = await encrypt(KEY, { bind: { 'goldkey:ring': 'gold' } });
    const bytes = await decrypt(made.ciphertext, { bind: { 'goldkey:ring': 'gold' } });

    expect(name).toBe('vault-transit');
    expect(made).toMatchObject({
      ciphertext: expect.stringMatching(/^vault:v1:/),
      keyId: 'transit/gold',
      encryptionContext: { ...CONTEXT, 'goldkey:ring': 'gold' },
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
    expect(Buffer.from(bytes).toString()).toBe(KEY);
    expect(bytes.buffer.byteLength).toBe(KEY.length);
    expect(await decrypt(Buffer.from(made.ciphertext), { bind: { 'goldkey:ring': 'gold' } })).toEqual(bytes);
    assertNoSecret(made, KEY);
  });

  it('what is bound to one ring does not open as another’s', async () => {
    const { encrypt, decrypt } = cipher();
    const { ciphertext } = await encrypt(KEY, { bind: { 'goldkey:ring': 'gold' } });

    const error = await failure(decrypt(ciphertext, { bind: { 'goldkey:ring': 'silver' } }));
    expect(error).toMatchObject({ name: 'KeyDecryptError', retryable: false });
    expect(await failure(cipher().encrypt(KEY, { bind: { service: 'another' } }))).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('accepts its own key and context alone', () => {
    const { accepts } = cipher({ mount: '/team/transit/' });
    const own = { cipher: 'vault-transit', keyId: 'team/transit/gold', encryptionContext: CONTEXT };

    expect(accepts({ ...own, encryptionContext: { ...CONTEXT, 'goldkey:ring': 'gold' } })).toBe(true);
    for (const other of [
      { ...own, cipher: 'aws-kms' },
      { ...own, keyId: 'transit/gold' },
      { ...own, encryptionContext: {} },
    ]) {
      expect(accepts(other)).toBe(false);
    }
  });

  it.each(['', 'x'.repeat(4_097)])(
    'a key of %# bytes that no store takes is refused without a request',
    async (key) => {
      expect(await failure(cipher().encrypt(key))).toMatchObject({ name: 'KeyFormatError' });
      expect(vault.requests).toEqual([]);
    },
  );

  it.each<[string, Reply, boolean, RegExp]>([
    [
      'refuses',
      errors(400, 'encryption key not found'),
      false,
      /could not encrypt under the transit key `transit\/gold`/,
    ],
    ['answers without a ciphertext', { status: 200, body: { data: {} } }, true, /is not from Vault's transit engine/],
    [
      'answers with the key',
      { status: 200, body: { data: { ciphertext: KEY } } },
      true,
      /is not from Vault's transit engine/,
    ],
  ])('is an error when Vault %s', async (_, reply, retryable, message) => {
    vault.on(ENCRYPT, reply);
    const error = await failure(cipher().encrypt(KEY));

    expect(error).toMatchObject({ name: 'KeyProviderError', retryable, message: expect.stringMatching(message) });
    for (const hidden of [KEY, TOKEN]) assertNoSecret(error, hidden);
  });

  it('ends with its caller', async () => {
    const reason = new Error('gone');
    const call = { signal: AbortSignal.abort(reason) };

    expect(await failure(cipher().encrypt(KEY, call))).toBe(reason);
    expect(await failure(cipher().decrypt(ciphertextOf(KEY), call))).toBe(reason);
  });
});
