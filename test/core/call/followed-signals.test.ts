import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { followAbort } from '../../../src/core/util/abort-listeners.js';
import { scene } from '../scene.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Collects garbage ten times. No weak reference may be read meanwhile: that would hold its object for a turn. */
async function collect(): Promise<void> {
  for (let round = 0; round < 10; round++) {
    await setImmediate();
    collectGarbage();
  }
  await setImmediate();
}

describe('the signal of a context, once its call has settled', () => {
  it('still aborts with the caller’s own signal, with its reason', async () => {
    const { client } = scene();
    const controller = new AbortController();
    let kept: AbortSignal | undefined;
    await client.withKey(
      async ({ signal }) => {
        kept = signal;
      },
      { signal: controller.signal },
    );
    const before = kept?.aborted;
    controller.abort('later');

    expect([before, kept?.aborted, kept?.reason]).toEqual([false, true, 'later']);
  });

  it('is let go with all that listens to it, however long the caller’s signal lives', async () => {
    const { client } = scene();
    const { signal: longLived } = new AbortController();
    const held: Array<WeakRef<object>> = [];
    for (let call = 0; call < 100; call++) {
      await client.withKey(
        async ({ signal }) => {
          const body = { bytes: new Uint8Array(1_000) };
          held.push(new WeakRef(body));
          signal.addEventListener('abort', () => body.bytes.fill(0));
        },
        { signal: longLived },
      );
    }

    await collect();

    // The engine may hold on to the last one a little longer.
    expect(held.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(1);
    expect(getEventListeners(longLived, 'abort').length).toBeLessThanOrEqual(1);
  });

  it('costs a signal that ended the call no listener any more', async () => {
    const { client } = scene();
    await client.prefetch();
    const controller = new AbortController();
    const call = client.withKey(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended')))),
      { signal: controller.signal },
    );
    const during = getEventListeners(controller.signal, 'abort').length;
    controller.abort('now');

    await expect(call).rejects.toBe('now');
    expect([during, getEventListeners(controller.signal, 'abort').length]).toEqual([1, 0]);
  });

  it('costs the caller’s signal no listener once it is collected', async () => {
    const sources = Array.from({ length: 20 }, () => new AbortController());
    for (const { signal } of sources) followAbort(signal, new AbortController());
    const count = (): number => sources.filter(({ signal }) => getEventListeners(signal, 'abort').length > 0).length;
    const before = count();

    await collect();

    expect(before).toBe(20);
    // The engine may hold on to the last one a little longer.
    expect(count()).toBeLessThanOrEqual(1);
  });

  it('does nothing more when it is collected after the caller’s signal has ended', async () => {
    const thrown: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
    try {
      const sources = Array.from({ length: 20 }, () => new AbortController());
      for (const { signal } of sources) followAbort(signal, new AbortController());
      for (const source of sources) source.abort();

      await collect();

      expect(sources.every(({ signal }) => getEventListeners(signal, 'abort').length === 0)).toBe(true);
      expect(thrown).toEqual([]);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  });

  it('costs the caller’s signal one listener, whatever follows it', () => {
    const source = new AbortController();
    const followers = Array.from({ length: 50 }, () => new AbortController());
    for (const follower of followers) followAbort(source.signal, follower);
    const listeners = getEventListeners(source.signal, 'abort').length;
    source.abort('now');

    expect(listeners).toBe(1);
    expect(followers.every(({ signal }) => signal.reason === 'now')).toBe(true);
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(0);
  });
});
