import { describe, expect, it, vi } from 'vitest';
import { awsService } from '../../src/aws/client.js';
import { manualClock } from '../../src/testing/index.js';
import { closeAll, closeInTime, waitInTime } from '../../src/util/close-all.js';

const never = (): Promise<never> => new Promise(() => undefined);

describe('closing', () => {
  it('closes all, even if one fails, and then says so', async () => {
    const closed: string[] = [];
    const closing = closeAll([
      { close: async () => void closed.push('first') },
      { close: () => Promise.reject(new Error('odd')) },
      {},
      { close: async () => void closed.push('last') },
    ]);

    await expect(closing).rejects.toThrow('odd');
    expect(closed).toEqual(['first', 'last']);
  });

  it('ends after 2 s on the given clock if what is closed does not', async () => {
    const clock = manualClock();
    let ended = false;
    const closing = closeInTime(never, clock).then(() => (ended = true));

    await clock.advance(1_999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await closing).toBe(true);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('odd'))],
    [
      'throws',
      () => {
        throw new Error('odd');
      },
    ],
  ])('tells the error if it %s before that, and leaves no timer', async (_, close) => {
    const clock = manualClock();

    await expect(closeInTime(close, clock)).rejects.toThrow('odd');
    // Past the end nothing settles twice, and a late rejection is nobody's.
    await clock.advance(2_000);
  });

  it('lets a rejection that comes too late go', async () => {
    const clock = manualClock();
    let fail: ((error: Error) => void) | undefined;
    const waiting = waitInTime(new Promise<void>((_, reject) => (fail = reject)), clock);

    await clock.advance(2_000);
    await waiting;
    fail?.(new Error('late'));
    await clock.advance(1);
  });

  it('does not wait for an SDK that never loads', async () => {
    vi.useFakeTimers();
    try {
      const connect = awsService({
        errors: { provider: 'p', text: { service: 'S', throttled: String, invalid: String }, permanent: {} },
        clientType: 'Client',
        load: never,
        createClient: () => ({}),
      });
      const connection = connect({});
      void connection.call({ operation: 'Read' }, never);

      const closing = connection.close();
      await vi.advanceTimersByTimeAsync(2_000);

      expect(await closing).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
});
