import { afterEach, describe, expect, it } from 'vitest';
import { type FakePriceApi, type PriceFault, startFakePriceApi } from '../../../src/testing/fake-price-api/server.js';

const KEY = 'an-invented-key';
const GOLD = 2199.5135616442817;
const MONTHLY = expect.stringContaining('onthly');

let fake: FakePriceApi | undefined;

afterEach(() => fake?.close());

type Ask = (path: string, headers?: Record<string, string>) => Promise<{ status: number; body: unknown }>;

/** Starts the fake, and asks it with the key where the vendor wants it. */
async function start(api: string, header: string, before = ''): Promise<{ ask: Ask; keyless: Ask }> {
  const started = await startFakePriceApi({ api, keys: [KEY] });
  fake = started;
  const keyless: Ask = async (path, headers = {}) => {
    const response = await fetch(`${started.url}${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };
  return { keyless, ask: (path, headers = {}) => keyless(path, { [header]: before + KEY, ...headers }) };
}

async function faulty(fault: PriceFault, ask: Ask, path: string): Promise<{ status: number; body: unknown }> {
  fake?.inject(fault);
  return ask(path);
}

const seconds = expect.any(Number);

describe('as commodities-api', () => {
  it('every body is metals-api’s, wrapped in data', async () => {
    const { keyless } = await start('commodities-api', 'unused');
    const good = `/api/latest?access_key=${KEY}&base=USD&symbols=XAU`;
    expect(await keyless(good)).toMatchObject({
      status: 200,
      body: { data: { success: true, base: 'USD', rates: { USDXAU: GOLD, XAU: 1 / GOLD } } },
    });
    expect(await keyless('/latest?symbols=XAU')).toMatchObject({ body: { data: { error: { code: 101 } } } });
    expect(await faulty('quota', keyless, good)).toMatchObject({ body: { data: { error: { code: 104 } } } });
    expect(await faulty('plan', keyless, good)).toMatchObject({ body: { data: { error: { code: 105 } } } });
    expect(await faulty('rate-limited', keyless, good)).toMatchObject({ status: 429, body: { data: {} } });
    expect(await faulty('implausible', keyless, good)).toMatchObject({ body: { data: { rates: { XAU: GOLD } } } });
  });
});

describe('as metalpriceapi', () => {
  it('takes the key from a header or the query, and refuses one under HTTP 200', async () => {
    const { ask, keyless } = await start('metalpriceapi', 'X-API-KEY');
    expect(await ask('/v1/latest?base=USD&currencies=XAU')).toEqual({
      status: 200,
      body: { success: true, base: 'USD', timestamp: seconds, rates: { XAU: 1 / GOLD, USDXAU: GOLD } },
    });
    expect((await keyless(`/latest?api_key=${KEY}`)).body).toMatchObject({ success: true });
    for (const [path, statusCode] of [
      ['/latest?api_key=another', 102],
      [`/latest?access_key=${KEY}`, 101],
    ] as const) {
      expect(await keyless(path)).toMatchObject({ status: 200, body: { success: false, error: { statusCode } } });
    }
  });

  it('`symbols` means nothing to it: without `currencies` it gives all it has', async () => {
    const { ask } = await start('metalpriceapi', 'X-API-KEY');
    const { body } = await ask('/latest?symbols=XAU');
    expect(Object.keys((body as { rates: object }).rates)).toHaveLength(16);
    expect(body).toMatchObject({ base: 'USD', rates: { USDXAG: 25.34, USDEUR: 1.0866 } });
  });

  it('refuses in numbers of its own, which the words explain', async () => {
    const { ask } = await start('metalpriceapi', 'X-API-KEY');
    const error = (statusCode: number, message: unknown = expect.any(String)): object => ({
      body: { success: false, error: { statusCode, message } },
    });
    expect(await ask('/v1/hourly')).toMatchObject({ status: 404, ...error(404) });
    expect(await ask('/latest?base=XXX')).toMatchObject(error(201));
    expect(await ask('/latest?currencies=XXX')).toMatchObject(error(202));
    expect(await faulty('quota', ask, '/latest')).toMatchObject({ status: 200, ...error(105, MONTHLY) });
    expect(await faulty('plan', ask, '/latest')).toEqual({
      status: 200,
      body: { success: false, error: { message: expect.stringContaining('plan') } },
    });
    expect(await faulty('rate-limited', ask, '/latest')).toMatchObject({ status: 429, ...error(104) });
    expect(await faulty('implausible', ask, '/latest?currencies=XAU')).toMatchObject({
      body: { rates: { XAU: GOLD } },
    });
  });
});

describe('as goldapi', () => {
  it('answers a pair in the path, with bid and ask', async () => {
    const { ask } = await start('goldapi', 'x-access-token');
    const { status, body } = await ask('/api/XAG/EUR');
    expect(status).toBe(200);
    expect(body).toMatchObject({ metal: 'XAG', currency: 'EUR', price: 25.34 / 1.0866, timestamp: seconds });
    const { bid, ask: offer, price } = body as Record<'bid' | 'ask' | 'price', number>;
    expect(bid < price && price < offer).toBe(true);
    expect((await ask('/XAU/USD')).body).toMatchObject({ price: GOLD });
  });

  it('refuses a key with 403, and knows no other place for it', async () => {
    const { ask, keyless } = await start('goldapi', 'x-access-token');
    expect(await keyless(`/api/XAU/USD?access_key=${KEY}&api_key=${KEY}`, { 'x-api-key': KEY })).toEqual({
      status: 403,
      body: { error: 'No API Key provided' },
    });
    expect(await ask('/api/XAU/USD', { 'x-access-token': 'another' })).toEqual({
      status: 403,
      body: { error: 'Invalid API Key' },
    });
  });

  it('refuses the rest in bare words', async () => {
    const { ask } = await start('goldapi', 'x-access-token');
    const words = (error: unknown = expect.any(String)): object => ({ error });
    expect(await ask('/api/latest')).toEqual({ status: 404, body: words() });
    for (const pair of ['XRH/USD', 'XAU/XXX', 'EUR/USD', 'XAU/XAG']) {
      expect(await ask(`/api/${pair}`)).toEqual({ status: 404, body: words() });
    }
    expect(await faulty('quota', ask, '/api/XAU/USD')).toEqual({ status: 403, body: words(MONTHLY) });
    expect(await faulty('plan', ask, '/api/XAU/USD')).toEqual({ status: 403, body: words() });
    expect(await faulty('rate-limited', ask, '/api/XAU/USD')).toEqual({ status: 429, body: words() });
    expect(await faulty('implausible', ask, '/api/XAU/USD')).toMatchObject({ body: { price: 1 / GOLD } });
  });
});

describe('as metals-dev', () => {
  const good = `/v1/latest?api_key=${KEY}`;

  it('has every metal by name, in one currency and unit', async () => {
    const { keyless } = await start('metals-dev', 'unused');
    const { body } = await keyless(`${good}&currency=EUR&unit=toz`);
    expect(body).toMatchObject({
      ...{ status: 'success', currency: 'EUR', unit: 'toz', currencies: { EUR: 1, USD: 1 / 1.0866 } },
      metals: { gold: GOLD / 1.0866, silver: 25.34 / 1.0866 },
      timestamps: { metal: expect.stringMatching(/Z$/), currency: expect.stringMatching(/Z$/) },
    });
    expect((await keyless(`${good}&unit=g`)).body).toMatchObject({
      currency: 'USD',
      metals: { gold: GOLD / 31.1034768 },
    });
  });

  it('takes the key from the query alone, and refuses under HTTP 200', async () => {
    const { keyless } = await start('metals-dev', 'unused');
    const failure = { status: 200, body: { status: 'failure', error_code: seconds } };
    expect(await keyless('/v1/latest', { 'x-api-key': KEY })).toMatchObject(failure);
    expect(await keyless('/v1/latest?api_key=another')).toMatchObject(failure);
    expect(await faulty('quota', keyless, good)).toMatchObject({ body: { status: 'failure', error_message: MONTHLY } });
    expect(await faulty('plan', keyless, good)).toMatchObject(failure);
    expect(await faulty('rate-limited', keyless, good)).toMatchObject({ ...failure, status: 429 });
    expect(await faulty('implausible', keyless, good)).toMatchObject({ body: { metals: { gold: 1 / GOLD } } });
    expect((await keyless(`${good}&currency=XXX`)).status).toBe(400);
    expect((await keyless(`${good}&unit=pound`)).status).toBe(400);
    expect((await keyless(`/v1/usage?api_key=${KEY}`)).status).toBe(404);
  });
});

describe('as api-ninjas', () => {
  it('has gold at one path and three metals at another', async () => {
    const { ask } = await start('api-ninjas', 'X-Api-Key');
    expect(await ask('/v1/goldprice')).toEqual({ status: 200, body: { price: GOLD, updated: seconds } });
    expect((await ask('/commodityprice?name=silver')).body).toMatchObject({ name: 'silver', price: 25.34 });
    expect((await ask('/commodityprice?names=silver,gold&currency=EUR&unit=kilogram')).body).toMatchObject([
      { name: 'silver', price: 25.34 / 1.0866 / 0.0311034768, currency_unit: 'EUR', unit: 'kilogram' },
      { name: 'gold' },
    ]);
    expect(await ask('/v1/commodityprice?name=tin')).toMatchObject({ status: 400 });
    expect(await ask('/v1/commodityprice')).toMatchObject({ status: 400 });
    expect(await ask('/v2/goldprice')).toMatchObject({ status: 403, body: { message: expect.any(String) } });
  });

  it('refuses a key with 400 and words', async () => {
    const { ask, keyless } = await start('api-ninjas', 'X-Api-Key');
    expect((await keyless(`/v1/goldprice?X-Api-Key=${KEY}`)).status).toBe(200);
    expect(await keyless('/v1/goldprice')).toEqual({ status: 400, body: { error: 'Missing API Key.' } });
    expect(await ask('/v1/goldprice', { 'X-Api-Key': 'another' })).toEqual({
      status: 400,
      body: { error: 'Invalid API Key.' },
    });
    expect(await faulty('quota', ask, '/goldprice')).toEqual({ status: 429, body: { error: MONTHLY } });
    expect(await faulty('plan', ask, '/goldprice')).toMatchObject({ status: 400 });
    expect(await faulty('rate-limited', ask, '/goldprice')).toMatchObject({ status: 429 });
    expect(await faulty('implausible', ask, '/goldprice')).toMatchObject({ body: { price: 1 / GOLD } });
  });
});

describe('as twelve-data', () => {
  it('has numbers as strings, one symbol bare and several in a map', async () => {
    const { ask } = await start('twelve-data', 'Authorization', 'apikey ');
    expect((await ask('/price?symbol=XAU/USD')).body).toEqual({ price: String(GOLD) });
    expect((await ask('/quote?symbol=XAU/USD')).body).toMatchObject({
      ...{ symbol: 'XAU/USD', close: String(GOLD), timestamp: seconds, last_quote_at: seconds },
    });
    expect(await ask('/quote?symbol=XAU/USD,XXX/USD,XAG/EUR')).toMatchObject({
      status: 200,
      body: {
        'XAU/USD': { close: String(GOLD) },
        'XXX/USD': { code: 404, status: 'error' },
        'XAG/EUR': { close: String(25.34 / 1.0866) },
      },
    });
  });

  it('refuses with a code that is its status', async () => {
    const { ask, keyless } = await start('twelve-data', 'Authorization', 'apikey ');
    const error = (code: number, message: unknown = expect.any(String)): object => ({
      status: code,
      body: { code, message, status: 'error' },
    });
    expect((await keyless(`/price?symbol=XAU/USD&apikey=${KEY}`)).status).toBe(200);
    expect(await keyless('/price?symbol=XAU/USD', { authorization: KEY })).toEqual(error(401));
    expect(await keyless('/price?symbol=XAU/USD')).toEqual(error(401));
    expect(await ask('/quote?symbol=XXX')).toEqual(error(404));
    expect(await ask('/quote')).toEqual(error(404));
    expect(await ask('/latest')).toEqual(error(404));
    expect(await faulty('quota', ask, '/quote')).toEqual(error(429, expect.stringContaining('for the current day')));
    expect(await faulty('rate-limited', ask, '/quote')).toEqual(error(429, expect.stringContaining('current minute')));
    expect(await faulty('plan', ask, '/quote')).toEqual(error(403));
    expect(await faulty('implausible', ask, '/price?symbol=XAU/USD')).toMatchObject({
      body: { price: String(1 / GOLD) },
    });
  });
});
