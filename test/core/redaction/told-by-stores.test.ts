import { inspect } from 'node:util';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, vi } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';

const KEY = 'sk_live_4f9aQ2zP7x';
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('what leaves a client', () => {
  it('shows no key in the error with which closing the store ends', async () => {
    const client = new KeyedClient({
      keyProvider: {
        name: 'p',
        load: async () => ({ bytes: encode(KEY), version: '1' }),
        close: async () => Promise.reject(new Error(`cannot sign out ${KEY}`)),
      },
    });
    await client.prefetch();
    const error: unknown = await client.close().catch((thrown: unknown) => thrown);
    expect(inspect(error)).not.toContain(KEY);
  });

  it('shows no key in the reason of an `evicted` event', async () => {
    const client = new KeyedClient({
      keyProvider: { name: 'p', load: async () => ({ bytes: encode(KEY), version: '1' }) },
    });
    const seen: unknown[] = [];
    client.on('evicted', (payload) => seen.push(payload));
    await client.prefetch();
    client.evict(`${KEY} leaked`);
    expect(seen).toHaveLength(1);
    assertNoSecret(seen, KEY);
    await client.close();
  });

  it('is no version that holds the key: the answer is refused', async () => {
    const client = new KeyedClient({
      keyProvider: { name: 'p', load: async () => ({ bytes: encode(KEY), version: `v-${KEY}` }) },
    });
    const seen: unknown[] = [];
    client.on('loaded', (payload) => seen.push(payload));
    const error: unknown = await client.prefetch().catch((thrown: unknown) => thrown);
    assertNoSecret([seen, client.status(), error], KEY);
    expect(error).toMatchObject({ message: expect.stringContaining('`version`') as unknown });
    await client.close();
  });

  it("does not name the class of a listener's error where that name could be a key", async () => {
    const seen: unknown[] = [];
    const listen = (message: unknown): void => void seen.push(message);
    subscribe('goldkey:listener-failed', listen);
    const client = new KeyedClient({
      keyProvider: { name: 'p', load: async () => ({ bytes: encode(KEY), version: '1' }) },
    });
    client.on('loaded', () => {
      throw Object.assign(new Error('x'), { name: KEY });
    });
    await client.prefetch();
    unsubscribe('goldkey:listener-failed', listen);
    expect(seen).toHaveLength(1);
    assertNoSecret(seen, KEY);
    await client.close();
  });

  it('is an error that says so where an error could not be searched', async () => {
    const client = new KeyedClient({
      keyProvider: { name: 'p', load: async () => ({ bytes: encode(KEY), version: '1' }) },
    });
    await client.prefetch();
    vi.stubGlobal('performance', undefined);
    const error: unknown = await client
      .withKey(async ({ apiKey }) => Promise.reject(new Error(apiKey)))
      .catch((thrown: unknown) => thrown)
      .finally(() => vi.unstubAllGlobals());
    expect(error).toMatchObject({ message: expect.stringContaining('could not be searched') as unknown });
    assertNoSecret(error, KEY);
    await client.close();
  });
});
