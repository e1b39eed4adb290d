import { duel } from '../lib/contestant.mjs';
import { figure, figureLine, measured } from '../lib/line.mjs';
import { median, ratios } from '../lib/stats.mjs';

const BUDGET = 1.5 * 1024;

/** Row 15. */
export const memory = {
  rows: ['15'],
  async run(bench) {
    const slices = await duel(bench, {
      measure: 'retained',
      contestants: {
        goldkey: {},
        'LRUCache max 1, ttl': { file: 'lru-get', params: { max: 1 } },
        naive: {},
      },
      rounds: 1,
      generations: bench.quick ? 1 : 3,
      execArgv: ['--expose-gc'],
    });
    const lru = slices['LRUCache max 1, ttl'];
    return [
      figureLine({
        row: '15',
        what: 'retained per client with one key',
        ours: measured(slices.goldkey, 'B'),
        against: `LRUCache max 1, ttl: ${measured(lru, 'B')}; naive: ${measured(slices.naive, 'B')}`,
        result: `${figure(median(slices.goldkey.flat()))} B`,
        ratio: ratios(slices.goldkey, lru).median.toFixed(3),
        budget: '≤ 1.5 KB',
        value: median(slices.goldkey.flat()),
        limit: BUDGET,
      }),
    ];
  },
};
