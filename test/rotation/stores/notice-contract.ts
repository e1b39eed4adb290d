import { describe, expect, it, vi, type TestContext } from 'vitest';
import type { RingStore } from '../../../src/rotation/ring/types.js';
import { write, type Hosts } from './ring-places.js';
import { sampleRing } from './sample-ring.js';

interface Listening {
  onChange: ReturnType<typeof vi.fn<() => void>>;
  leave(): Promise<void>;
}

/** What every store that tells of changes does; of one that does not the claims are skipped, visibly. */
export function noticeContract(name: string, { two }: Hosts): void {
  describe(`${name}: change notices`, () => {
    const listening = async (store: RingStore, context: TestContext): Promise<Listening> => {
      if (store.subscribe === undefined) context.skip('this store tells of no changes');
      const onChange = vi.fn<() => void>();
      const unsubscribe = await store.subscribe?.(onChange);
      onChange.mockClear();
      return { onChange, leave: async () => unsubscribe?.() };
    };

    it('a write by another host is told of', async (context) => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const { onChange, leave } = await listening(store, context);

      await write(other, sampleRing(2));

      await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), { timeout: 10_000 });
      expect((await store.read())?.ring.revision).toBe(2);
      await leave();
    });

    it('a ring that is made is told of', async (context) => {
      const { store, other } = await two();
      const { onChange, leave } = await listening(store, context);

      await other.write(sampleRing(1), { revision: 0 });

      await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), { timeout: 10_000 });
      await leave();
    });

    it('who has left is told nothing', async (context) => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const gone = await listening(store, context);
      const staying = await listening(other, context);

      await gone.leave();
      await gone.leave();
      gone.onChange.mockClear();
      await write(other, sampleRing(2));
      await vi.waitFor(() => expect(staying.onChange).toHaveBeenCalled(), { timeout: 10_000 });

      expect(gone.onChange).not.toHaveBeenCalled();
      await staying.leave();
    });

    it('a listener that throws harms nobody', async (context) => {
      const { store, other } = await two();
      await store.write(sampleRing(1), { revision: 0 });
      const { onChange, leave } = await listening(store, context);
      onChange.mockImplementation(() => {
        throw new Error('A listener that fails.');
      });

      await write(other, sampleRing(2));
      await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), { timeout: 10_000 });
      onChange.mockClear();
      await write(other, sampleRing(3));

      await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), { timeout: 10_000 });
      await leave();
    });
  });
}
