import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';
import { scene, watch } from '../scene.js';

const never = (): Promise<never> => new Promise(() => undefined);

describe('deadlines on a clock that reads fractions of a millisecond', () => {
  it('end every call, although deadlines that should be equal differ by a rounding error', async () => {
    const { clock, client, call } = scene();
    await call();
    const calls = [];
    for (let step = 0; step < 60; step++) {
      await clock.advance(0.1);
      calls.push(watch(clock, client.withKey(never, { timeout: 499 })));
    }
    await clock.advance(1);
    for (const timeout of [50, 100, 250]) {
      calls.push(watch(clock, client.withKey(never, { timeout })));
      for (let step = 0; step < 30; step++) {
        await clock.advance(0.3);
        calls.push(watch(clock, client.withKey(never, { timeout: 100 })));
      }
    }
    // Timers that rearm themselves at the same moment never let the clock get there.
    const set = clock.setTimeout.bind(clock);
    let timers = 0;
    clock.setTimeout = (callback, ms, options) => {
      if (++timers > 1_000) throw new Error('The deadline timer rearms itself without end.');
      return set(callback, ms, options);
    };
    await clock.advance(1_000);

    expect(calls.every(({ state }) => state === 'rejected')).toBe(true);
    expect(client.status().counts.calls).toBe(calls.length + 1);
  });
});

describe('a call that starts in the turn in which the deadline of another passes', () => {
  it('keeps its own', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'key-a-00000001' }) });
    await client.prefetch();
    const ends: Array<Promise<unknown>> = [];
    const hang = (timeout: number): void => void ends.push(client.withKey(never, { timeout }).catch(String));
    const started = new Promise<void>((resolve) => {
      setTimeout(() => {
        hang(5);
        resolve();
      }, 1);
    });
    hang(2);
    await new Promise((resolve) => setImmediate(resolve));
    // Both timers are due now, and run before the end of a turn is told of.
    for (const from = Date.now(); Date.now() < from + 5;) void 0;
    await started;

    expect(await Promise.all(ends)).toEqual([expect.stringMatching('timeout'), expect.stringMatching('timeout')]);
    await client.close();
  });
});
