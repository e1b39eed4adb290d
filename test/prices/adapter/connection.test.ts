import { inspect } from 'node:util';
import { Agent, MockAgent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { metalsApi, PriceApiError } from '../../../src/prices/index.js';
import { contextOf, RECENT, rejection, scriptedApi } from '../scripted-api.js';

const KEY = 'sk"test/+&=0123';
const context = contextOf(KEY);
const FORMS = [
  KEY,
  encodeURIComponent(KEY),
  JSON.stringify(KEY).slice(1, -1),
  Buffer.from(KEY).toString('base64').replace(/=+$/, ''),
  Buffer.from(KEY).toString('hex'),
];
const good = { success: true, timestamp: RECENT, base: 'USD', rates: { USDXAU: 2000 } };
let api: Awaited<ReturnType<typeof scriptedApi>>;

beforeAll(async () => {
  api = await scriptedApi({});
});
beforeEach(() => {
  api.urls.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

function expectNoKey(value: unknown): void {
  const seen = inspect(value, { depth: 20, showHidden: true }) + String((value as Error).stack);
  for (const form of FORMS) expect(seen).not.toContain(form);
  const { cause } = value as { cause?: unknown };
  if (cause !== undefined) expectNoKey(cause);
}

describe('transport of a price API', () => {
  it('works with a fetch of the caller’s own', async () => {
    api.answer({ body: good });
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, fetch });
    expect((await fetchPrice('XAU', context)).price).toBe(2000);
    // Requests that another test has aborted may still arrive.
    expect(new Set(api.urls)).toEqual(
      new Set([`/api/latest?access_key=${encodeURIComponent(KEY)}&base=USD&symbols=XAU`]),
    );
  });

  it('works with a dispatcher of the caller’s own, whose errors lose the key', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('https://metals-api.com')
      .intercept({ path: (path) => path.endsWith('XAU') })
      .reply(200, good);
    const { fetchPrice } = metalsApi({ dispatcher: agent });

    expect((await fetchPrice('XAU', context)).price).toBe(2000);
    const error = await rejection(fetchPrice('XPT', context));

    expect(error).toMatchObject({ kind: 'transient', retryable: true });
    expect((error as Error).cause).toMatchObject({ name: 'MockNotMatchedError' });
    expectNoKey(error);
  });

  it.each(['undici', 'dispatcher'])('many calls may share one signal, which ends them all (%s)', async (how) => {
    api.answer({ body: good });
    const dispatcher = how === 'dispatcher' ? new Agent() : undefined;
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, dispatcher });
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const many = (shared: AbortSignal): Promise<unknown>[] =>
      Array.from({ length: 30 }, () => fetchPrice('XAU', contextOf(KEY, shared)));

    await Promise.all(many(signal));
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed).toHaveBeenCalledTimes(1);

    const controller = new AbortController();
    const reason = new Error('enough');
    api.answer(() => {
      controller.abort(reason);
    });
    const ended = await Promise.allSettled(many(controller.signal));
    expect(ended.map((one) => one.status === 'rejected' && one.reason === reason)).toEqual(Array(30).fill(true));
  });

  it('a byte order mark before the answer is no part of it', async () => {
    api.answer({ body: `\ufeff${JSON.stringify(good)}` });
    const { price, raw } = await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);
    expect([price, raw]).toEqual([2000, good]);
  });

  it.each(['undici', 'fetch'])('a redirect is not followed (%s)', async (how) => {
    await using elsewhere = await scriptedApi({ body: good });
    api.answer({ status: 302, headers: { location: `${elsewhere.baseUrl}?k=${encodeURIComponent(KEY)}` } });
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, ...(how === 'fetch' && { fetch }) });

    const error = await rejection(fetchPrice('XAU', context));

    expect(error).toMatchObject({ kind: 'bad-request', status: 302, retryable: false });
    expect(elsewhere.urls).toEqual([]);
    expectNoKey(error);
  });

  it.each([
    ['undici', true],
    ['undici', false],
    ['fetch', false],
  ])('a body over maxBodySize is not read to its end (%s, length stated: %s)', async (how, stated) => {
    let sent = 0;
    let open = 0;
    // A request that another test gave up may come as well: each answer goes on until its own connection is closed.
    api.answer((_, response) => {
      open++;
      response.writeHead(200, stated ? { 'content-length': '500000000' } : {});
      response.on('close', () => open--);
      const more = (): void => {
        if (response.destroyed || sent > 400_000_000) return;
        sent += 65_536;
        response.write(Buffer.alloc(65_536, 32), more);
      };
      more();
    });
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl, maxBodySize: 200_000, ...(how === 'fetch' && { fetch }) });

    const error = await rejection(fetchPrice('XAU', context));

    expect(error).toMatchObject({
      kind: 'implausible',
      message: 'metals-api answered with more than `maxBodySize` bytes: check `baseUrl`.',
    });
    await expect.poll(() => open).toBe(0);
    expect(sent).toBeLessThan(50_000_000);
  });

  it('an aborted signal rejects with its reason, before and while the request runs', async () => {
    const { fetchPrice } = metalsApi({ baseUrl: api.baseUrl });
    const reason = new Error('enough');
    expect(await rejection(fetchPrice('XAU', contextOf(KEY, AbortSignal.abort(reason))))).toBe(reason);

    const controller = new AbortController();
    api.answer(() => {
      controller.abort(reason);
    });
    expect(await rejection(fetchPrice('XAU', contextOf(KEY, controller.signal)))).toBe(reason);
  });

  it.each(['undici', 'fetch'])(
    'an address nobody listens on is transient and names the socket’s code (%s)',
    async (how) => {
      const gone = await scriptedApi({});
      await gone[Symbol.asyncDispose]();
      const adapter = metalsApi({ baseUrl: gone.baseUrl, ...(how === 'fetch' && { fetch }) });

      const error = await rejection(adapter.fetchPrice('XAU', context));

      expect(error).toMatchObject({ kind: 'transient', retryable: true });
      expect((error as Error).message).toMatch(/could not be reached \(E[A-Z]+\): try again later/);
      expect(adapter.isTransient({ error })).toBe(true);
      expectNoKey(error);
    },
  );

  it('a connection cut mid-body is transient', async () => {
    api.answer((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"succ', () => response.destroy());
    });
    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context));
    expect(error).toMatchObject({ kind: 'transient', retryable: true });
    expectNoKey(error);
  });

  it.each(['undici', 'fetch'])('a server without TLS is no passing fault (%s)', async (how) => {
    const baseUrl = api.baseUrl.replace('http:', 'https:');
    const adapter = metalsApi({ baseUrl, ...(how === 'fetch' && { fetch }) });
    const error = await rejection(adapter.fetchPrice('XAU', context));
    expect(error).toBeInstanceOf(PriceApiError);
    expect(error).toMatchObject({ kind: 'bad-request', retryable: false });
    expectNoKey(error);
  });
});

it('a fetch that fails with the URL it was given leaves no key, however it writes the URL', async () => {
  for (const apiKey of ["test'key-0123", "test'key!~()-0123", 'test!key-0123']) {
    const written = (url: string): string[] => [url, new URL(url).href, new URL(url).searchParams.toString()];
    let told: string[] = [];
    const failing = (url: unknown): Promise<Response> => {
      told = written(String(url));
      return Promise.reject(new Error(`request to ${told.join(' ')} failed`));
    };
    const { fetchPrice } = metalsApi({ fetch: failing as typeof fetch });

    const error = await rejection(fetchPrice('XAU', contextOf(apiKey)));

    const { message } = (error as Error).cause as Error;
    expect(message.match(/access_key=\[REDACTED\]/g)).toHaveLength(told.length);
  }
});

describe('an API that echoes the key', () => {
  it('is answered with the key replaced in raw, in every encoding', async () => {
    const echo = FORMS.map((form, index) => [`echo-${String(index)}-${form}`, `your key ${form}.`]);
    const spelt = [...KEY].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const body = JSON.stringify({ ...good, ...Object.fromEntries(echo), list: [1, null, { key: KEY }] });
    api.answer({ body: body.replace('{', `{"spelt":"${spelt}",`) });

    const quote = await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context);

    expect(quote.price).toBe(2000);
    expectNoKey(quote.raw);
    expect(quote.raw).toMatchObject({ 'echo-0-[REDACTED]': 'your key [REDACTED].', spelt: '[REDACTED]' });
  });

  it('is answered without the key in base64 whose slashes are escaped, as PHP writes them', async () => {
    const apiKey = '???-test-key-0123';
    const echo = Buffer.from(apiKey).toString('base64').replaceAll('/', '\\/');
    api.answer({ body: JSON.stringify(good).replace('{', `{"echo":"${echo}",`) });

    const quote = await metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', contextOf(apiKey));

    expect(echo).toContain('\\/');
    expect(quote.raw).toMatchObject({ echo: '[REDACTED]' });
  });

  it('in a refusal leaves no key in the error', async () => {
    const info = `The access key ${KEY} is not valid; see /latest?access_key=${encodeURIComponent(KEY)}`;
    api.answer({ body: { success: false, error: { code: 101, type: KEY, info } } });

    const error = await rejection(metalsApi({ baseUrl: api.baseUrl }).fetchPrice('XAU', context));

    expect(error).toMatchObject({ kind: 'key-rejected' });
    expectNoKey(error);
  });
});
