import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  plainSigner,
  plainVerifier,
  webhookSigner,
  webhookVerifier,
  type HmacRequest,
  type SignatureError,
} from '../../src/hmac/index.js';
import { KEY, refusal, scene, URL_OF_ORDERS, type Scene } from './scene.js';

type Signed = HmacRequest & { headers: Record<string, string> };
type Change = (request: Signed) => HmacRequest;

const BODY = '{"metal":"XAU"}';
const NONCE = 'a-nonce-of-24-characters';

/** What a verifier says of a request or webhook that it refuses. */
async function explain(verified: Promise<unknown>): Promise<string> {
  return verified.then(
    () => 'accepted',
    (error: unknown) => (error as SignatureError).message,
  );
}

const withHeaders =
  (change: Record<string, string | string[] | undefined>): Change =>
  (request) => ({ ...request, headers: { ...request.headers, ...change } });
const withInput =
  (find: string | RegExp, replacement: string): Change =>
  (request) =>
    withHeaders({ 'signature-input': (request.headers['signature-input'] ?? '').replace(find, replacement) })(request);

/** The next letter of base64: where it is the last before one `=`, two of its bits stand for nothing. */
const nextLetter = (letter: string): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return letters[letters.indexOf(letter) + 1] ?? '';
};

/** The URL as a URL object has it, without what a signer refuses; another one where there is none. */
function tryUrl(url: string): string {
  if (!URL.canParse(url)) return URL_OF_ORDERS;
  return Object.assign(new URL(url), { username: '', password: '' }).href.replaceAll('\\', '');
}

/** A request that is signed by hand, with parameters that no signer of goldkey sends. */
function signByHand({ clock }: Scene, { nonce = NONCE, keyId = 'v1', alg = 'hmac-sha256', ends = 60 } = {}): Signed {
  const seconds = Math.floor(clock.now() / 1_000);
  const times = `created=${String(seconds)};expires=${String(seconds + ends)}`;
  const input = `("@method" "@authority" "@path" "@query");${times};nonce="${nonce}";keyid="${keyId}";alg="${alg}"`;
  const parts = '"@method": GET\n"@authority": api.example\n"@path": /orders\n"@query": ?limit=10\n';
  const mac = createHmac('sha256', KEY).update(`${parts}"@signature-params": ${input}`).digest('base64');
  const headers = { 'signature-input': `goldkey=${input}`, signature: `goldkey=:${mac}:` };
  return { method: 'GET', url: URL_OF_ORDERS, headers };
}

describe('a request whose signature does not hold is told what is wrong', () => {
  it.each<[string, Change, string]>([
    ['no input', withHeaders({ 'signature-input': undefined }), 'The request has no `signature-input` header.'],
    ['no signature', withHeaders({ signature: undefined }), 'The request has no `signature` header.'],
    ['another label', withInput('goldkey=', 'sig='), 'The `signature-input` header has no signature `goldkey`.'],
    [
      'a label that ends as ours does',
      withInput('goldkey=', 'my-goldkey='),
      'The `signature-input` header has no signature `goldkey`.',
    ],
    ['our label twice', withInput(/^.*$/, '$&, $&'), 'The `signature-input` header has `goldkey` twice.'],
    [
      'six labels',
      withInput('', 'a=(), b=(), c=(), d=(), e=(), '),
      'The `signature-input` header has more than 5 signatures.',
    ],
    ['a long input', withInput('', ' '.repeat(8_192)), 'The `signature-input` header has more than 8192 characters.'],
    ['text as its input', withHeaders({ 'signature-input': 'goldkey=hello' }), 'The signature has no `created`.'],
    ['text as its signature', withHeaders({ signature: 'goldkey=hello' }), 'The signature cannot be read.'],
    [
      'another base64 of the same bytes',
      ({ headers, ...request }) => ({
        ...request,
        headers: { ...headers, signature: (headers['signature'] ?? '').replace(/.(?==:$)/, nextLetter) },
      }),
      'The signature is not plain base64.',
    ],
    ['no `created`', withInput(/;created=\d+/, ''), 'The signature has no `created`.'],
    ['no `expires`', withInput(/;expires=\d+/, ''), 'The signature has no `expires`.'],
    ['no `nonce`', withInput(/;nonce="[^"]+"/, ''), 'The signature has no usable `nonce`.'],
    ['an empty `nonce`', withInput(/;nonce="[^"]+"/, ';nonce=""'), 'The signature has no usable `nonce`.'],
    ['a `nonce` that is no text', withInput(/;nonce="[^"]+"/, ';nonce=1'), 'The signature has no usable `nonce`.'],
    [
      'a `nonce` of 129 characters',
      withInput(/;nonce="[^"]+"/, `;nonce="${'n'.repeat(129)}"`),
      'The signature has no usable `nonce`.',
    ],
    ['no `keyid`', withInput(/;keyid="[^"]+"/, ''), 'The signature has no usable `keyid`.'],
    ['an empty `keyid`', withInput(/;keyid="[^"]+"/, ';keyid=""'), 'The signature has no usable `keyid`.'],
    ['a `keyid` that is no text', withInput(/;keyid="[^"]+"/, ';keyid=1'), 'The signature has no usable `keyid`.'],
    [
      'a `keyid` of 257 characters',
      withInput(/;keyid="[^"]+"/, `;keyid="${'k'.repeat(257)}"`),
      'The signature has no usable `keyid`.',
    ],
    ['another algorithm', withInput('hmac-sha256', 'ed25519'), 'The signature is not of the algorithm hmac-sha256.'],
    [
      'a component with a parameter',
      withInput('"@method"', '"@method";req'),
      'The signature covers a component with parameters, which are not supported.',
    ],
    ['a component twice', withInput('"@method"', '"@method" "@method"'), 'The signature covers a component twice.'],
    [
      'a header that came twice',
      withHeaders({ 'content-digest': ['sha-256=:AAAA:', 'sha-256=:AAAA:'] }),
      'The signature covers a header that came twice.',
    ],
    [
      'another method',
      (request) => ({ ...request, method: 'PUT' }),
      'No live key has made the signature: the request was changed, or it was made with another key.',
    ],
    [
      'a key that is not live',
      withInput('keyid="v1"', 'keyid="v9"'),
      'The key that the signature names is not live, and no live key has made it; was it rotated out?',
    ],
    [
      'another body',
      (request) => ({ ...request, body: 'another' }),
      'The body is not the one that was signed; give it as it was sent, byte for byte.',
    ],
    [
      'no body, though its headers tell of one',
      ({ headers, ...request }) => ({ ...request, headers: { ...headers, 'content-length': '15' }, body: undefined }),
      'The request has a body, by its headers; give it as `body`, byte for byte.',
    ],
    [
      'a method of two lines',
      (request) => ({ ...request, method: 'POST\n/' }),
      'The method or the URL is not written as a request has it.',
    ],
    [
      'a URL that cannot be read',
      (request) => ({ ...request, url: 'https://a b/' }),
      'The method or the URL is not written as a request has it.',
    ],
  ])('with %s', async (_what, change, message) => {
    const { sign, verify } = scene();
    expect(await explain(verify(change(await sign())))).toBe(message);
  });

  it('with times that do not fit this clock', async () => {
    const { sign, verify, clock } = scene({ signer: { expiresIn: 3_600_000 } });
    const request = await sign();
    clock.setWall(clock.now() + 300_001);
    expect(await explain(verify(request))).toBe('The signature is more than 300000 ms old; check both clocks.');
    clock.setWall(clock.now() - 600_002);
    expect(await explain(verify(request))).toBe(
      'The signature is more than 300000 ms ahead of this clock; check both clocks.',
    );
    const short = scene({ signer: { expiresIn: 1_000 } });
    const expired = await short.sign();
    await short.clock.advance(1_000);
    expect(await explain(short.verify(expired))).toBe('The signature has expired; sign the request anew.');
  });

  it('with a use, or parts that it covers, other than asked for', async () => {
    const other = scene({ signer: { tag: 'orders' }, verifier: { tag: 'admin' } });
    expect(await explain(other.verify(await other.sign()))).toBe('The signature is not for this use (`tag`).');
    const bare = scene({ signer: { components: ['@method', '@authority', '@path'] } });
    expect(await explain(bare.verify(await bare.sign()))).toBe('The signature does not cover `@query`.');
    const added = scene();
    const request = { ...(await added.sign({ body: undefined })), body: BODY };
    expect(await explain(added.verify(request))).toBe('The signature does not cover `content-digest`.');
  });

  it('when it came before', async () => {
    const { sign, verify } = scene();
    const request = await sign();
    await verify(request);
    expect(await explain(verify(request))).toBe('The message came before, or so many came that it cannot be told.');
  });
});

describe('the store that a verifier is given', () => {
  it('is told of each genuine message and when to forget it, and decides whether it is new', async () => {
    const told: unknown[] = [];
    const replay = {
      add(id: string, expiresAt: number) {
        told.push([id, expiresAt]);
        return Promise.resolve(told.length < 3);
      },
    };
    const signed = scene({ verifier: { replay, window: 60_000 } });
    const { client, clock } = signed;
    const seconds = Math.floor(clock.now() / 1_000);
    const request = { method: 'GET', url: URL_OF_ORDERS };
    const headers: Record<string, string> = { ...(await plainSigner(client).sign(request)) };

    await signed.verify(signByHand(signed));
    await plainVerifier(client, { replay, window: 60_000 }).verify({ ...request, headers });
    const forged = withHeaders({ signature: 'goldkey=:AAAA:' })(signByHand(signed));
    expect(await refusal(signed.verify(forged))).toBe('mismatch');
    expect(await refusal(signed.verify(signByHand(signed)))).toBe('replayed');

    const end = (seconds + 120) * 1_000;
    expect(told).toEqual([
      [`v1 ${NONCE}`, end],
      [`plain ${headers['x-nonce'] ?? ''}`, end],
      [`v1 ${NONCE}`, end],
    ]);
  });
});

describe('a request', () => {
  it.each([
    [{ nonce: 'n'.repeat(128) }, 'accepted'],
    [{ keyId: 'k'.repeat(256) }, 'accepted'],
    [{ nonce: 'n'.repeat(128), keyId: 'k'.repeat(171) }, 'accepted'],
    [{ nonce: 'n'.repeat(128), keyId: 'k'.repeat(172) }, 'The signature has a `nonce` and `keyid` that are too long.'],
  ])('may have a nonce and a name of its key as long as %j', async (parameters, message) => {
    const signed = scene();
    expect(await explain(signed.verify(signByHand(signed, parameters)))).toBe(message);
  });

  it('holds with four signatures under other labels beside it, in 8,192 characters', async () => {
    const { verify, ...signed } = scene();
    const request = signByHand(signed as Scene);
    const labels = 'a="x\\",y"; b, b=("c,d"), c=(), d=(), ';
    const input = `${labels}${request.headers['signature-input'] ?? ''}`;
    const padded = `${' '.repeat(8_192 - input.length)}${input}`;
    expect(await explain(verify({ ...request, headers: { ...request.headers, 'signature-input': padded } }))).toBe(
      'accepted',
    );
  });

  it('holds to the last millisecond of its time, either way', async () => {
    const { sign, verify, clock } = scene({ signer: { expiresIn: 3_600_000 }, verifier: { replay: false } });
    const made = clock.now();
    const request = await sign();
    for (const [at, reason] of [
      [made + 300_000, 'accepted'],
      [made + 300_001, 'expired'],
      [made - 300_000, 'accepted'],
      [made - 300_001, 'not-yet-valid'],
    ] as const) {
      clock.setWall(at);
      expect([at - made, await refusal(verify(request))]).toEqual([at - made, reason]);
    }
    const short = scene({ signer: { expiresIn: 2_000 }, verifier: { replay: false } });
    const expiring = await short.sign();
    await short.clock.advance(1_999);
    expect(await refusal(short.verify(expiring))).toBe('accepted');
    await short.clock.advance(1);
    expect(await refusal(short.verify(expiring))).toBe('expired');
  });

  it.each([
    ['GET', 'accepted'],
    ['get', 'accepted'],
    ['M-SEARCH', 'accepted'],
    ['m-search', 'accepted'],
    ['X_2', 'accepted'],
    ['x_2', 'accepted'],
    ['Get', 'malformed'],
    ['gET', 'malformed'],
    ['GET ', 'malformed'],
    [' GET', 'malformed'],
    ['get ', 'malformed'],
    [' get', 'malformed'],
    ['2X', 'malformed'],
    ['-x', 'malformed'],
    ['_X', 'malformed'],
  ])('may have the method %j: %s', async (method, reason) => {
    const { sign, verify } = scene();
    expect(await refusal(verify(await sign({ method })))).toBe(reason);
  });

  it.each([
    ['https://api.example', 'accepted'],
    ['https://api.example?', 'accepted'],
    ['https://api.example/?', 'accepted'],
    ['https://api.example?a=b', 'accepted'],
    ['HTTPS://api.example/', 'accepted'],
    ['h2c+a.b-c://api.example/', 'accepted'],
    ['https://[::1]:8443/a?b=/c?d', 'accepted'],
    [' https://api.example/', 'malformed'],
    ['https://api.example/ ', 'malformed'],
    ['https://api.example/a b', 'malformed'],
    ['https://api.example/?a b', 'malformed'],
    ['https://api.example/\\', 'malformed'],
    ['https://api.example/?\\', 'malformed'],
    ['https://api.example/#', 'malformed'],
    ['https://api.example/?#', 'malformed'],
    ['https://api.example#', 'malformed'],
    ['https://u@api.example/', 'malformed'],
    ['https://u:p@api.example/', 'malformed'],
    ['2h://api.example/', 'malformed'],
  ])('is taken as it is written, or not at all: %j is %s', async (url, reason) => {
    const { sign, verify } = scene({ verifier: { replay: false } });
    const signed = await sign({ url: tryUrl(url) });
    expect(await refusal(verify({ ...signed, url }))).toBe(reason);
  });

  it('holds with its signature beside others: in one header, in a header each, and wherever there is white space', async () => {
    const { verify, ...signed } = scene({ verifier: { replay: false } });
    const request = signByHand(signed as Scene);
    const { 'signature-input': input = '', signature = '' } = request.headers;
    for (const inputs of [['a=("x")', input], [` ${input} , a=("x")`], [`\t${input}\t`]])
      for (const signatures of [['a=:AAAA:', signature], [`  ${signature} ,a=:AAAA:`]]) {
        const headers = { 'signature-input': inputs, signature: signatures };
        expect([headers, await explain(verify({ ...request, headers }))]).toEqual([headers, 'accepted']);
      }
  });

  it('holds with a number as the value of a header that it covers', async () => {
    const components = ['@method', '@authority', '@path', '@query', 'x-limit'];
    const { sign, verify } = scene({ signer: { components }, verifier: { replay: false } });
    const request = await sign({ headers: { 'x-limit': 10 as never } });
    expect(await refusal(verify(request))).toBe('accepted');
    expect(await refusal(verify(withHeaders({ 'x-limit': '10' })(request)))).toBe('accepted');
    expect(await refusal(verify(withHeaders({ 'x-limit': '11' })(request)))).toBe('mismatch');
  });

  it('is told apart from one with the same nonce under another name of the key', async () => {
    const signed = scene();
    expect(await refusal(signed.verify(signByHand(signed)))).toBe('accepted');
    expect(await refusal(signed.verify(signByHand(signed, { keyId: 'v2' })))).toBe('accepted');
    expect(await refusal(signed.verify(signByHand(signed)))).toBe('replayed');
  });
});

describe('a plain signature that does not hold is told what is wrong', () => {
  const NOT_AS_IT_SHOULD = 'The timestamp, nonce or signature is not written as it should be.';

  it.each<[string, Change, string]>([
    ['no time', withHeaders({ 'x-timestamp': undefined }), 'The request has no `x-timestamp` header.'],
    ['no nonce', withHeaders({ 'x-nonce': undefined }), 'The request has no `x-nonce` header.'],
    ['no signature', withHeaders({ 'x-signature': undefined }), 'The request has no `x-signature` header.'],
    ['an empty nonce', withHeaders({ 'x-nonce': '' }), 'The `x-nonce` header cannot be read, or came twice.'],
    [
      'two times',
      withHeaders({ 'x-timestamp': ['1', '1'] }),
      'The `x-timestamp` header cannot be read, or came twice.',
    ],
    ['a time in another form', withHeaders({ 'x-timestamp': '1e9' }), NOT_AS_IT_SHOULD],
    ['a time of more digits than numbers have', withHeaders({ 'x-timestamp': '9007199254740992' }), NOT_AS_IT_SHOULD],
    ['a nonce of 15 characters', withHeaders({ 'x-nonce': 'n'.repeat(15) }), NOT_AS_IT_SHOULD],
    ['a nonce of 129 characters', withHeaders({ 'x-nonce': 'n'.repeat(129) }), NOT_AS_IT_SHOULD],
    ['a signature of 63 digits', withHeaders({ 'x-signature': 'a'.repeat(63) }), NOT_AS_IT_SHOULD],
    ['a signature of 65 digits', withHeaders({ 'x-signature': 'a'.repeat(65) }), NOT_AS_IT_SHOULD],
    [
      'a signature of another key',
      withHeaders({ 'x-signature': 'a'.repeat(64) }),
      'No live key has made the signature: the request was changed, or it was made with another key.',
    ],
  ])('with %s', async (_what, change, message) => {
    const { client } = scene();
    const request = { method: 'POST', url: URL_OF_ORDERS, body: BODY };
    const headers: Record<string, string> = { ...(await plainSigner(client).sign(request)) };
    expect(await explain(plainVerifier(client).verify(change({ ...request, headers })))).toBe(message);
  });
});

describe('a webhook whose signature does not hold is told what is wrong', () => {
  const unreadable = (name: string): string => `The \`${name}\` header cannot be read, or came twice.`;

  it.each<[string, object, string]>([
    ['no id', { 'webhook-id': undefined }, 'The request has no `webhook-id` header.'],
    ['no time', { 'webhook-timestamp': undefined }, 'The request has no `webhook-timestamp` header.'],
    ['no signature', { 'webhook-signature': undefined }, 'The request has no `webhook-signature` header.'],
    ['an id with a dot', { 'webhook-id': 'msg.1' }, unreadable('webhook-id')],
    ['a time in another form', { 'webhook-timestamp': '1.5' }, unreadable('webhook-timestamp')],
    ['no signature of this kind', { 'webhook-signature': 'v2,AAAA' }, unreadable('webhook-signature')],
    ['eleven signatures', { 'webhook-signature': 'v1,AAAA '.repeat(11).trim() }, unreadable('webhook-signature')],
    [
      'ten signatures of other keys',
      { 'webhook-signature': 'v1,AAAA '.repeat(10).trim() },
      'No live key has made the signature: the webhook was changed, or it was made with another key.',
    ],
  ])('with %s', async (_what, change, message) => {
    const { client } = scene();
    const headers = await webhookSigner(client).sign({ id: 'msg_1', body: BODY });
    const changed = { headers: { ...headers, ...change }, body: BODY };
    expect(await explain(webhookVerifier(client).verify(changed))).toBe(message);
  });
});
