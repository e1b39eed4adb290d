import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { serializeRing } from '../../../src/rotation/ring/serialize.js';
import type { KeyRingDocument, RingStore } from '../../../src/rotation/ring/types.js';
import { leaseContract } from './lease-contract.js';
import { noticeContract } from './notice-contract.js';
import { expectNoCiphertext, failure, hostsOn, RACERS, write, type RingPlace } from './ring-places.js';
import { sampleRing } from './sample-ring.js';
import { useContract } from './use-contract.js';

const WRITES = 50;

/**
 * What every ring store does, told as one suite. `create` gives a fresh place for each test; a store without leases or
 * notices skips those claims, visibly.
 */
export function ringStoreContract(name: string, create: () => Promise<RingPlace>): void {
  const hosts = hostsOn(create);
  const { many, one, two } = hosts;

  describe(`${name}: reading and writing`, () => {
    it('a ring that is not there reads as undefined', async () => {
      const { store } = await one();

      expect(await store.read()).toBeUndefined();
    });

    it('the first write is read back whole, fields of a later version included', async () => {
      const { store, other } = await two();
      const ring = Object.assign(sampleRing(1), { laterField: { nested: [1, 'é€😀'] } });

      await store.write(ring, { revision: 0 });

      expect((await other.read())?.ring).toEqual(ring);
    });

    it('the stored text is the ring’s own, the same for the same ring', async () => {
      const { place, store } = await one();
      const ring = sampleRing(1);

      await store.write(ring, { revision: 0 });

      expect(await place.stored()).toBe(serializeRing(ring, 'test'));
    });

    it('a write decided on the stored revision replaces it', async () => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const next = sampleRing(2);

      await write(other, next);

      expect((await store.read())?.ring).toEqual(next);
    });

    it.each([
      ['an older revision', 1, 3],
      ['a newer revision', 3, 4],
      ['there being no ring', 0, 1],
    ])('a write decided on %s is a RingConflictError and changes nothing', async (_, expected, revision) => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const second = sampleRing(2);
      await write(store, second);
      const { token } = (await other.read()) ?? {};

      const error = await failure(other.write(sampleRing(revision), { revision: expected, token }));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_RING_CONFLICT', retryable: true, provider: store.name });
      expectNoCiphertext(error);
      expect((await store.read())?.ring).toEqual(second);
    });

    it('a write decided on a ring that has gone is a RingConflictError and makes none', async () => {
      const { store } = await one();

      const error = await failure(store.write(sampleRing(2), { revision: 1 }));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_RING_CONFLICT' });
      expect(await store.read()).toBeUndefined();
    });

    it('of 20 hosts that write revision 2 at once one wins, and the others are told', async () => {
      const { stores } = await many(RACERS);
      const [first] = stores as [RingStore];
      await first.write(sampleRing(1), { revision: 0 });
      const rings = stores.map(() => sampleRing(2));
      const reads = await Promise.all(stores.map((store) => store.read()));

      const outcomes = await Promise.allSettled(
        stores.map((store, index) =>
          store.write(rings[index] as KeyRingDocument, { revision: 1, token: reads[index]?.token }),
        ),
      );

      const winners = rings.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      const losses = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
      expect(winners).toHaveLength(1);
      for (const loss of losses) expect(loss).toMatchObject({ code: 'ERR_GOLDKEY_RING_CONFLICT' });
      expect((await first.read())?.ring).toEqual(winners[0]);
    });

    it('of 20 hosts that make the ring at once one wins', async () => {
      const { stores } = await many(RACERS);
      const rings = stores.map(() => sampleRing(1));

      const outcomes = await Promise.allSettled(
        stores.map((store, index) => store.write(rings[index] as KeyRingDocument, { revision: 0 })),
      );

      const winners = rings.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      expect((await stores[0]?.read())?.ring).toEqual(winners[0]);
    });

    it('a reader never sees half a ring, nor an older one, while 50 writes go on', async () => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const writer = { isDone: false };
      const seen: number[] = [];
      const reading = (async () => {
        // A store that reads without waiting must leave the writer its turn.
        for (; !writer.isDone; await setImmediate()) seen.push((await other.read())?.ring.revision ?? 0);
      })();

      try {
        for (let revision = 2; revision <= WRITES + 1; revision++) {
          await write(store, sampleRing(revision));
        }
      } finally {
        writer.isDone = true;
      }
      await reading;

      expect(seen.length).toBeGreaterThan(0);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(seen[0]).toBeGreaterThan(0);
    });

    it.each([
      ['cut short', (text: string) => text.slice(0, text.length / 2)],
      ['empty', () => ''],
      ['JSON, but no ring', () => '{"revision":1}'],
      ['no JSON', (text: string) => `<html>${text}`],
      ['a ring whose `current` points nowhere', (text: string) => text.replace('"current": "v1"', '"current": "v9"')],
    ])('a stored text that is %s is told of, and the next write does not destroy it', async (_, spoil) => {
      const { place, store } = await one();
      const ring = sampleRing(1);
      await store.write(ring, { revision: 0 });
      const { token } = (await store.read()) ?? {};
      const spoilt = spoil(serializeRing(ring, 'test'));
      await place.spoil(spoilt);

      const read = await failure(store.read());
      const written = await failure(store.write(sampleRing(2), { revision: 1, token }));
      const made = await failure(store.write(sampleRing(1), { revision: 0 }));

      expect(read).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: store.name });
      expect((read as Error).message).toMatch(/^The key ring is invalid/);
      for (const error of [written, made]) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_GOLDKEY_(PROVIDER|RING_CONFLICT)$/) });
      }
      for (const error of [read, written, made]) expectNoCiphertext(error);
      expect(await place.stored()).toBe(spoilt);
    });

    it('a signal that has aborted rejects with its reason, and nothing is written', async () => {
      const { store } = await one();
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);

      expect(await failure(store.read({ signal }))).toBe(reason);
      expect(await failure(store.write(sampleRing(1), { revision: 0 }, { signal }))).toBe(reason);
      expect(await store.read()).toBeUndefined();
    });

    it('a store that was closed is there again when it is used', async () => {
      const { store } = await one();
      const ring = sampleRing(1);
      await store.close?.();
      await store.write(ring, { revision: 0 });

      await store.close?.();
      await store.close?.();

      expect((await store.read())?.ring).toEqual(ring);
    });

    it('shows nothing but its name and functions', async () => {
      const { store } = await one();
      await store.write(sampleRing(1), { revision: 0 });

      expectNoCiphertext(store);
      expect(JSON.parse(JSON.stringify(store))).toEqual({ name: store.name });
    });
  });

  leaseContract(name, hosts);
  useContract(name, hosts);
  noticeContract(name, hosts);
}
