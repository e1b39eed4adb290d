import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  hmacSigner,
  hmacVerifier,
  plainSigner,
  plainVerifier,
  webhookSigner,
  webhookVerifier,
} from '../../src/hmac/index.js';
import { KeyedClient } from '../../src/index.js';
import { assertNoSecret, memoryKeyProvider } from '../../src/testing/index.js';

const BYTES = 'an invented secret of 33 bytes...';
const URL_OF_ORDERS = 'https://api.example/orders?limit=10';
const BODY = '{"metal":"XAU"}';
const EVENTS = ['loaded', 'load-failed', 'stale', 'evicted', 'key-rejected', 'gate-closed', 'repaired', 'retry'];

type Request = Parameters<ReturnType<typeof hmacVerifier>['verify']>[0] & { headers: Record<string, string> };

/** Shows a value in each way in which a program might log it. */
function show(value: unknown): unknown[] {
  const json = typeof value === 'function' ? '' : JSON.stringify(value);
  return [value, String(value), json, inspect(value, { depth: 9, showHidden: true, getters: true })];
}

describe.each([
  ['a key', 'sk-invented/+&=0123456789', ['sk-invented/+&=0123456789']],
  ['a webhook secret', `whsec_${btoa(BYTES)}`, [`whsec_${btoa(BYTES)}`, btoa(BYTES), BYTES]],
])('%s', (_what, key, secrets) => {
  const events: unknown[] = [];
  const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: key }) });
  for (const name of EVENTS) client.on(name as 'loaded', (event: unknown) => events.push([name, event]));
  const kinds = {
    requests: { signer: hmacSigner(client), verifier: hmacVerifier(client) },
    plain: { signer: plainSigner(client), verifier: plainVerifier(client) },
    webhooks: {
      signer: { sign: async ({ body = '' }: Request) => webhookSigner(client).sign({ id: 'msg_1', body }) },
      verifier: webhookVerifier(client),
    },
  };
  const hold = (...shown: unknown[]): void => {
    for (const secret of secrets) assertNoSecret([...shown.flatMap(show), events], secret);
  };

  it.each(Object.entries(kinds))(
    'shows in no signature, result or error of %s, though the sender sends it in each part',
    async (_kind, { signer, verifier }) => {
      const sign = async (): Promise<Request> => {
        const request = { method: 'POST', url: URL_OF_ORDERS, body: BODY, headers: {} };
        return { ...request, headers: await signer.sign(request) } as Request;
      };
      const request = await sign();
      hold(signer, verifier, request, await verifier.verify(request as never));
      const errors: unknown[] = [];
      const fail = async (changed: object): Promise<void> => {
        const given = { ...(await sign()), ...changed } as never;
        const error: unknown = await verifier.verify(given).catch((refused: unknown) => refused);
        expect(error).toBeInstanceOf(Error);
        errors.push(error);
      };
      for (const [name, value] of Object.entries(request.headers)) {
        for (const garbage of [key, `${value}${key}`, `goldkey=${key}`, `goldkey=("${key}")`, `goldkey=:${btoa(key)}:`])
          await fail({ headers: { ...request.headers, [name]: garbage } });
        await fail({ headers: { ...request.headers, [name]: [value, key] } });
        const { [name]: _, ...others } = request.headers;
        await fail({ headers: others });
      }
      await fail({ body: key });
      await fail({ body: { key } });
      await fail({ headers: key });
      if (verifier !== kinds.webhooks.verifier) {
        for (const url of [key, `https://${key}`, `https://api.example/${key}`, `https://${key}@api.example/`])
          await fail({ url });
        for (const method of [key, { key }]) await fail({ method });
      }
      expect(errors.length).toBeGreaterThan(20);
      hold(errors);
    },
  );

  it('shows in no error of an option that was given it', () => {
    const errors: unknown[] = [];
    const options = ['components', 'expiresIn', 'label', 'tag', 'keyId', 'window', 'required', 'replay'];
    for (const make of [hmacSigner, hmacVerifier, plainVerifier, webhookVerifier]) {
      for (const name of options) {
        for (const value of [`${key}\n`, [key.toUpperCase()], { key }]) {
          try {
            make(client, { [name]: value } as never);
          } catch (error) {
            errors.push(error);
          }
        }
      }
    }
    expect(errors.length).toBeGreaterThan(80);
    hold(errors);
  });

  it('is not sent by the signer’s fetch, and shows in none of its errors and events', async () => {
    const seen: [string | undefined, IncomingHttpHeaders][] = [];
    const server = createServer((request, response) => {
      seen.push([request.url, request.headers]);
      response.writeHead(401).end('refused');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { fetch } = hmacSigner(client);
    const send = async (url: string): Promise<unknown> =>
      fetch(url, { method: 'POST', body: BODY }).catch((e: unknown) => e);

    const refused = await send(`http://127.0.0.1:${String(port)}/orders`);
    const unreachable = await send('http://127.0.0.1:1/orders');

    expect(refused).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(unreachable).toMatchObject({ message: expect.stringMatching(/fetch failed|cooldown|rejected/i) as string });
    expect(seen.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).toContain('key-rejected');
    hold(refused, unreachable, seen);
  });
});

describe('what a verifier computes', () => {
  it('is zeroed: the bytes that a secret stands for, and the signature that would have been right', async () => {
    const crypto = process.getBuiltinModule('node:crypto');
    const [keyed, compared] = [vi.spyOn(crypto, 'createHmac'), vi.spyOn(crypto, 'timingSafeEqual')];
    onTestFinished(() => void keyed.mockRestore());
    onTestFinished(() => void compared.mockRestore());
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: `whsec_${btoa(BYTES)}` }) });
    const headers = await webhookSigner(client).sign({ id: 'msg_1', body: BODY });

    const wrong = { ...headers, 'webhook-signature': `v1,${btoa('x'.repeat(32))}` };
    await webhookVerifier(client)
      .verify({ headers: wrong, body: BODY })
      .catch(() => undefined);

    const isZero = (bytes: unknown): boolean => (bytes as Uint8Array).every((byte) => byte === 0);
    const secrets = keyed.mock.calls
      .map(([, key]) => key as Uint8Array)
      .filter(({ length }) => length === BYTES.length);
    expect(secrets.map(isZero)).toEqual([true, true]);
    expect(compared.mock.calls.map(([own, given]) => [isZero(own), isZero(given)])).toEqual([[true, false]]);
  });
});
