import { describe, expect, it } from 'vitest';
import { keyProviderContract } from '../../../src/testing/contract/key-provider-contract.js';
import { ALL, DENIED, ROTATED, STOPPED, fixtures, fromMemory, goodLoad, run } from './fixtures.js';

keyProviderContract('a good provider, in vitest', fixtures(), { describe, it, expect });

describe('keyProviderContract', () => {
  it('is passed by a good provider, in one group that names it', async () => {
    expect(await run(fixtures())).toEqual({
      groups: ['the key provider contract: a test store'],
      passed: ALL,
      failed: [],
      skipped: [],
    });
  });

  it('is passed by a provider that answers from memory, and by one that never says `unchanged`', async () => {
    expect((await run(fixtures(fromMemory))).passed).toEqual(ALL);
  });

  it('is passed by a provider that has a key in every stage', async () => {
    const create = fixtures((store, request) => goodLoad(store, { ...request, stage: 'current' }));
    expect((await run(create)).passed).toEqual(ALL);
  });

  it('skips, visibly, what the fixture has no hook for', async () => {
    const report = await run(fixtures(goodLoad, { rotate: undefined, deny: undefined, stop: undefined } as object));
    expect(report.skipped).toEqual([ROTATED, DENIED, STOPPED]);
    expect(report.failed).toEqual([]);
  });

  it('makes a fixture with a key of its own for each test, and cleans up also after a failure', async () => {
    const keys = new Set<string>();
    let cleaned = 0;
    const report = await run(async (key) => {
      keys.add(key);
      const fixture = await fixtures(() => Promise.reject(new Error('always')))(key);
      return { ...fixture, cleanUp: async () => void cleaned++ };
    });
    expect(report.passed).toEqual([]);
    expect([keys.size, cleaned]).toEqual([ALL.length, ALL.length]);
  });

  it('refuses a runner or a `create` that is no function', () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const contract = keyProviderContract as (...args: unknown[]) => void;
    expect(() => {
      contract('x', undefined, { describe, it, expect });
    }).toThrow(expect.objectContaining({ code }));
    expect(() => {
      contract('x', fixtures(), { describe, it });
    }).toThrow(expect.objectContaining({ code, message: expect.stringContaining('`runner.expect`') }));
  });
});
