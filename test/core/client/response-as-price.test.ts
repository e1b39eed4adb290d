import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { GoldDataClient, KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const KEY = 'sk_live_of_a_response_01';
const told: unknown[] = [];
const listen = (message: unknown): void => void told.push(message);

afterEach(() => {
  unsubscribe('goldkey:response-as-price', listen);
  told.length = 0;
});

describe('a `fetchPrice` that returns a Response', () => {
  it('resolves to it, and is told of once a client, with its status and no key', async () => {
    subscribe('goldkey:response-as-price', listen);
    const gold = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: KEY }),
      retry: false,
      fetchPrice: async (_symbol: string, { apiKey }) =>
        new Response(`no price for ${apiKey}`, { status: 500, headers: { 'x-key': apiKey } }),
    });

    const answers = [await gold.getPrice('XAU'), await gold.getPrice('XAU')];

    expect(answers.map(({ status }) => status)).toEqual([500, 500]);
    expect(told).toEqual([{ name: 'memory', status: 500 }]);
    expect(JSON.stringify(told)).not.toContain(KEY);
    await gold.close();
  });

  it('is nothing to tell of in `withKey`, which is for any answer', async () => {
    subscribe('goldkey:response-as-price', listen);
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });

    await client.withKey(async () => new Response('ok'));

    expect(told).toEqual([]);
    await client.close();
  });
});
