// The runner's own fake timers. In Jest: jest.useFakeTimers() and jest.advanceTimersByTimeAsync().
import { GoldDataClient } from 'goldkey';
import { memoryKeyProvider } from 'goldkey/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('a key is loaded again when its five minutes are over', async () => {
  const keyProvider = memoryKeyProvider({ current: 'invented-key-0001' });
  const gold = new GoldDataClient({ keyProvider, fetchPrice: async () => 2_100 });

  await gold.getPrice('XAU');
  await gold.getPrice('XAU');
  expect(keyProvider.loads).toBe(1);
  await vi.advanceTimersByTimeAsync(300_001);
  await gold.getPrice('XAU');

  expect(keyProvider.loads).toBe(2);
  await gold.close();
});
