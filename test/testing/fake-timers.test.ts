import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { manualClock, startFakeKms, startFakePriceApi } from '../../src/testing/index.js';
import { ALL, fixtures, fromMemory, run } from './contract/fixtures.js';

const REAL_IMMEDIATE = setImmediate;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the kit, under fake timers that nothing advances,', () => {
  it('moves a manual clock, whose timers run in turn', async () => {
    expect(setImmediate).not.toBe(REAL_IMMEDIATE);
    const clock = manualClock(0);
    const ran: number[] = [];
    clock.setTimeout(() => {
      ran.push(clock.now());
      void Promise.resolve().then(() => clock.setTimeout(() => ran.push(clock.now()), 5));
    }, 10);
    await clock.advance(20);
    expect([...ran, clock.now()]).toEqual([10, 15, 20]);
  });

  it('answers after `latency`', async () => {
    await using api = await startFakePriceApi({ latency: 5 });
    await using kms = await startFakeKms({ latency: 5 });
    expect((await fetch(`${api.url}/latest`)).status).toBe(401);
    expect((await fetch(kms.url, { method: 'POST', body: '{}' })).status).toBe(400);
  });

  it('runs the contract of a key provider', async () => {
    expect((await run(fixtures(fromMemory))).passed).toEqual(ALL);
  });
});

describe('the kit, under fake timers that a test advances,', () => {
  it('answers when `latency` has passed on them', async () => {
    // Below the 300 s after which fetch gives up, by timers that may be fake as well.
    await using api = await startFakePriceApi({ latency: 60_000 });
    const call = fetch(`${api.url}/latest`);
    while (api.calls.length === 0) await new Promise((resolve) => REAL_IMMEDIATE(resolve));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await call).status).toBe(401);
  });
});
