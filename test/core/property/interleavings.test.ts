import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { unhandledIn } from '../scene.js';
import { action, perform } from './actions.js';
import { runs, seededJitter } from './jitter.js';
import { World } from './world.js';

afterEach(() => void vi.restoreAllMocks());

const setup = fc.record({
  clients: fc.integer({ min: 1, max: 3 }),
  retries: fc.boolean(),
  rollout: fc.boolean(),
  previous: fc.boolean(),
  unchanged: fc.boolean(),
  seed: fc.nat(),
});

describe('whatever happens, in whatever order', () => {
  it('no promise is broken: one load at a time, no dead key, no refused key again, no lost call, no bytes left', async () => {
    await fc.assert(
      fc.asyncProperty(setup, fc.array(action, { minLength: 5, maxLength: 60 }), async (given, actions) => {
        seededJitter(given.seed);
        const world = new World(given);

        const unhandled = await unhandledIn(async () => {
          for (const one of actions) await perform(world, one);
          await world.finish();
        });

        expect(world.broken).toEqual([]);
        expect(unhandled).toEqual([]);
      }),
      runs(250),
    );
  });
});
