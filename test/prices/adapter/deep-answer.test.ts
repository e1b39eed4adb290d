import { describe, expect, it } from 'vitest';
import { GoldDataClient } from '../../../src/index.js';
import { goldApi } from '../../../src/prices/index.js';
import { assertNoSecret, memoryKeyProvider } from '../../../src/testing/index.js';

const KEY = 'sk_live_4f9aQ2zP7x';
const ask = async (text: string): Promise<unknown> => {
  const client = new GoldDataClient({
    keyProvider: memoryKeyProvider({ current: KEY }),
    ...goldApi({ fetch: async () => new Response(text) }),
    retry: false,
  });
  return client.getPrice('XAU').catch((error: unknown) => error);
};
const answer = (more: string): string => `{"timestamp":${String(Math.floor(Date.now() / 1000))},"price":2100,${more}}`;

describe('an odd answer', () => {
  it.each(['\\u0041', KEY])('nested without end, with %s in it, is a failure of the price API', async (text) => {
    const levels = 50_000;
    const outcome = await ask(answer(`"text":"${text}","deep":${'['.repeat(levels)}${']'.repeat(levels)}`));
    expect(outcome).toMatchObject({ code: 'ERR_GOLDKEY_PRICE_API' });
  });

  it('that lists the bytes of the key keeps none of them in `raw`', async () => {
    const outcome = await ask(answer(`"echo":[${[...Buffer.from(KEY)].join()}]`));
    expect(outcome).toMatchObject({ price: 2100 });
    assertNoSecret(outcome, KEY);
  });
});
