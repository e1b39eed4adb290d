import { describe, expect, it } from 'vitest';
import { GoldDataClient, KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });

describe('options', () => {
  it.each([{ retry: null }, { retry: { factor: null } }, { retry: { randomize: null } }])(
    'refuse null: %j',
    (options) => {
      expect(() => new KeyedClient({ keyProvider, ...(options as object) })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }) as Error,
      );
    },
  );

  it('take a promise of `isTransient` for no answer: a price that was fetched is not fetched again', async () => {
    let runs = 0;
    const client = new GoldDataClient({
      keyProvider,
      retry: { minTimeout: 0 },
      isTransient: (async () => Promise.resolve(false)) as never,
      fetchPrice: async () => Promise.resolve(++runs),
    });
    await expect(client.getPrice()).rejects.toThrow(
      '`isTransient` must return a boolean, got a promise; only `isKeyRejected` may be async.',
    );
    expect(runs).toBe(1);
  });
});
