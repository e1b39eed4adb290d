// Time without waiting, for any runner. Here vitest; Jest and node:test do the same.
import { GoldDataClient, KeyProviderError } from 'goldkey';
import { manualClock, memoryKeyProvider, recordCalls } from 'goldkey/testing';
import { expect, it } from 'vitest';
import { priceAlert } from './price-alert.mjs';

const KEY = 'invented-key-0001';

it('the last good key serves while the store is down', async () => {
  const clock = manualClock();
  const keyProvider = memoryKeyProvider({ current: KEY });
  const fetchPrice = recordCalls(async () => ({ price: 2_100, currency: 'USD' }));
  const gold = new GoldDataClient({ keyProvider, clock, fetchPrice });

  await priceAlert(gold, { symbol: 'XAU', above: 2_000 });
  keyProvider.failWith(() => new KeyProviderError('the store is down'));
  // More than the five minutes of a key's life.
  await clock.advance(400_000);

  expect(await priceAlert(gold, { symbol: 'XAU', above: 2_000 })).toBe('XAU is at 2100.00 USD');
  expect(fetchPrice.calls.map(({ apiKey }) => apiKey)).toEqual([KEY, KEY]);
  await gold.close();
});
