import { describe, expect, it, vi } from 'vitest';
import { GoldDataClient, judgingOnlyResponses, type Outcome } from '../../../src/core/index.js';
import { memoryKeyProvider } from '../../../src/testing/memory-provider.js';

/** How often a check is asked about the result of one call. */
async function askedAbout(result: unknown, mark: (check: (outcome: Outcome) => boolean) => typeof check) {
  const isKeyRejected = vi.fn((_outcome: Outcome) => false);
  const gold = new GoldDataClient<unknown>({
    keyProvider: memoryKeyProvider({ current: 'test-key-0001' }),
    fetchPrice: async () => result,
    isKeyRejected: mark(isKeyRejected),
    retry: false,
  });
  await gold.getPrice();
  isKeyRejected.mockClear();
  await gold.getPrice();
  await gold.close();
  return isKeyRejected.mock.calls.length;
}

describe('a check of results', () => {
  it('is asked about every result', async () => {
    expect(await askedAbout({ price: 2000 }, (check) => check)).toBe(1);
  });

  it('that judges only responses is asked about those, and about no other result', async () => {
    expect(await askedAbout({ price: 2000 }, judgingOnlyResponses)).toBe(0);
    expect(await askedAbout(new Response('2000'), judgingOnlyResponses)).toBe(1);
  });
});
