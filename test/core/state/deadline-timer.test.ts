import { describe, expect, it } from 'vitest';
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
