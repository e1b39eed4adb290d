import { describe, expect, it } from 'vitest';
import { A, B, scene } from '../scene.js';

describe('a cold client in a canary', () => {
  it('takes part with its first call, as with those that wait beside it', async () => {
    const { store, client, api } = scene({}, { current: A, pending: B });
    api.live.add(B);
    store.roll({ id: 'one', pendingPercent: 100 });

    const prices = await Promise.all([client.withKey(api.fetch), client.withKey(api.fetch), client.withKey(api.fetch)]);

    expect(prices).toEqual([`price by ${B}`, `price by ${B}`, `price by ${B}`]);
  });

  it('uses `current` with its first call while nobody takes part', async () => {
    const { store, client, api } = scene({}, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 0 });

    expect(await client.withKey(api.fetch)).toBe(`price by ${A}`);
  });

  it('falls back on `current` with its first call when the canary’s key cannot be loaded', async () => {
    const { store, client, api } = scene({}, { current: A });
    store.roll({ id: 'one', pendingPercent: 100 });

    expect(await client.withKey(api.fetch)).toBe(`price by ${A}`);
  });
});
