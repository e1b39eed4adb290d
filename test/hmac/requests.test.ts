import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedClient, isGoldKeyError } from '../../src/index.js';
import { hmacSigner, hmacVerifier, SignatureError, type HmacRequest } from '../../src/hmac/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { KEY, NEXT, refusal, scene, URL_OF_ORDERS } from './scene.js';

const COVERS_TENANT = { components: ['@method', '@authority', '@path', '@query', 'x-tenant'] };
/** Each 17th value of a byte is tried, other ones at each place; test/integration/hmac-junk.test.ts tries all. */
const STEP = 17;
const REASONS = /^(malformed|missing|mismatch|digest|expired|not-yet-valid|unknown-key)$/;

describe('a signed request', () => {
  it('holds: the verifier tells its key, version, time, nonce and what is signed', async () => {
    const { sign, verify, clock } = scene();
    const request = await sign();
    const verified = await verify(request);
    expect(verified).toEqual({
      keyId: 'v1',
      version: 'v1',
      created: Math.floor(clock.now() / 1_000),
      nonce: expect.stringMatching(/^[\w-]{24}$/) as string,
      components: ['@method', '@authority', '@path', '@query', 'content-digest'],
    });
    assertNoSecret([request, verified], KEY);
  });

  it.each<[string, Parameters<ReturnType<typeof scene>['sign']>[0]]>([
    ['without a body', { method: 'GET', body: undefined }],
    ['with bytes as its body', { body: Uint8Array.of(0, 255, 1) }],
    ['with a URL object', { url: new URL(URL_OF_ORDERS) }],
    ['without a query', { url: 'https://api.example/' }],
    ['with a port', { url: 'http://api.example:8080/a%20b?c=%C3%A9' }],
  ])('holds %s', async (_what, more) => {
    const { sign, verify } = scene();
    expect(await verify(await sign(more))).toMatchObject({ version: 'v1' });
  });

  it('holds with its headers in any form: a Headers, a Map, pairs, other letter case, lists', async () => {
    const { sign, verify } = scene({ verifier: { replay: false } });
    const { headers, ...request } = await sign();
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]));
    const pairs = Object.entries(headers);
    const forms = [new Headers(headers), new Map(pairs), pairs, upper, { ...headers, absent: null, none: undefined }];
    for (const form of forms)
      expect(await verify({ ...request, headers: form as never })).toMatchObject({ version: 'v1' });
  });

  it('signs the headers that it is told to', async () => {
    const { sign, verify } = scene({ signer: { components: ['@method', '@target-uri', 'x-tenant'] } });
    const request = await sign({ headers: { 'x-tenant': 'acme' } });
    expect(await verify(request)).toMatchObject({
      components: ['@method', '@target-uri', 'x-tenant', 'content-digest'],
    });
    const other = await sign({ headers: { 'x-tenant': 'acme' } });
    expect(await refusal(verify({ ...other, headers: { ...other.headers, 'x-tenant': 'other' } }))).toBe('mismatch');
    await expect(sign()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'The request has no header `x-tenant`, which `components` lists.',
    });
  });

  it('signs the digest of no body where it is told to, and never the one that it is given', async () => {
    const components = ['@method', '@target-uri', 'content-digest'];
    const { sign, verify } = scene({ signer: { components }, verifier: { replay: false } });
    const given = { 'content-digest': 'sha-256=:AAAA:' };
    const bare = await sign({ method: 'GET', body: undefined, headers: given });
    const whole = await sign({ headers: given });
    expect(bare.headers['content-digest']).toBe('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:');
    expect(await verify(bare)).toMatchObject({ components });
    expect(await verify(await sign({ method: 'GET', body: undefined }))).toMatchObject({ components });
    expect(await verify(whole)).toMatchObject({ components });
    expect('content-digest' in (await scene().sign({ body: undefined })).headers).toBe(false);
  });

  it('replaces the signature of a request that has one, and holds for as long as it is told to', async () => {
    const { sign, clock } = scene({ signer: { tag: 'orders', keyId: 'mine', expiresIn: 90_000 } });
    const again = await sign({ headers: { signature: 'goldkey=:AAAA:', 'signature-input': 'goldkey=()', a: 'b' } });
    const seconds = clock.now() / 1_000;
    const parts = '"@method" "@authority" "@path" "@query" "content-digest"';
    expect(again.headers['signature-input']?.replace(/nonce="[\w-]{24}"/, 'nonce=""')).toBe(
      `goldkey=(${parts});created=${String(seconds)};expires=${String(seconds + 90)};nonce="";keyid="mine";alg="hmac-sha256";tag="orders"`,
    );
    expect(again.headers['signature']).toMatch(/^goldkey=:[\w+/]{43}=:$/);
  });

  it.each(['constructor', '__proto__'])('signs a header named %s where it is there, and no other', async (name) => {
    const components = ['@method', '@target-uri', name];
    const { sign, verify } = scene({ signer: { components } });
    const request = await sign({ headers: Object.fromEntries([[name, 'acme']]) });
    expect(await verify(request)).toMatchObject({ components: [...components, 'content-digest'] });
    await expect(sign()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });

  it.each<[string, object, string]>([
    ['method', { method: 'PUT' }, 'mismatch'],
    ['host', { url: 'https://other.example/orders?limit=10' }, 'mismatch'],
    ['path', { url: 'https://api.example/admin?limit=10' }, 'mismatch'],
    ['query', { url: 'https://api.example/orders?limit=11' }, 'mismatch'],
    ['body', { body: '{"metal":"XAG"}' }, 'digest'],
    ['body, which is gone', { body: undefined }, 'digest'],
  ])('is refused with another %s', async (_what, change, reason) => {
    const { sign, verify } = scene();
    expect(await refusal(verify({ ...(await sign()), ...change }))).toBe(reason);
  });

  it('is refused with its digest made to fit another body', async () => {
    const { sign, verify } = scene();
    const [one, two] = [await sign(), await sign({ body: 'another' })];
    const headers = { ...one.headers, 'content-digest': two.headers['content-digest'] ?? '' };
    expect(await refusal(verify({ ...one, headers, body: 'another' }))).toBe('mismatch');
  });

  it('is refused with any one byte changed to any other: of its method, URL, headers or body', async () => {
    const { sign, verify } = scene({ signer: COVERS_TENANT, verifier: { replay: false } });
    const request = await sign({ url: 'https://h.io/o?n=1', body: '{}', headers: { 'x-tenant': 'ac' } });
    const { method, url, headers, body } = request;
    const parts: Record<string, readonly [string, (changed: string) => HmacRequest]> = {
      method: [method, (changed) => ({ ...request, method: changed })],
      body: [String(body), (changed) => ({ ...request, body: changed })],
      // The scheme is the proxy's, and a host may be written in capitals.
      url: [String(url).slice(12), (changed) => ({ ...request, url: `https://h.io${changed}` })],
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          [value, (changed: string) => ({ ...request, headers: { ...headers, [name]: changed } })] as const,
        ]),
      ),
    };
    const accepted: string[] = [];
    let count = 0;
    for (const [name, [text, change]] of Object.entries(parts)) {
      for (let at = 0; at < text.length; at++) {
        for (let other = at % STEP; other < 256; other += STEP) {
          if (other === text.charCodeAt(at)) continue;
          const changed = `${text.slice(0, at)}${String.fromCharCode(other)}${text.slice(at + 1)}`;
          const outcome = await refusal(verify(change(changed)));
          if (!REASONS.test(String(outcome))) accepted.push(`${name} at ${String(at)}: ${changed}: ${String(outcome)}`);
          count++;
        }
      }
    }
    expect(accepted).toEqual([]);
    expect(count).toBeGreaterThan(4_000);
  });

  it.each([
    '/admin/../orders?limit=10',
    '/admin/%2e%2e/orders?limit=10',
    '/admin/.%2E/orders?limit=10',
    '/./orders?limit=10',
    '/orders?limit=1\t0',
    '\\orders?limit=10',
    '/orders?limit=10#',
    '//orders?limit=10',
    '/%6frders?limit=10',
  ])('is refused with its path written as %j, which a server may take for another', async (target) => {
    for (const components of [undefined, ['@method', '@target-uri'], ['@method', '@authority', '@request-target']]) {
      const signed = scene({ signer: { components }, verifier: { required: components, replay: false } });
      const request = await signed.sign();
      expect(await refusal(signed.verify(request))).toBe('accepted');
      const changed = { ...request, url: `https://api.example${target}` };
      expect(await refusal(signed.verify(changed))).toMatch(/^(mismatch|malformed)$/);
    }
  });

  it.each([
    'https://evil@api.example',
    'https://api.exampl%65',
    'https:/api.example',
    'https:\\\\api.example',
    'https://a b',
  ])('is refused from the origin %s, which only a URL object reads', async (origin) => {
    const { sign, verify } = scene();
    const changed = { ...(await sign()), url: `${origin}/orders?limit=10` };
    const outcome: unknown = await verify(changed).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: expect.stringMatching(/SIGNATURE|INVALID_ARG_VALUE/) as string });
  });

  it('holds with its host in capitals and the port of its protocol, and with what a URL object would write otherwise', async () => {
    const { sign, verify } = scene({ signer: { components: ['@method', '@target-uri'] }, verifier: { replay: false } });
    expect(await verify({ ...(await sign()), url: 'HTTPS://API.example:443/orders?limit=10' })).toBeDefined();
    expect(await verify({ ...(await sign({ url: `${URL_OF_ORDERS}#part` })), url: URL_OF_ORDERS })).toBeDefined();
    const quoted = await sign({ url: "https://api.example/o?q='" });
    expect(await refusal(verify(quoted))).toBe('mismatch');
    const byParts = scene();
    expect(await refusal(byParts.verify(await byParts.sign({ url: "https://api.example/o?q='" })))).toBe('mismatch');
    expect(await verify({ ...quoted, url: 'https://api.example/o?q=%27' })).toBeDefined();
  });

  it.each([
    ['content-length', '15'],
    ['transfer-encoding', 'chunked'],
  ])('is refused when %s says that it has a body, and none is given', async (name, value) => {
    const { sign, verify } = scene({ verifier: { replay: false } });
    const request = await sign({ body: undefined, headers: { [name]: value } });
    expect(await refusal(verify(request))).toBe('digest');
    expect(await refusal(verify({ ...request, body: '' }))).toBe('accepted');
    expect(await refusal(verify({ ...request, headers: { ...request.headers, [name]: '0' } }))).toBe(
      name === 'content-length' ? 'accepted' : 'digest',
    );
  });

  it('by another key is a mismatch, whatever its body is: only of genuine ones more is told', async () => {
    const { sign, verify } = scene({ signer: { components: ['@method'] } });
    const request = await sign();
    const forged = { ...request.headers, signature: `goldkey=:${Buffer.alloc(32).toString('base64')}:` };
    expect(await refusal(verify({ ...request, headers: forged, body: 'another' }))).toBe('mismatch');
  });

  it('is refused a second time, and forgotten only when its time alone refuses it', async () => {
    const { sign, verify, clock } = scene();
    const request = await sign();
    await verify(request);
    expect(await refusal(verify(request))).toBe('replayed');
    await clock.advance(299_000);
    expect(await refusal(verify(request))).toBe('replayed');
    await clock.advance(2_000);
    expect(await refusal(verify(request))).toBe('expired');
  });

  it('is refused more than five minutes after, and before, its time', async () => {
    const { sign, verify, clock } = scene({ signer: { expiresIn: 3_600_000 }, verifier: { replay: false } });
    const request = await sign();
    clock.setWall(clock.now() + 300_000);
    expect(await refusal(verify(request))).toBe('accepted');
    clock.setWall(clock.now() + 1_000);
    expect(await refusal(verify(request))).toBe('expired');
    clock.setWall(clock.now() - 602_000);
    expect(await refusal(verify(request))).toBe('not-yet-valid');
  });

  it('is refused once it has expired, though it is new', async () => {
    const { sign, verify, clock } = scene({ signer: { expiresIn: 10_000 } });
    const request = await sign();
    await clock.advance(10_000);
    expect(await refusal(verify(request))).toBe('expired');
  });

  it('is refused where it covers too little', async () => {
    const { sign, verify } = scene({ signer: { components: ['@method'] } });
    expect(await refusal(verify(await sign()))).toBe('uncovered');
    const whole = scene({ signer: { components: ['@method', '@target-uri'] } });
    expect(await refusal(whole.verify(await whole.sign()))).toBe('accepted');
    const required = ['@method', '@scheme', '@authority', '@path', '@query'];
    const parts = scene({ signer: { components: ['@method', '@target-uri'] }, verifier: { required } });
    expect(await refusal(parts.verify(await parts.sign()))).toBe('accepted');
    const more = scene({ verifier: { required: ['@method', 'authorization'] } });
    expect(await refusal(more.verify(await more.sign()))).toBe('uncovered');
  });

  it('is refused with a body that was added to it', async () => {
    const { sign, verify } = scene();
    expect(await refusal(verify({ ...(await sign({ body: undefined })), body: 'added' }))).toBe('uncovered');
  });

  it('is refused for another use than it was made for', async () => {
    const { sign, verify } = scene({ signer: { tag: 'orders' }, verifier: { tag: 'admin' } });
    expect(await refusal(verify(await sign()))).toBe('malformed');
    const same = scene({ signer: { tag: 'orders' }, verifier: { tag: 'orders' } });
    expect(await refusal(same.verify(await same.sign()))).toBe('accepted');
    const any = scene({ signer: { tag: 'orders' } });
    expect(await refusal(any.verify(await any.sign()))).toBe('accepted');
  });

  it('of another key is refused: known by its name as a mismatch, else as an unknown key', async () => {
    const { verify } = scene();
    const other = (keyId: string) =>
      hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: NEXT }), clock: manualClock() }), {
        keyId,
      });
    const request = { method: 'GET', url: URL_OF_ORDERS };
    const sign = async (keyId: string) => ({ ...request, headers: { ...(await other(keyId).sign(request)) } });
    expect(await refusal(verify((await sign('v1')) as never))).toBe('mismatch');
    expect(await refusal(verify((await sign('v9')) as never))).toBe('unknown-key');
  });
});

describe('a request is refused', () => {
  const INPUT = 'signature-input';

  it.each<[string, (headers: Record<string, string>) => Record<string, string | string[] | undefined>, string]>([
    ['without a signature', () => ({}), 'missing'],
    ['without its input', (headers) => ({ ...headers, [INPUT]: undefined }), 'missing'],
    ['without the signature itself', (headers) => ({ ...headers, signature: undefined }), 'missing'],
    [
      'with a signature under another label',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace('goldkey=', 'sig=') }),
      'missing',
    ],
    [
      'with our label twice',
      (headers) => ({ ...headers, [INPUT]: [headers[INPUT] ?? '', headers[INPUT] ?? ''] }),
      'malformed',
    ],
    [
      'with six labels',
      (headers) => ({ ...headers, [INPUT]: `a=(), b=(), c=(), d=(), e=(), ${headers[INPUT] ?? ''}` }),
      'malformed',
    ],
    [
      'with an input of 8,193 characters',
      (headers) => ({ ...headers, [INPUT]: `${headers[INPUT] ?? ''}${' '.repeat(8_192)}` }),
      'malformed',
    ],
    ['with text in place of the input', (headers) => ({ ...headers, [INPUT]: 'goldkey=hello' }), 'malformed'],
    ['with text in place of the signature', (headers) => ({ ...headers, signature: 'goldkey=hello' }), 'malformed'],
    ['with an empty signature', (headers) => ({ ...headers, signature: 'goldkey=::' }), 'mismatch'],
    ...[
      'none',
      'HMAC-SHA256',
      'hmac-sha1',
      'rsa-v1_5-sha256',
      'rsa-pss-sha512',
      'ecdsa-p256-sha256',
      'ed25519',
      '',
    ].map(
      (alg) =>
        [
          `of the algorithm "${alg}"`,
          (headers: Record<string, string>) => ({
            ...headers,
            [INPUT]: (headers[INPUT] ?? '').replace('hmac-sha256', alg),
          }),
          'malformed',
        ] as [string, (headers: Record<string, string>) => Record<string, string>, string],
    ),
    [
      'of a second algorithm',
      (headers) => ({ ...headers, [INPUT]: `${headers[INPUT] ?? ''};alg="ed25519"` }),
      'malformed',
    ],
    [
      'with our label twice, joined by a server',
      (headers) => ({ ...headers, [INPUT]: `${headers[INPUT] ?? ''}, ${headers[INPUT] ?? ''}` }),
      'malformed',
    ],
    [
      'with our signature twice',
      (headers) => ({ ...headers, signature: [headers['signature'] ?? '', headers['signature'] ?? ''] }),
      'malformed',
    ],
    [
      'with its digest twice, joined by a server',
      (headers) => ({
        ...headers,
        'content-digest': `${headers['content-digest'] ?? ''}, ${headers['content-digest'] ?? ''}`,
      }),
      'mismatch',
    ],
    [
      'without `alg`',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace(';alg="hmac-sha256"', '') }),
      'malformed',
    ],
    [
      'without `created`',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace(/;created=\d+/, '') }),
      'malformed',
    ],
    [
      'without `expires`',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace(/;expires=\d+/, '') }),
      'malformed',
    ],
    [
      'without `nonce`',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace(/;nonce="[^"]+"/, '') }),
      'malformed',
    ],
    [
      'without `keyid`',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace(/;keyid="[^"]+"/, '') }),
      'malformed',
    ],
    [
      'that covers a part twice',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace('"@method"', '"@method" "@method"') }),
      'malformed',
    ],
    [
      'that covers a part with a parameter',
      (headers) => ({ ...headers, [INPUT]: (headers[INPUT] ?? '').replace('"@method"', '"@method";req') }),
      'malformed',
    ],
    [
      'that covers a header which came twice',
      (headers) => ({ ...headers, 'content-digest': [headers['content-digest'] ?? '', 'sha-256=:AAAA:'] }),
      'malformed',
    ],
    [
      'that covers a header which is not there',
      (headers) => ({ ...headers, 'content-digest': undefined }),
      'malformed',
    ],
  ])('%s', async (_what, change, reason) => {
    const { sign, verify } = scene();
    const request = await sign();
    const outcome = await verify({ ...request, headers: change(request.headers) }).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(SignatureError);
    expect(isGoldKeyError(outcome, 'ERR_GOLDKEY_SIGNATURE')).toBe(true);
    expect(outcome).toMatchObject({ reason, retryable: false, name: 'SignatureError' });
    assertNoSecret(outcome, KEY);
  });

  it('whose other signature is good, as only ours counts; and one whose other signature is bad is not', async () => {
    const { sign, verify, clock } = scene({ verifier: { replay: false } });
    const good = await sign();
    const strange = hmacSigner(new KeyedClient({ keyProvider: memoryKeyProvider({ current: NEXT }), clock }), {
      label: 'other',
    });
    const bad = await strange.sign(good);
    const both = {
      'signature-input': `${bad['signature-input']}, ${good.headers[INPUT] ?? ''}`,
      signature: `${bad.signature}, ${good.headers['signature'] ?? ''}`,
    };
    expect(await refusal(verify({ ...good, headers: { ...good.headers, ...both } }))).toBe('accepted');
    const swapped = {
      'signature-input': `${bad['signature-input'].replace('other=', 'goldkey=')}, ${(good.headers[INPUT] ?? '').replace('goldkey=', 'other=')}`,
      signature: `${bad.signature.replace('other=', 'goldkey=')}, ${(good.headers['signature'] ?? '').replace('goldkey=', 'other=')}`,
    };
    expect(await refusal(verify({ ...good, headers: { ...good.headers, ...swapped } }))).toBe('mismatch');
  });

  it('whatever its headers say, and never with anything but a SignatureError', async () => {
    const { verify, sign } = scene();
    const request = await sign();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom('goldkey=', 'goldkey=("@method")', 'goldkey=();created=1')),
        fc.oneof(fc.string(), fc.constantFrom('goldkey=:AAAA:', 'goldkey=1')),
        async (input, signature) => {
          const headers = { ...request.headers, [INPUT]: input, signature };
          await expect(verify({ ...request, headers })).rejects.toBeInstanceOf(SignatureError);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the keys', () => {
  it('that are live verify: the current one, a canary’s and the previous one', async () => {
    const { sign, verify, store, client } = scene();
    const before = await sign();
    store.set('current', NEXT);
    store.set('previous', KEY);
    await client.reload();
    const after = await sign();
    expect(await verify(before)).toMatchObject({ keyId: 'v1' });
    expect(await verify(after)).toMatchObject({ keyId: 'v2' });
  });

  it('are asked of the store once, however much junk comes, and none is marked', async () => {
    const { sign, verify, store, client } = scene();
    const request = await sign();
    const junk = { ...request, headers: { ...request.headers, signature: 'goldkey=:AAAA:' } };
    await verify(request);
    const { loads } = store;
    for (let count = 0; count < 2_000; count++) await verify(junk).catch(() => undefined);
    expect(store.loads).toBe(loads);
    expect(client.status()).toMatchObject({ state: 'fresh', counts: { rejections: 0, repairs: 0 } });
  });

  it('that are missing are no fault of the signature', async () => {
    const { sign } = scene();
    const request = await sign();
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({}), clock: manualClock() });
    await expect(hmacVerifier(client).verify(request)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND' });
    const failing = memoryKeyProvider({});
    failing.failWith(() => new Error('of somebody else'));
    const down = new KeyedClient({ keyProvider: failing, clock: manualClock() });
    await expect(hmacVerifier(down).verify(request)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });
});
