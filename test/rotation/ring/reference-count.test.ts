import { describe, expect, it } from 'vitest';
import { countReferences } from '../../../src/rotation/ring/reference-count.js';

/** A store or a cipher that notes how often it was closed. */
function part(): { close(): Promise<void>; closed: number } {
  const own = {
    closed: 0,
    async close() {
      await Promise.resolve();
      own.closed++;
    },
  };
  return own;
}

describe('what providers share', () => {
  it('is closed by the last of them, each part for itself', async () => {
    const [store, mine, yours] = [part(), part(), part()];
    const [one, other] = [countReferences([store, mine]), countReferences([store, yours])];
    one.acquire();
    other.acquire();

    await one.release();
    expect([store.closed, mine.closed, yours.closed]).toEqual([0, 1, 0]);
    await other.release();
    expect([store.closed, mine.closed, yours.closed]).toEqual([1, 1, 1]);
  });

  it('counts a provider once, however often it is used or closed', async () => {
    const store = part();
    const [one, other] = [countReferences([store]), countReferences([store])];
    await one.release();
    expect(store.closed).toBe(0);
    one.acquire();
    one.acquire();
    other.acquire();

    await one.release();
    await one.release();
    expect(store.closed).toBe(0);
    await other.release();
    expect(store.closed).toBe(1);
  });

  it('is closed again by a provider that was used again after it was closed', async () => {
    const store = part();
    const one = countReferences([store]);
    for (let time = 0; time < 2; time++) {
      one.acquire();
      await one.release();
    }

    expect(store.closed).toBe(2);
  });

  it('need not be closable', async () => {
    const one = countReferences([{}]);
    one.acquire();

    await expect(one.release()).resolves.toBeUndefined();
  });
});
