import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

/** What watches a client: the contestant's file, and the name in the table. */
const EXTRAS = { 'goldkey-instrument': 'goldkey with instrument()' };

/** Row 17: the warm call of row 2 with what watches a client, against the same without. */
export const extras = {
  rows: ['17'],
  async run(bench) {
    const params = { retry: false };
    const names = Object.entries(EXTRAS);
    const slices = await duel(bench, {
      measure: 'hot',
      contestants: {
        goldkey: { params },
        ...Object.fromEntries(names.map(([file, name]) => [name, { file, params }])),
      },
      rounds: bench.quick ? 60 : 200,
      generations: bench.quick ? 2 : 6,
    });
    return names.map(([, name]) =>
      ratioLine({
        row: '17',
        what: `warm getPrice, ${name}`,
        unit: 'ns',
        ours: slices[name],
        name: 'goldkey',
        theirs: slices.goldkey,
        budget: 1.02,
      }),
    );
  },
};
