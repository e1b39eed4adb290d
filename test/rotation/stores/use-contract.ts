import { describe, expect, it, type TestContext } from 'vitest';
import type { KeyUse, RingStore } from '../../../src/rotation/index.js';
import { RACERS, write, type Hosts } from './ring-places.js';
import { sampleRing } from './sample-ring.js';

const use = (instance: string, version: string, ago = 0): KeyUse => ({ instance, version, at: Date.now() - ago });
const byInstance = (a: KeyUse, b: KeyUse): number => (a.instance < b.instance ? -1 : 1);

/** What every store's use reports do; without them the claims are skipped, visibly. */
export function useContract(name: string, { many, one, two }: Hosts): void {
  describe(`${name}: the use reports`, () => {
    const reporting = (store: RingStore, context: TestContext): Required<Pick<RingStore, 'reportUse' | 'readUse'>> => {
      const { reportUse, readUse } = store;
      if (reportUse === undefined || readUse === undefined) context.skip('this store keeps no use reports');
      return {
        reportUse: reportUse as NonNullable<typeof reportUse>,
        readUse: async (options) => [...(await (readUse as NonNullable<typeof readUse>)(options))].toSorted(byInstance),
      };
    };

    it('are none at first; then the last one of each instance, whatever its name', async (context) => {
      const { store, other } = await two();
      const [writer, reader] = [reporting(store, context), reporting(other, context)];

      expect(await reader.readUse()).toEqual([]);
      const [a, b] = [use('host:1/../ü "é" 😀', 'v1', 5_000), use('host:2', 'v1')];
      await writer.reportUse(a);
      await writer.reportUse(b);
      expect(await reader.readUse()).toEqual([a, b].toSorted(byInstance));
      const moved = { ...a, version: 'v2', at: a.at + 4_000 };
      await writer.reportUse(moved);
      expect(await reader.readUse()).toEqual([moved, b].toSorted(byInstance));
    });

    it('of many instances at once all arrive', async (context) => {
      const { stores } = await many(RACERS);
      const uses = stores.map((_, index) => use(`host-${String(index).padStart(3, '0')}`, 'v1'));

      await Promise.all(stores.map((store, index) => reporting(store, context).reportUse(uses[index] as KeyUse)));

      expect(await reporting(stores[0] as RingStore, context).readUse()).toEqual(uses);
    });

    it('change neither the ring nor its revision', async (context) => {
      const { place, store } = await one();
      const ring = sampleRing(1);
      await write(store, ring);
      const before = await place.stored();

      await reporting(store, context).reportUse(use('host', 'v1'));

      expect(await place.stored()).toBe(before);
      expect((await store.read())?.ring).toEqual(ring);
    });
  });
}
