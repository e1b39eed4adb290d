import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../../src/index.js';
import { assertNoSecret, memoryKeyProvider } from '../../../../src/testing/index.js';

const KEY = 'sk_live_4f9aQ2zP7x';
const makeForeign = (text: string): unknown =>
  runInNewContext('({ a: 1, b: [1, { c: text }], m: new Map([[1, text]]) })', { text });

describe('objects of another realm', () => {
  it('are kept where they hold no key, and lose it where they do', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
    await client.prefetch();
    const harmless = makeForeign('text');
    expect(client.redact({ harmless }).harmless).toBe(harmless);
    const clean = client.redact({ found: makeForeign(`x ${KEY}`) });
    assertNoSecret(clean, KEY);
    expect(clean).toMatchObject({ found: { a: 1, b: [1, { c: 'x [REDACTED]' }] } });
    await client.close();
  });

  it('stay on an error that leaves a call', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
    const error: unknown = await client
      .withKey(async ({ apiKey }) => {
        throw Object.assign(new Error(apiKey), { headers: runInNewContext('({ age: "1" })') as object });
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ headers: { age: '1' } });
    await client.close();
  });
});
