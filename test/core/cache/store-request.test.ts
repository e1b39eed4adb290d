import { describe, expect, it } from 'vitest';
import { noteStoreRequest, type StoreRequest } from '../../../src/core/index.js';
import { KeyedClient, type KeyEvents, type LoadedKey } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { FIRST } from '../helpers.js';

const BYTES = (): Uint8Array => new TextEncoder().encode(FIRST);

/** What the `loaded` event and the status tell of a key that a store gave so. */
async function load(key: Partial<LoadedKey>): Promise<{ event: KeyEvents['loaded']; createdAt: number | undefined }> {
  const keyProvider = { name: 'store', load: async () => ({ bytes: BYTES(), version: '1', ...key }) };
  const client = new KeyedClient({ keyProvider, clock: manualClock() });
  const events: Array<KeyEvents['loaded']> = [];
  client.on('loaded', (event) => events.push(event));
  await client.prefetch();
  return { event: events[0] as KeyEvents['loaded'], createdAt: client.status().createdAt };
}

const loadNoted = (request: StoreRequest): ReturnType<typeof load> =>
  load({ bytes: noteStoreRequest(BYTES(), request) });

describe('the request that brought a key', () => {
  it('is told by the `loaded` event', async () => {
    const request = { keyId: 'arn:aws:kms:eu-west-1:111122223333:key/1', requestId: 'a1b2' };
    expect((await loadNoted(request)).event).toMatchObject(request);
  });

  it('may have names of up to 2,048 characters', async () => {
    const request = { keyId: 'x'.repeat(2_048), requestId: 'y'.repeat(2_048) };
    expect((await loadNoted(request)).event).toMatchObject(request);
  });

  it('is left out where the store notes none', async () => {
    const { event } = await load({});
    expect(event).not.toHaveProperty('keyId');
    expect(event).not.toHaveProperty('requestId');
  });

  it.each<[string, unknown]>([
    ['that holds the key', `request of ${FIRST}`],
    ['that holds the key in base64', Buffer.from(FIRST).toString('base64')],
    ['that is no text', 17],
    ['that is very long', 'x'.repeat(2_049)],
  ])('loses a name %s', async (_what, name) => {
    const { event } = await loadNoted({ keyId: name as string, requestId: name as string });
    expect(event).not.toHaveProperty('keyId');
    expect(event).not.toHaveProperty('requestId');
  });
});

describe('the creation of a key', () => {
  it('is told by the status if the store tells it', async () => {
    expect((await load({ createdAt: 1_700_000_000_000 })).createdAt).toBe(1_700_000_000_000);
  });

  it.each([undefined, NaN, Infinity])('is not told if the store says %s', async (createdAt) => {
    expect((await load({ createdAt })).createdAt).toBeUndefined();
  });

  it('stays known when the store says that the key has not changed', async () => {
    const clock = manualClock();
    const keyProvider = {
      name: 'store',
      load: async ({ known }: { known?: readonly string[] | undefined }) =>
        known?.includes('1') === true
          ? ({ unchanged: true, version: '1' } as const)
          : { bytes: BYTES(), version: '1', createdAt: 5 },
    };
    const client = new KeyedClient({ keyProvider, clock, ttl: 1_000, ttlJitter: 0 });
    await client.prefetch();
    const first = client.status();
    await clock.advance(1_500);
    await client.prefetch();
    expect(client.status().loadedAt).toBeGreaterThan(first.loadedAt ?? Infinity);
    expect(client.status().createdAt).toBe(5);
  });
});
