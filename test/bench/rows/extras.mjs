import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

/** What a warm call costs with each of these around the client: the contestant's file, and the name in the table. */
const EXTRAS = [
  { file: 'goldkey-lambda', name: 'goldkey in withGoldKey', what: 'in withGoldKey' },
  { file: 'goldkey-instrument', name: 'goldkey with instrument()', what: 'with instrument()' },
  { file: 'goldkey-audit', name: 'goldkey with audit()', what: 'with audit()' },
  { file: 'goldkey-watch', name: 'goldkey with watch()', what: 'with watch()' },
];

/** Row 17: the warm call with one of goldkey's subpaths in use, over the same without it. */
export const extras = {
  rows: ['17'],
  async run(bench) {
    const params = { retry: false };
    const slices = await duel(bench, {
      measure: 'hot',
      contestants: {
        goldkey: { params },
        ...Object.fromEntries(EXTRAS.map(({ file, name }) => [name, { file, params }])),
      },
      rounds: bench.quick ? 60 : 200,
      generations: bench.quick ? 2 : 6,
    });
    return EXTRAS.map(({ name, what }) =>
      ratioLine({
        row: '17',
        what: `warm getPrice ${what}`,
        unit: 'ns',
        ours: slices[name],
        name: 'goldkey alone',
        theirs: slices.goldkey,
        budget: 1.02,
      }),
    );
  },
};
