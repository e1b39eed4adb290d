import { expect, it, vi } from 'vitest';
import { runningClock } from '../../src/redis/running-clock.js';

const blockFor = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

it('a pause of the process counts an eighth of the limit at most', async () => {
  const onLate = vi.fn<() => void>();
  const begun = performance.now();
  runningClock.setTimeout(onLate, 80);

  blockFor(300);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(onLate).not.toHaveBeenCalled();

  await vi.waitFor(() => expect(onLate).toHaveBeenCalledOnce());
  expect(performance.now() - begun).toBeGreaterThan(300 + 60);
});

it('a limit without a pause is as long as it says', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  try {
    const onLate = vi.fn<() => void>();
    runningClock.setTimeout(onLate, 2_000);

    await vi.advanceTimersByTimeAsync(1_999);
    expect(onLate).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();

    await vi.waitFor(() => expect(onLate).toHaveBeenCalledOnce(), { timeout: 500 });
  } finally {
    vi.useRealTimers();
  }
});

it.each([0, 300, 2_000])('a limit that is cancelled after %i ms never rings', async (ms) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] });
  try {
    const onLate = vi.fn<() => void>();
    const timer = runningClock.setTimeout(onLate, 2_000);

    // Without the turn that would call it.
    vi.advanceTimersByTime(ms === 2_000 ? ms - 1 : ms);
    timer.cancel();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(onLate).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});
