import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { plainSigner, plainVerifier, SignatureError, type PlainVerifierOptions } from '../../src/hmac/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { KEY, NEXT, refusal, URL_OF_ORDERS } from './scene.js';

const BODY = '{"metal":"XAU"}';

function scene(options?: PlainVerifierOptions) {
  const clock = manualClock();
  const store = memoryKeyProvider({ current: KEY });
  const client = new KeyedClient({ keyProvider: store, clock, ttlJitter: 0 });
  const verifier = plainVerifier(client, options);
  const sign = async (more: object = {}) => {
    const request = { method: 'POST', url: URL_OF_ORDERS, body: BODY, ...more };
    return { ...request, headers: { ...(await plainSigner(client).sign(request)) } as Record<string, string> };
  };
  return { clock, store, client, verifier, sign };
}

describe('a plain signature', () => {
  it('is the hexadecimal HMAC of method, path, digest of the body, time and nonce', async () => {
    const { sign, verifier, clock } = scene();
    const request = await sign();
    const { 'x-timestamp': time = '', 'x-nonce': nonce = '', 'x-signature': signature } = request.headers;
    const digest = createHash('sha256').update(BODY).digest('hex');
    const message = `POST\n/orders?limit=10\n${digest}\n${time}\n${nonce}`;
    expect(signature).toBe(createHmac('sha256', KEY).update(message).digest('hex'));
    const timestamp = clock.now() / 1_000;
    expect(await verifier.verify(request)).toEqual({ timestamp, nonce, version: 'v1' });
    assertNoSecret(request, KEY);
  });

  it.each<[string, object]>([
    ['without a body', { method: 'GET', body: undefined }],
    ['with bytes', { body: Uint8Array.of(0, 255, 1) }],
    ['with a URL object', { url: new URL(URL_OF_ORDERS) }],
    ['without a path', { url: 'https://api.example' }],
  ])('holds %s', async (_what, more) => {
    const { sign, verifier } = scene();
    expect(await verifier.verify(await sign(more))).toMatchObject({ version: 'v1' });
  });

  it('is made with the digest of no bytes where there is no body', async () => {
    const { sign } = scene();
    const { headers } = await sign({ method: 'get', url: 'https://api.example', body: undefined });
    const digest = createHash('sha256').digest('hex');
    const message = `GET\n/\n${digest}\n${headers['x-timestamp'] ?? ''}\n${headers['x-nonce'] ?? ''}`;
    expect(headers['x-signature']).toBe(createHmac('sha256', KEY).update(message).digest('hex'));
  });

  it('holds by any live key', async () => {
    const { sign, verifier, store, client } = scene();
    const before = await sign();
    store.set('current', NEXT);
    store.set('previous', KEY);
    await client.reload();
    expect(await verifier.verify(before)).toMatchObject({ version: 'v3' });
    expect(await verifier.verify(await sign())).toMatchObject({ version: 'v2' });
  });

  it('is refused a second time, and five minutes after and before its time', async () => {
    const { sign, verifier, clock } = scene();
    const request = await sign();
    await verifier.verify(request);
    expect(await refusal(verifier.verify(request))).toBe('replayed');
    const other = await sign();
    clock.setWall(clock.now() + 301_000);
    expect(await refusal(verifier.verify(other))).toBe('expired');
    clock.setWall(clock.now() - 602_000);
    expect(await refusal(verifier.verify(other))).toBe('not-yet-valid');
  });

  it('is refused with any one byte changed, of whatever part', async () => {
    const { sign, verifier } = scene({ replay: false });
    const request = await sign();
    const { headers } = request;
    const parts: Record<string, readonly [string, (changed: string) => object]> = {
      method: ['POST', (changed) => ({ method: changed })],
      path: ['orders?limit=10', (changed) => ({ url: `https://api.example/${changed}` })],
      body: [BODY, (changed) => ({ body: changed })],
    };
    for (const [name, value] of Object.entries(headers))
      parts[name] = [value, (changed) => ({ headers: { ...headers, [name]: changed } })];
    for (const [name, [text, change]] of Object.entries(parts)) {
      for (let at = 0; at < text.length; at++) {
        for (const mask of [1, 2, 4, 32]) {
          const changed = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ mask)}${text.slice(at + 1)}`;
          const outcome = await refusal(verifier.verify({ ...request, ...change(changed) }));
          expect(outcome, `${name}: ${changed}`).toMatch(/^(malformed|mismatch|expired|not-yet-valid)$/);
        }
      }
    }
  });

  it.each(['/admin/../orders?limit=10', '/admin/%2e%2e/orders?limit=10', '/orders?limit=10#', '//orders?limit=10'])(
    'is refused with its path written as %s',
    async (target) => {
      const { sign, verifier } = scene();
      const changed = { ...(await sign()), url: `https://api.example${target}` };
      expect(await refusal(verifier.verify(changed))).toMatch(/^(mismatch|malformed)$/);
    },
  );

  it('is refused with a method that has two lines', async () => {
    const { sign, verifier } = scene();
    const request = await sign({ url: 'https://api.example/' });
    expect(await refusal(verifier.verify({ ...request, method: 'POST\n/' }))).toBe('malformed');
  });

  it('is refused when its headers say that it has a body, and none is given', async () => {
    const { sign, verifier } = scene();
    const request = await sign({ body: undefined });
    const headers = { ...request.headers, 'content-length': '2' };
    expect(await refusal(verifier.verify({ ...request, headers }))).toBe('digest');
    expect(await refusal(verifier.verify({ ...request, headers, body: '{}' }))).toBe('mismatch');
  });

  it.each<[string, object, string]>([
    ['without a signature', { 'x-signature': undefined }, 'missing'],
    ['without a time', { 'x-timestamp': undefined }, 'missing'],
    ['without a nonce', { 'x-nonce': undefined }, 'missing'],
    ['with two signatures', { 'x-signature': ['a', 'b'] }, 'malformed'],
    ['with a signature in capitals', { 'x-signature': 'A'.repeat(64) }, 'malformed'],
    ['with a time in another form', { 'x-timestamp': '1.7e9' }, 'malformed'],
    ['with a nonce of two lines', { 'x-nonce': 'aaaaaaaaaaaaaaaa\nb' }, 'malformed'],
    ['with a short nonce', { 'x-nonce': 'a' }, 'malformed'],
    ['of another key', { 'x-signature': 'a'.repeat(64) }, 'mismatch'],
  ])('is refused %s', async (_what, change, reason) => {
    const { sign, verifier } = scene();
    const request = await sign();
    const outcome = await verifier
      .verify({ ...request, headers: { ...request.headers, ...change } })
      .catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(SignatureError);
    expect(outcome).toMatchObject({ reason });
    assertNoSecret(outcome, KEY);
  });

  it('costs the store one load, however much junk comes', async () => {
    const { sign, verifier, store, client } = scene();
    const request = await sign();
    await verifier.verify(request);
    const { loads } = store;
    const junk = { ...request, headers: { ...request.headers, 'x-signature': 'a'.repeat(64) } };
    for (let count = 0; count < 2_000; count++) await verifier.verify(junk).catch(() => undefined);
    expect(store.loads).toBe(loads);
    expect(client.status().counts).toMatchObject({ rejections: 0, repairs: 0 });
  });

  it('is not verified with an option of the wrong name or type', () => {
    const { client } = scene();
    for (const options of [{ required: [] }, { window: 'a' }, { replay: true }])
      expect(() => plainVerifier(client, options as never)).toThrow(/required|window|replay/);
    expect(() => plainSigner({} as never)).toThrow(/client/);
  });
});
