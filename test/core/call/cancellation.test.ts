import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../../src/core/call/cancellation.js';
import { getCancellation, GoldDataClient, type CancellationSignal, type KeyContext } from '../../../src/core/index.js';
import { manualClock } from '../../../src/testing/manual-clock.js';
import { memoryKeyProvider } from '../../../src/testing/memory-provider.js';
import { failure } from '../../providers/loading.js';

/** A call whose function hangs until its ending is told. */
function hanging(): { gold: GoldDataClient<string>; clock: ReturnType<typeof manualClock>; seen: string[] } {
  const clock = manualClock();
  const seen: string[] = [];
  const gold = new GoldDataClient<string>({
    clock,
    retry: false,
    keyProvider: memoryKeyProvider({ current: 'test-key-0001' }),
    fetchPrice: (_, context) => {
      const ending = getCancellation(context) as CancellationSignal;
      const forgotten = (): void => void seen.push('forgotten');
      ending.addEventListener('abort', forgotten);
      ending.addEventListener('abort', () => seen.push(`told: ${String(ending.reason)}`));
      ending.removeEventListener('abort', forgotten);
      seen.push(`aborted: ${String(ending.aborted)}`);
      return new Promise<string>(() => undefined);
    },
  });
  return { gold, clock, seen };
}

describe('the ending of a call, for our own adapters', () => {
  it('is told at the deadline, after the caller has the error', async () => {
    const { gold, clock, seen } = hanging();
    const call = failure(gold.getPrice('XAU', { timeout: 500 }));
    await gold.prefetch();

    await clock.advance(500);

    expect(await call).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(seen).toEqual(['aborted: false', expect.stringMatching(/^told: CallTimeoutError/)]);
  });

  it('is told when the caller aborts, and when the client is closed at once', async () => {
    const { gold, seen } = hanging();
    const controller = new AbortController();
    const aborted = failure(gold.getPrice('XAU', { signal: controller.signal }));
    const closed = failure(gold.getPrice('XAU'));
    await gold.prefetch();

    controller.abort('enough');
    await gold.close({ signal: AbortSignal.abort() });

    expect(await aborted).toBe('enough');
    expect(await closed).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(seen.slice(2)).toEqual(['told: enough', expect.stringMatching(/^told: ClientClosedError/)]);
  });

  it('is not to be had of a settled call, nor of a context that is not ours', async () => {
    let kept: KeyContext | undefined;
    const gold = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: 'test-key-0001' }),
      fetchPrice: (_, context) => {
        kept = context;
        return Promise.resolve(1);
      },
    });
    await gold.getPrice();

    expect(() => getCancellation(kept as KeyContext)).toThrow(TypeError);
    expect(getCancellation({ apiKey: 'x' } as unknown as KeyContext)).toBeUndefined();
    await gold.close();
  });

  it('leaves the caller’s signal alone when the call ends well', async () => {
    const controller = new AbortController();
    const gold = new GoldDataClient({
      keyProvider: memoryKeyProvider({ current: 'test-key-0001' }),
      fetchPrice: async (_, context) => getCancellation(context)?.aborted,
    });

    expect(await gold.getPrice('XAU', { signal: controller.signal })).toBe(false);
    controller.abort();
    await gold.close();
  });

  it('tells those who listen then, once, and is aborted from then on', () => {
    const ending = new Cancellation();
    const told: string[] = [];
    const [first, second, third] = ['first', 'second', 'third'].map((name) => (): void => void told.push(name)) as [
      () => void,
      () => void,
      () => void,
    ];
    ending.removeEventListener('abort', first);
    for (const listener of [first, second, third]) ending.addEventListener('abort', listener);
    ending.removeEventListener('abort', second);
    ending.throwIfAborted();
    const before = ending.aborted;

    ending.end('enough');
    ending.end('enough');
    ending.removeEventListener('abort', third);

    expect(told).toEqual(['first', 'third']);
    expect([before, ending.aborted, ending.reason]).toEqual([false, true, 'enough']);
    expect(() => ending.throwIfAborted()).toThrow('enough');
  });
});
