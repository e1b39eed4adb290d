import { describe, expect, it } from 'vitest';
import { Resubscriber } from '../../../src/core/index.js';
import { manualClock, type ManualClock } from '../../../src/testing/index.js';
import { pause, pendingTimersOf, timersOf } from '../scene.js';

interface Subscribing {
  readonly clock: ManualClock;
  readonly subscriber: Resubscriber;
  /** When it subscribed. */
  readonly attempts: number[];
}

/** A subscriber whose first `failures` attempts fail, after `latency` ms each. */
function subscribing(failures: number, latency = 0): Subscribing {
  const clock = manualClock();
  const attempts: number[] = [];
  const subscribe = async (): Promise<void> => {
    attempts.push(clock.monotonic() - 1);
    if (latency > 0) await pause(clock, latency);
    if (attempts.length <= failures) throw new Error('down');
  };
  return { clock, attempts, subscriber: new Resubscriber(subscribe, { clock, first: 100, last: 500 }) };
}

describe('a subscription that is made again', () => {
  it('is tried until it stands, after pauses that double to the longest, and from the first once it was lost', async () => {
    const { clock, subscriber, attempts } = subscribing(4);
    subscriber.resubscribe();
    await clock.advance(10_000);
    subscriber.resubscribe();
    await clock.advance(10_000);

    expect(attempts).toEqual([100, 300, 700, 1_200, 1_700, 10_100]);
  });

  it('is tried after the pause that is asked for, which the failures then follow', async () => {
    const { clock, subscriber, attempts } = subscribing(1);
    subscriber.resubscribe(1);
    await clock.advance(10_000);

    expect(attempts).toEqual([1, 201]);
  });

  it('is tried once at a time, however often it is lost meanwhile', async () => {
    const { clock, subscriber, attempts } = subscribing(0, 50);
    subscriber.resubscribe();
    subscriber.resubscribe(1);
    await clock.advance(120);
    subscriber.resubscribe(1);
    await clock.advance(10_000);

    expect(attempts).toEqual([100]);
  });

  it('is not tried after `stop()`: the attempt that waits is given up, and one that fails is the last', async () => {
    const waiting = subscribing(9);
    const pending = pendingTimersOf(waiting.clock);
    waiting.subscriber.resubscribe();
    waiting.subscriber.stop();
    waiting.subscriber.resubscribe();
    const underWay = subscribing(9, 50);
    underWay.subscriber.resubscribe();
    await underWay.clock.advance(120);
    underWay.subscriber.stop();
    for (const { clock } of [waiting, underWay]) await clock.advance(10_000);

    expect([waiting.attempts, underWay.attempts]).toEqual([[], [100]]);
    expect(pending.size).toBe(0);
    expect(() => subscribing(0).subscriber.stop()).not.toThrow();
  });

  it('holds no process while it waits', async () => {
    const { clock, subscriber } = subscribing(3);
    const timers = timersOf(clock);
    subscriber.resubscribe();
    await clock.advance(10_000);

    expect(timers.map(({ holds }) => holds)).toEqual([false, false, false, false]);
  });
});
