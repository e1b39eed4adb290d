import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

/** Row 17: the warm call with what watches it, against the warm call alone. */
export const extras = {
  rows: ['17'],
  async run(bench) {
    const slices = await duel(bench, {
      measure: 'hot',
      contestants: {
        goldkey: { params: { retry: false } },
        'goldkey with audit()': { file: 'goldkey-audit', params: { retry: false } },
      },
      rounds: bench.quick ? 60 : 200,
      generations: bench.quick ? 2 : 6,
    });
    return [
      ratioLine({
        row: '17',
        what: 'the warm call with audit()',
        unit: 'ns',
        ours: slices['goldkey with audit()'],
        name: 'goldkey alone',
        theirs: slices.goldkey,
        budget: 1.02,
      }),
    ];
  },
};
