import { describe, expect, it, vi, type TestContext } from 'vitest';
import type { RingStore } from '../../../src/rotation/ring/types.js';
import { failure, RACERS, write, type Hosts } from './ring-places.js';
import { sampleRing } from './sample-ring.js';

/** Long enough for a server under load, short enough to wait for. */
const SHORT_LEASE = 150;

type Lease = NonNullable<Awaited<ReturnType<NonNullable<RingStore['lease']>>>>;

/** What every store's lease does; without one the claims are skipped, visibly. */
export function leaseContract(name: string, { many, one, two }: Hosts): void {
  describe(`${name}: the lease`, () => {
    const leasing = (store: RingStore, context: TestContext): ((holder: string, ttl?: number) => Promise<Lease>) => {
      if (store.lease === undefined) context.skip('this store has no lease');
      return async (holder, ttl = 60_000) => {
        const lease = await store.lease?.(holder, ttl);
        if (lease === undefined) throw new Error(`${holder} did not get the lease.`);
        return lease;
      };
    };

    it('has one holder; when it is released the next one gets a larger number', async (context) => {
      const { store, other } = await two();
      const first = await leasing(store, context)('one');

      expect(await other.lease?.('two', 60_000)).toBeUndefined();
      await first.release();
      const second = await leasing(other, context)('two');

      expect(second.fence).toBeGreaterThan(first.fence);
      await second.release();
    });

    it('of 20 hosts that ask at once one gets it', async (context) => {
      const { stores } = await many(RACERS);
      leasing(stores[0] as RingStore, context);

      const leases = await Promise.all(stores.map((store, index) => store.lease?.(`host-${String(index)}`, 60_000)));

      expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
    });

    it('ends by itself, and the next holder gets a larger number', async (context) => {
      const { store, other } = await two();
      const first = await leasing(store, context)('one', SHORT_LEASE);

      const second = await vi.waitUntil(() => other.lease?.('two', 60_000), { timeout: 10_000, interval: 20 });

      expect(second.fence).toBeGreaterThan(first.fence);
      expect(await store.lease?.('one', 60_000)).toBeUndefined();
    });

    it('that has passed on is not ended by its former holder', async (context) => {
      const { store, other } = await two();
      const first = await leasing(store, context)('one', SHORT_LEASE);
      const second = await vi.waitUntil(() => other.lease?.('two', 60_000), { timeout: 10_000, interval: 20 });

      await first.release();

      expect(await store.lease?.('one', 60_000)).toBeUndefined();
      await second.release();
      await first.release();
      expect(await store.lease?.('one', 60_000)).toBeDefined();
    });

    it('is renewed by its holder, with the same number', async (context) => {
      const { store, other } = await two();
      const first = await leasing(store, context)('one', SHORT_LEASE);

      const again = await leasing(store, context)('one');
      const before = performance.now();
      await vi.waitUntil(() => performance.now() - before > 2 * SHORT_LEASE, { timeout: 10_000 });

      expect(again.fence).toBe(first.fence);
      expect(await other.lease?.('two', 60_000)).toBeUndefined();
    });

    it('never touches the ring', async (context) => {
      const { place, store } = await one();
      await store.write(sampleRing(1), { revision: 0 });
      const before = await place.stored();

      const lease = await leasing(store, context)('one');
      await lease.release();

      expect(await place.stored()).toBe(before);
      await write(store, sampleRing(2));
    });

    it('needs no ring', async (context) => {
      const { store } = await one();

      const lease = await leasing(store, context)('one');

      expect(await store.read()).toBeUndefined();
      await lease.release();
    });

    it.each([['', 1_000] as const, ['one', 0] as const, ['one', Number.NaN] as const, ['one', 1.5] as const])(
      'for %j and %s ms is refused',
      async (holder, ttl) => {
        const { store } = await one();

        const asked = (async () => store.lease?.(holder, ttl))();

        if (store.lease !== undefined) expect(await failure(asked)).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      },
    );
  });
}
