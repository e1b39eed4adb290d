import { afterEach, describe, expect, it } from 'vitest';
import { timeLimits } from '../../../src/core/index.js';
import { setUp } from '../helpers.js';

const FOREVER = new Promise<never>(() => undefined);

/** Returns after how many ms a call that never ends by itself times out. */
async function measure(timeout?: number): Promise<number> {
  const { gold, clock } = setUp({ timeout: 8_000 });
  const ends: number[] = [];
  const startedAt = clock.now();
  const call = gold.withKey(() => FOREVER, timeout === undefined ? undefined : { timeout });
  call.catch(() => ends.push(clock.now() - startedAt));
  for (let waited = 0; waited < 10_000 && ends.length === 0; waited += 1) await clock.advance(1);
  const bound =
    timeLimits.shared === undefined && timeLimits.findOwn === undefined
      ? /its `timeout` \(/
      : /its invocation had left/;
  await expect(call).rejects.toMatchObject({
    code: 'ERR_GOLDKEY_TIMEOUT',
    message: expect.stringMatching(bound) as string,
  });
  return ends[0] ?? NaN;
}

describe('the time of a call', () => {
  afterEach(() => {
    timeLimits.shared = undefined;
    timeLimits.findOwn = undefined;
  });

  it('is its own timeout where nothing else limits it', async () => {
    expect([await measure(), await measure(300)]).toEqual([8_000, 300]);
  });

  it('is what all calls share, if that is shorter', async () => {
    timeLimits.shared = () => 500;
    expect([await measure(), await measure(300)]).toEqual([500, 300]);
  });

  it('is the limit of its own, whatever the others share', async () => {
    timeLimits.shared = () => 100;
    timeLimits.findOwn = () => () => 500;
    expect([await measure(), await measure(300)]).toEqual([500, 300]);
    timeLimits.shared = undefined;
    expect([await measure(), await measure(300)]).toEqual([500, 300]);
  });

  it('is at least 1 ms: a call that starts too late ends with a CallTimeoutError', async () => {
    timeLimits.shared = () => -4_000;
    expect(await measure()).toBe(1);
  });

  it('is what is left when it starts, and not less because the limit runs out meanwhile', async () => {
    let left = 500;
    timeLimits.findOwn = () => () => left;
    const { gold, clock } = setUp();
    const call = gold.withKey(() => FOREVER);
    left = 1;
    let ended = false;
    call.catch(() => (ended = true));
    await clock.advance(499);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(ended).toBe(true);
  });
});
