import fc from 'fast-check';
import { vi } from 'vitest';

/** How often a property is tried; the test configuration may raise it for all. */
export function runs(usual: number): { numRuns: number } {
  return { numRuns: fc.readConfigureGlobal().numRuns ?? usual };
}

/** Jitter that a seed brings back; `vi.restoreAllMocks()` ends it. */
export function seededJitter(seed: number): void {
  let state = seed;
  vi.spyOn(Math, 'random').mockImplementation(() => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  });
}
