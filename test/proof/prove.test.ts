import { beforeEach, expect, it, vi } from 'vitest';
import { lib } from './typed-lib.js';

const { prove } = await lib('prove.mjs');

beforeEach(() => {
  const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  return () => printed.mockRestore();
});

const claimOf = (part: string, claim: string, measured: string, holds: boolean): object => {
  return { part, claim, measured, holds };
};

it('a search that fails is a claim that does not hold, and takes no other with it', async () => {
  const all = await prove(['a'], async (_, claims) => {
    claims.none('calls lost', []);
    await claims.nothingFound('keys in memory', () => Promise.reject(new Error('The process did not stop.')));
    await claims.nothingFound('keys in other memory', async () => ['raw']);
    await claims.nothingFound('keys in the last memory', async () => []);
  });

  expect(all).toEqual([
    claimOf('a', 'calls lost', 'none', true),
    claimOf('a', 'keys in memory', 'the search failed: Error: The process did not stop.', false),
    claimOf('a', 'keys in other memory', '1: raw', false),
    claimOf('a', 'keys in the last memory', 'none', true),
  ]);
});

it('a part that fails has claimed what it had shown by then, and the next one is tried', async () => {
  const all = await prove(['a', 'b'], async (part, claims) => {
    claims.none('calls lost', []);
    if (part === 'a') throw new Error('Redis is gone.');
  });

  expect(all).toEqual([
    claimOf('a', 'calls lost', 'none', true),
    claimOf('a', 'came to its end', 'Error: Redis is gone.', false),
    claimOf('b', 'calls lost', 'none', true),
  ]);
});
