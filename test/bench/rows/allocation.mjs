import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

/** Row 4: a young generation large enough that nothing is collected while it is counted. */
export const allocation = {
  rows: ['4'],
  async run(bench) {
    const slices = await duel(bench, {
      measure: 'allocation',
      contestants: { goldkey: { params: { retry: false } }, naive: {}, 'lru-get': {} },
      rounds: 3,
      generations: bench.quick ? 1 : 3,
      execArgv: ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'],
    });
    const against = (name, label, budget) =>
      ratioLine({
        row: '4',
        what: 'allocation per warm call',
        unit: 'B',
        ours: slices.goldkey,
        name: label,
        theirs: slices[name],
        budget,
      });
    return [against('naive', 'naive', 0.8), against('lru-get', 'lru-cache get() in an async method')];
  },
};
