import { describe, expect, it } from 'vitest';
import { hmacSigner, hmacVerifier, webhookSigner, webhookVerifier } from '../../src/hmac/index.js';
import { KEY, scene, URL_OF_ORDERS } from './scene.js';

const { client } = scene();

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
});
