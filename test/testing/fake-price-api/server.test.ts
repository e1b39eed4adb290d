import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakePriceApi, type PriceFault, startFakePriceApi } from '../../../src/testing/fake-price-api/server.js';

const KEY = 'an-invented-key';

let api: FakePriceApi;

beforeEach(async () => {
  api = await startFakePriceApi({ keys: [KEY] });
});
afterEach(() => api.close());

interface Latest {
  success: boolean;
  timestamp: number;
  date: string;
  base: string;
  rates: Record<string, number>;
  unit: string;
  error: { code: number; type: string; info: string };
}

function call(query: Record<string, string>, path = '/api/latest', signal?: AbortSignal): Promise<Response> {
  return fetch(`${api.url}${path}?${new URLSearchParams(query).toString()}`, { signal: signal ?? null });
}

async function latest(query: Record<string, string>, path?: string): Promise<{ status: number; body: Latest }> {
  const response = await call({ access_key: KEY, base: 'USD', symbols: 'XAU', ...query }, path);
  return { status: response.status, body: (await response.json()) as Latest };
}

describe("the fake price API, in metals-api's dialect", () => {
  it('gives ounces per dollar and, beside it, the price', async () => {
    const { status, body } = await latest({});
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      timestamp: expect.any(Number),
      date: new Date(body.timestamp * 1000).toISOString().slice(0, 10),
      base: 'USD',
      rates: { XAU: expect.closeTo(0.0004546459805651, 15), USDXAU: expect.closeTo(2199.5135616442817, 9) },
      unit: 'per ounce',
    });
    expect(Math.abs(body.timestamp - Date.now() / 1000)).toBeLessThan(60);
  });

  it('answers below /api and at the root alike, and no other path', async () => {
    expect((await latest({}, '/latest')).body.success).toBe(true);
    expect(await latest({}, '/api/hourly')).toMatchObject({
      status: 404,
      body: { success: false, error: { code: 103 } },
    });
  });

  it('answers a path of slashes, which is no host, as any other', async () => {
    expect((await call({ access_key: KEY }, '//')).status).toBe(404);
    expect((await call({ access_key: KEY }, '//latest')).status).toBe(404);
    expect(api.calls.map(({ key }) => key)).toEqual(['live', 'live']);
  });

  it('knows four metals, several at once', async () => {
    const { rates } = (await latest({ symbols: 'XAU,XAG,XPT,XPD' })).body;
    const price = (symbol: string): number => rates[`USD${symbol}`] ?? NaN;
    expect(Object.keys(rates)).toHaveLength(8);
    for (const symbol of ['XAU', 'XAG', 'XPT', 'XPD']) expect(rates[symbol]).toBeCloseTo(1 / price(symbol), 12);
    expect(price('XAU')).toBeGreaterThan(price('XAG'));
  });

  it('keeps to the definition for another base: units of the symbol per unit of the base', async () => {
    const gold = (await latest({ base: 'XAU', symbols: 'USD' })).body.rates;
    expect(gold['USD']).toBeCloseTo(2199.51, 2);
    expect(gold['XAUUSD']).toBeCloseTo(1 / 2199.51, 6);
    const euro = (await latest({ base: 'EUR' })).body.rates;
    expect(euro['EURXAU']).toBeCloseTo(2199.5135616442817 / 1.0866, 6);
  });

  it('refuses an unknown base with code 201, unknown or missing symbols with 202', async () => {
    expect((await latest({ base: 'XXX' })).body).toMatchObject({ success: false, error: { code: 201 } });
    for (const symbols of ['XXX', 'XAU,XXX', '', 'constructor']) {
      expect(await latest({ symbols })).toMatchObject({ status: 200, body: { success: false, error: { code: 202 } } });
    }
  });

  it('refuses an unknown key and a missing one with code 101 and HTTP 401', async () => {
    const unknown = await latest({ access_key: 'another-key' });
    expect(unknown).toMatchObject({
      status: 401,
      body: { success: false, error: { code: 101, type: 'invalid_access_key' } },
    });
    const missing = await latest({ access_key: '' });
    expect(missing).toMatchObject({ status: 401, body: { error: { code: 101, type: 'missing_access_key' } } });
    expect(JSON.stringify(unknown)).not.toContain('another-key');
  });

  it('accepts and revokes keys while it runs, and logs how each call stood', async () => {
    const { calls } = api;
    await latest({});
    api.accept('its-successor');
    api.revoke(KEY);
    await latest({});
    await latest({ access_key: 'its-successor' });
    await latest({ access_key: 'another-key' });
    await call({});
    api.accept(KEY);
    await latest({});
    expect(calls.map(({ status, key }) => [status, key])).toEqual([
      [200, 'live'],
      [401, 'revoked'],
      [200, 'live'],
      [401, 'unknown'],
      [401, 'none'],
      [200, 'live'],
    ]);
    expect(calls.every(({ at }) => Math.abs(at - Date.now()) < 60_000)).toBe(true);
  });

  it('shows no key when printed', async () => {
    await latest({});
    const shown = inspect(api, { depth: 20, showHidden: true }) + JSON.stringify(api);
    expect(shown).toContain('live');
    expect(shown).not.toContain(KEY);
  });
});

describe('a fault of the fake price API', () => {
  it("'http-500' and 'http-503' are the server's and the proxy's", async () => {
    api.inject('http-500');
    expect((await call({ access_key: KEY })).status).toBe(500);
    api.inject('http-503', { retryAfter: 2_500 });
    const response = await call({ access_key: KEY });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
  });

  it("'rate-limited' is HTTP 429 with Retry-After in seconds", async () => {
    api.inject('rate-limited');
    api.inject('rate-limited', { retryAfter: 60_000 });
    const first = await call({ access_key: KEY });
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await call({ access_key: KEY })).headers.get('retry-after')).toBe('60');
  });

  it("'quota' is code 104, 'plan' code 105", async () => {
    api.inject('quota');
    expect(await latest({})).toMatchObject({ status: 200, body: { success: false, error: { code: 104 } } });
    api.inject('plan');
    expect(await latest({})).toMatchObject({ status: 200, body: { success: false, error: { code: 105 } } });
  });

  it.each(['quota', 'plan', 'malformed', 'implausible', 'huge'] as const)('%j names no time to wait', async (fault) => {
    api.inject(fault, { retryAfter: 3_000 });
    expect((await call({ access_key: KEY })).headers.has('retry-after')).toBe(false);
  });

  it("'reset' cuts the connection", async () => {
    api.inject('reset');
    await expect(latest({})).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(api.calls).toMatchObject([{ status: 0, key: 'live' }]);
  });

  it("'slow' is never answered; the client may leave", async () => {
    api.inject('slow');
    const leaving = new AbortController();
    const waiting = call({ access_key: KEY }, undefined, leaving.signal);
    while (api.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it("'malformed' is HTTP 200 and no JSON", async () => {
    api.inject('malformed');
    const response = await call({ access_key: KEY, symbols: 'XAU' });
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow(SyntaxError);
  });

  it("'implausible' puts the price where ounces per dollar belong", async () => {
    api.inject('implausible');
    expect((await latest({})).body).toMatchObject({ success: true, rates: { XAU: 2199.5135616442817 } });
    api.inject('implausible');
    expect(Object.keys((await latest({})).body.rates)).toEqual(['XAU']);
  });

  it("'huge' is the right answer in more than 10 MB, and stops when the client leaves", async () => {
    api.inject('huge', { times: 2 });
    const whole = await (await call({ access_key: KEY, symbols: 'XAU' })).text();
    expect(whole.length).toBeGreaterThan(10 * 1024 * 1024);
    expect((JSON.parse(whole) as Latest).rates['USDXAU']).toBeCloseTo(2199.51, 2);
    const response = await call({ access_key: KEY, symbols: 'XAU' });
    await response.body?.cancel();
    await api.close();
  });

  it('lasts for `times` calls, whatever key they bring; faults queue up', async () => {
    api.inject('http-500', { times: 2 });
    api.inject('quota', { times: Infinity });
    const statuses: number[] = [];
    for (const access_key of [KEY, 'unknown', KEY, KEY]) statuses.push((await call({ access_key })).status);
    expect(statuses).toEqual([500, 500, 200, 200]);
  });

  it('is refused with the names there are when it is not one of them', () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const names: PriceFault[] = ['http-500', 'huge'];
    for (const name of names) {
      expect(() => {
        api.inject('teapot' as PriceFault);
      }).toThrow(expect.objectContaining({ name: 'TypeError', code, message: expect.stringContaining(`'${name}'`) }));
    }
    for (const how of [{ times: 0 }, { retryAfter: -1 }, { operation: 'x' }]) {
      expect(() => {
        api.inject('quota', how);
      }).toThrow(expect.objectContaining({ code }));
    }
  });
});

describe('startFakePriceApi', () => {
  it('names the APIs it can play when asked for another', async () => {
    await expect(startFakePriceApi({ api: 'gold-api.com' })).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringContaining("'metals-api', 'commodities-api', 'metalpriceapi', 'goldapi', 'metals-dev'"),
    });
    await using named = await startFakePriceApi({ api: 'metals-api' });
    expect(named.calls).toEqual([]);
  });

  it('refuses options it does not know, and shows no key in saying so', async () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const wrong: object[] = [
      { key: KEY },
      { keys: KEY },
      { keys: [''] },
      { latency: -1 },
      { port: 70_000 },
      { api: 1 },
    ];
    for (const options of wrong) {
      await expect(startFakePriceApi(options)).rejects.toMatchObject({
        code,
        message: expect.not.stringContaining(KEY),
      });
    }
  });

  it('takes a port, and rejects when it is taken', async () => {
    const port = Number(new URL(api.url).port);
    await expect(startFakePriceApi({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('refuses every call when it was given no keys', async () => {
    await using bare = await startFakePriceApi();
    expect((await fetch(`${bare.url}/latest?access_key=${KEY}&symbols=XAU`)).status).toBe(401);
  });

  it('holds back its answers by `latency`, and closes without waiting for them', async () => {
    await using delayed = await startFakePriceApi({ latency: 40 });
    const from = performance.now();
    await fetch(delayed.url);
    expect(performance.now() - from).toBeGreaterThanOrEqual(35);

    const stuck = await startFakePriceApi({ latency: 600_000 });
    const waiting = expect(fetch(stuck.url)).rejects.toThrow('fetch failed');
    while (stuck.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await stuck.close();
    await stuck[Symbol.asyncDispose]();
    await waiting;
  });
});
