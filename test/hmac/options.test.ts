import { describe, expect, it } from 'vitest';
import { hmacSigner, hmacVerifier, plainVerifier, webhookSigner, webhookVerifier } from '../../src/hmac/index.js';
import { KEY, scene, URL_OF_ORDERS } from './scene.js';

const { client } = scene();

const COMPONENT = (which: string): string =>
  `\`${which}\` must be the name of a header in lower case, or one of @method, @target-uri, @authority, @scheme, @request-target, @path, @query.`;
const LABEL = '`label` must be at most 64 of a-z, 0-9, `_`, `-`, `.` and `*`, and begin with a letter or `*`.';
const PARAMETER = (name: string): string => `\`${name}\` must be printable ASCII of at most 256 characters.`;

describe('the options', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a client that is none', () => hmacSigner({} as never), /`client` must be a KeyedClient/],
    [
      'a verifier of none',
      () => hmacVerifier(KEY as never),
      /`client` must be a KeyedClient, got a value of type string/,
    ],
    ['a webhook signer of none', () => webhookSigner(undefined as never), /`client`/],
    ['a webhook verifier of none', () => webhookVerifier(undefined as never), /`client`/],
    ['no components', () => hmacSigner(client, { components: [] }), /`components` must be a list/],
    ['a component that is not derived', () => hmacSigner(client, { components: ['@status'] }), /`components\[0\]`/],
    ['a header in upper case', () => hmacSigner(client, { components: ['@method', 'Date'] }), /`components\[1\]`/],
    ['the signature as a component', () => hmacSigner(client, { components: ['signature'] }), /`components\[0\]`/],
    ['a component twice', () => hmacSigner(client, { components: ['date', 'date'] }), /lists a component twice/],
    ['a life under a second', () => hmacSigner(client, { expiresIn: 999 }), /`expiresIn`/],
    ['a life over a day', () => hmacSigner(client, { expiresIn: 86_400_001 }), /`expiresIn`/],
    ['a label in upper case', () => hmacSigner(client, { label: 'Gold' }), /`label`/],
    ['a tag with a line break', () => hmacSigner(client, { tag: 'a\nb' }), /`tag`/],
    ['a name of a key that is no text', () => hmacSigner(client, { keyId: 1 as never }), /`keyId`/],
    ['an unknown option', () => hmacSigner(client, { window: 1 } as never), /hmacSigner has no option `window`/],
    ['a window under a second', () => hmacVerifier(client, { window: 999 }), /`window`/],
    ['a store without `add`', () => hmacVerifier(client, { replay: {} as never }), /`replay` must be a store/],
    ['an unknown option of a verifier', () => hmacVerifier(client, { tags: 1 } as never), /has no option `tags`/],
    ['an unknown option of a webhook verifier', () => webhookVerifier(client, { label: 1 } as never), /has no option/],
  ])('refuse %s', (_what, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each<[string, () => unknown, string]>([
    [
      'components that are no list',
      () => hmacSigner(client, { components: 'date' as never }),
      '`components` must be a list of components, got a value of type string.',
    ],
    [
      'no components',
      () => hmacVerifier(client, { required: [] }),
      '`required` must be a list of components, got an array.',
    ],
    ['a component that is no text', () => hmacSigner(client, { components: [1 as never] }), COMPONENT('components[0]')],
    [
      'the input of the signature',
      () => hmacSigner(client, { components: ['signature-input'] }),
      COMPONENT('components[0]'),
    ],
    [
      'a header of 129 characters',
      () => hmacSigner(client, { components: ['h'.repeat(129)] }),
      COMPONENT('components[0]'),
    ],
    ['a header with a space', () => hmacSigner(client, { components: [' date'] }), COMPONENT('components[0]')],
    ['an empty component', () => hmacVerifier(client, { required: ['date', ''] }), COMPONENT('required[1]')],
    [
      'a component twice',
      () => hmacVerifier(client, { required: ['date', 'date'] }),
      '`required` lists a component twice.',
    ],
    [
      'a label that is no text',
      () => hmacSigner(client, { label: 1 as never }),
      '`label` must be a non-empty string, got',
    ],
    ['a label of 65 characters', () => hmacSigner(client, { label: 'l'.repeat(65) }), LABEL],
    ['a label that begins with a digit', () => hmacVerifier(client, { label: '1a' }), LABEL],
    ['a label with a space at its end', () => hmacVerifier(client, { label: 'a ' }), LABEL],
    ['a label with a space before it', () => hmacVerifier(client, { label: ' a' }), LABEL],
    ['a tag of 257 characters', () => hmacSigner(client, { tag: 't'.repeat(257) }), PARAMETER('tag')],
    ['a tag that is not ASCII', () => hmacVerifier(client, { tag: 'über' }), PARAMETER('tag')],
    ['a name of a key with a DEL', () => hmacSigner(client, { keyId: '\u007f' }), PARAMETER('keyId')],
    [
      'a window over a day',
      () => plainVerifier(client, { window: 86_400_001 }),
      '`window` must be an integer from 1000 to 86400000, got 86400001.',
    ],
    [
      'a memory that is none',
      () => webhookVerifier(client, { replay: null as never }),
      '`replay` must be a store with `add`, or false, got null.',
    ],
    [
      'an option of a plain verifier',
      () => plainVerifier(client, { tag: 'a' } as never),
      'plainVerifier has no option `tag`',
    ],
    [
      'an option of a webhook verifier',
      () => webhookVerifier(client, { tag: 'a' } as never),
      'webhookVerifier has no option `tag`',
    ],
    [
      'an option of a verifier',
      () => hmacVerifier(client, { keyId: 'a' } as never),
      'hmacVerifier has no option `keyId`',
    ],
  ])('say what is wrong with %s', (_what, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(make).toThrow(message);
  });

  it('take values at their limits, and every part of a request as a component', () => {
    const derived = ['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query'];
    const components = [...derived, 'signature-inputs', 'x-signature', 'h'.repeat(128), "0!#$%&'*+.^_`|~-"];
    const text = `${' '.repeat(255)}~`;
    const make = (): unknown[] => [
      hmacSigner(client, { components, expiresIn: 1_000, label: `*${'a0_.*-'.repeat(10)}abc`, tag: text, keyId: text }),
      hmacSigner(client, { expiresIn: 86_400_000, label: 'z', tag: ' ' }),
      hmacVerifier(client, { required: components, window: 1_000, label: `z${'9'.repeat(63)}`, tag: text }),
      hmacVerifier(client, { window: 86_400_000 }),
      plainVerifier(client, { window: 1_000, replay: false }),
      webhookVerifier(client, { window: 1_000, replay: false }),
    ];
    expect(make).not.toThrow();
  });

  it('are copied: a list that is changed later changes nothing', async () => {
    const components = ['@method', '@target-uri'];
    const { sign, verify } = scene({ signer: { components } });
    components[0] = 'x-later';
    expect(await verify(await sign())).toMatchObject({ components: ['@method', '@target-uri', 'content-digest'] });
  });

  it.each<[string, object, RegExp]>([
    ['a method', { method: undefined }, /`method` must be a non-empty string, got undefined/],
    ['a method that is not empty', { method: '' }, /`method` must be a non-empty string, got ''/],
    ['a whole URL', { url: '/orders' }, /`url` must be a whole URL/],
    ['a URL with a host', { url: 'data:,x' }, /`url` must be a whole URL/],
    ['headers', { headers: null }, /`headers` must be a Headers or an object, got null/],
    ['headers with names, not a raw list', { headers: ['Host', 'api.example'] }, /`headers` .* got an array/],
    ['headers with names, not bytes', { headers: Uint8Array.of(1) }, /`headers` must be a Headers or an object/],
    ['texts as values of headers', { headers: { a: Object.create(null) as object } }, /`headers` .* as a value/],
    ['lists of texts as values of headers', { headers: { a: [['b']] } }, /`headers` .* got an array as a value/],
    ['headers that are no functions', { headers: { entries: () => [] } }, /type function as a value/],
    ['the body as it came', { body: { metal: 'XAU' } }, /`body` must be the bytes or the text that was sent/],
  ])('of a request ask for %s', async (_what, more, message) => {
    const request = { method: 'GET', url: URL_OF_ORDERS, ...more } as never;
    for (const use of [() => hmacSigner(client).sign(request), () => hmacVerifier(client).verify(request)])
      await expect(use()).rejects.toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringMatching(message) as string,
      });
  });

  it('of a request to sign say how a backslash in its query is written', async () => {
    const sign = (query: string) => hmacSigner(client).sign({ method: 'GET', url: `${URL_OF_ORDERS}?${query}` });
    await expect(sign(String.raw`path=a\b`)).rejects.toMatchObject({
      message: expect.stringContaining('write a backslash in its query as `%5C`') as string,
    });
    await expect(sign('path=a%5Cb')).resolves.toBeDefined();
  });
});
