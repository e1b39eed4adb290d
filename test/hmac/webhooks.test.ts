import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { SignatureError, webhookSigner, webhookVerifier, type WebhookVerifierOptions } from '../../src/hmac/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { refusal } from './scene.js';

const SECRET = `whsec_${Buffer.from('a secret of 24 bytes....').toString('base64')}`;
const BODY = '{"metal":"XAU","price":2199.51}';

function scene(key: string = SECRET, options?: WebhookVerifierOptions) {
  const clock = manualClock();
  const store = memoryKeyProvider({ current: key });
  const client = new KeyedClient({ keyProvider: store, clock, ttlJitter: 0 });
  const verifier = webhookVerifier(client, options);
  const sign = async (body: string | Uint8Array = BODY, id = 'msg_1') => ({
    headers: { ...(await webhookSigner(client).sign({ id, body })) },
    body,
  });
  return { clock, store, client, verifier, sign };
}

describe('a webhook', () => {
  it.each([SECRET, 'no-prefix-key-001', 'whsec_not*base64'])('holds, whatever form the secret has: %s', async (key) => {
    const { sign, verifier, clock } = scene(key);
    const webhook = await sign();
    expect(webhook.headers['webhook-timestamp']).toBe(String(clock.now() / 1_000));
    expect(await verifier.verify(webhook)).toEqual({ id: 'msg_1', timestamp: clock.now() / 1_000, version: 'v1' });
    assertNoSecret(webhook, key);
  });

  it.each([
    ['twenty-five bytes, not 24', '=='],
    ['twenty-six bytes, and no 2', '='],
  ])(
    'is the same with a secret whose base64 has no padding, and of the bytes that it stands for: %s',
    async (text, end) => {
      const bytes = Buffer.from(text);
      const secret = `whsec_${bytes.toString('base64')}`;
      const [padded, bare] = [scene(secret), scene(secret.replaceAll('=', ''))];
      const { headers } = await padded.sign();
      const content = `msg_1.${headers['webhook-timestamp']}.${BODY}`;
      const mac = createHmac('sha256', bytes).update(content).digest('base64');
      expect(/=*$/.exec(secret)?.[0]).toBe(end);
      expect(headers['webhook-signature']).toBe(`v1,${mac}`);
      expect((await bare.sign()).headers).toEqual(headers);
    },
  );

  it('holds with bytes as its body, and with a Headers', async () => {
    const { sign, verifier } = scene();
    const webhook = await sign(Uint8Array.of(0, 255, 10));
    expect(await verifier.verify({ ...webhook, headers: new Headers(webhook.headers) })).toMatchObject({ id: 'msg_1' });
  });

  it('is refused with another body, id or time', async () => {
    const { sign, verifier } = scene();
    const webhook = await sign();
    const change = (more: object, body = BODY) => verifier.verify({ headers: { ...webhook.headers, ...more }, body });
    expect(await refusal(change({}, `${BODY} `))).toBe('mismatch');
    expect(await refusal(change({ 'webhook-id': 'msg_2' }))).toBe('mismatch');
    const later = String(Number(webhook.headers['webhook-timestamp']) + 1);
    expect(await refusal(change({ 'webhook-timestamp': later }))).toBe('mismatch');
    expect(await refusal(change({}))).toBe('accepted');
  });

  it('is refused a second time; one that is sent again has another time, and is taken', async () => {
    const { sign, verifier, clock } = scene();
    const webhook = await sign();
    await verifier.verify(webhook);
    expect(await refusal(verifier.verify(webhook))).toBe('replayed');
    await clock.advance(1_000);
    expect(await verifier.verify(await sign())).toMatchObject({ id: 'msg_1' });
  });

  it('is refused more than five minutes after and before its time', async () => {
    const { sign, verifier, clock } = scene(SECRET, { replay: false });
    const webhook = await sign();
    clock.setWall(clock.now() + 301_000);
    expect(await refusal(verifier.verify(webhook))).toBe('expired');
    clock.setWall(clock.now() - 602_000);
    expect(await refusal(verifier.verify(webhook))).toBe('not-yet-valid');
  });

  it('holds by any of its signatures, and by any live key', async () => {
    const { sign, verifier, store, client } = scene();
    const webhook = await sign();
    const several = {
      ...webhook.headers,
      'webhook-signature': `v1a,zzz v1,AAAA ${webhook.headers['webhook-signature']}`,
    };
    expect(await verifier.verify({ ...webhook, headers: several })).toMatchObject({ version: 'v1' });
    store.set('current', 'another-key-00001');
    store.set('previous', SECRET);
    await client.reload();
    expect(await verifier.verify(await sign(BODY, 'msg_2'))).toMatchObject({ version: 'v2' });
  });

  it.each<[string, object, string]>([
    ['without an id', { 'webhook-id': undefined }, 'missing'],
    ['without a time', { 'webhook-timestamp': undefined }, 'missing'],
    ['without a signature', { 'webhook-signature': undefined }, 'missing'],
    ['with two ids', { 'webhook-id': ['msg_1', 'msg_2'] }, 'malformed'],
    ['with a long id', { 'webhook-id': 'x'.repeat(257) }, 'malformed'],
    ['with a dot in its id, which would move the border to the time', { 'webhook-id': 'msg.1' }, 'malformed'],
    ['with an id of two lines', { 'webhook-id': 'msg\n1' }, 'malformed'],
    ['with an empty id', { 'webhook-id': '' }, 'malformed'],
    ['with a time in another form', { 'webhook-timestamp': '1.7e9' }, 'malformed'],
    ['with a time that is none', { 'webhook-timestamp': 'NaN' }, 'malformed'],
    ['with a signature of another version', { 'webhook-signature': 'v2,AAAA' }, 'malformed'],
    ['with eleven signatures', { 'webhook-signature': 'v1,AAAA '.repeat(11).trim() }, 'malformed'],
    ['with a signature that is no base64', { 'webhook-signature': 'v1,*' }, 'mismatch'],
  ])('is refused %s', async (_what, change, reason) => {
    const { sign, verifier } = scene();
    const webhook = await sign();
    const outcome = await verifier
      .verify({ headers: { ...webhook.headers, ...change }, body: BODY })
      .catch((e: unknown) => e);
    expect(outcome).toBeInstanceOf(SignatureError);
    expect(outcome).toMatchObject({ reason, code: 'ERR_GOLDKEY_SIGNATURE' });
    assertNoSecret(outcome, SECRET);
  });

  it('is refused with nothing but a SignatureError, whatever its headers say', async () => {
    const { verifier } = scene();
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (id, time, signature) => {
        const headers = { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature };
        await expect(verifier.verify({ headers, body: BODY })).rejects.toBeInstanceOf(SignatureError);
      }),
      { numRuns: 300 },
    );
  });

  it('costs the store one load, however much junk comes', async () => {
    const { sign, verifier, store } = scene();
    const webhook = await sign();
    await verifier.verify(webhook);
    const { loads } = store;
    const headers = { ...webhook.headers, 'webhook-signature': 'v1,AAAA' };
    for (let count = 0; count < 1_000; count++) await verifier.verify({ headers, body: BODY }).catch(() => undefined);
    expect(store.loads).toBe(loads);
  });

  const BAD_ID = '`id` must be at most 256 characters of visible ASCII, with no dot.';

  it.each<[string, object | undefined, string]>([
    ['nothing', undefined, '`id` must be a non-empty string, got undefined.'],
    ['no id', { body: BODY }, '`id` must be a non-empty string, got undefined.'],
    ['an id with a dot, which would move the border to the time', { id: 'a.1', body: BODY }, BAD_ID],
    ['an id of two lines', { id: 'POST\n/orders', body: BODY }, BAD_ID],
    ['an id with a space', { id: ' a', body: BODY }, BAD_ID],
    ['an id that is not ASCII', { id: 'a\u007f', body: BODY }, BAD_ID],
    ['an id of 257 characters', { id: 'x'.repeat(257), body: BODY }, BAD_ID],
    ['no body', { id: 'msg_1' }, '`body` must be the bytes or the text that was sent, got undefined.'],
    [
      'a body that was parsed',
      { id: 'msg_1', body: { metal: 'XAU' } },
      '`body` must be the bytes or the text that was sent, got a value of type object.',
    ],
    ['a time in fractions', { id: 'msg_1', body: BODY, timestamp: 1.5 }, '`timestamp` must be whole epoch seconds.'],
    ['a time before 1970', { id: 'msg_1', body: BODY, timestamp: -1 }, '`timestamp` must be whole epoch seconds.'],
    [
      'a time that is no number',
      { id: 'msg_1', body: BODY, timestamp: '1' },
      '`timestamp` must be a number, got a value of type string.',
    ],
  ])('is not signed with %s', async (_what, message, problem) => {
    await expect(webhookSigner(scene().client).sign(message as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: problem,
    });
  });

  it('is signed with any id of visible characters, and with the time that is given', async () => {
    const { client } = scene();
    const id = `${Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index))
      .join('')
      .replace('.', '')}${'x'.repeat(163)}`;
    const headers = await webhookSigner(client).sign({ id, timestamp: 0, body: '' });
    expect(id).toHaveLength(256);
    expect(headers).toMatchObject({ 'webhook-id': id, 'webhook-timestamp': '0' });
  });

  it('holds with ten signatures, whichever is ours, and with others of another kind beside them', async () => {
    const { sign, verifier } = scene(SECRET, { replay: false });
    const webhook = await sign();
    const { 'webhook-signature': own } = webhook.headers;
    for (const place of [0, 9]) {
      const ten = Array.from({ length: 10 }, (_, index) => (index === place ? own : 'v1,AAAA'));
      const headers = { ...webhook.headers, 'webhook-signature': ['v1a,AAAA', ...ten, 'v2,AAAA'].join(' ') };
      expect(await verifier.verify({ ...webhook, headers })).toMatchObject({ version: 'v1' });
    }
  });

  it('is signed by the whole of a key that only begins as a secret does', async () => {
    for (const start of ['whsec-', 'Whsec_']) {
      const key = `${start}${btoa('a text in base64')}`;
      const { headers } = await scene(key).sign();
      const content = `msg_1.${headers['webhook-timestamp']}.${BODY}`;
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
    }
  });

  it('is not verified with nothing', async () => {
    await expect(webhookVerifier(scene().client).verify(undefined as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: '`body` must be the bytes or the text that was sent, got undefined.',
    });
  });
});
