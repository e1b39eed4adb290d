import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

const { retries, minTimeout, maxTimeout, factor, randomize } = {
  retries: 2,
  minTimeout: 100,
  maxTimeout: 2_000,
  factor: 2,
  randomize: true,
};

/** Rows 2 and 3: the warm call, without and with retries. */
export const hot = {
  rows: ['2', '3'],
  async run(bench) {
    const bare = { goldkey: { params: { retry: false } } };
    const retrying = {
      'goldkey, retries': { file: 'goldkey' },
      'p-retry': { params: { retry: { retries } } },
      'p-retry, five options': {
        file: 'p-retry',
        params: { retry: { retries, minTimeout, maxTimeout, factor, randomize } },
      },
    };
    const contestants = {
      ...bare,
      naive: {},
      ...(bench.wants('2') && { middy: {}, 'lru-get': {}, 'lru-fetch': {}, powertools: {} }),
      ...(bench.wants('3') && retrying),
    };
    const slices = await duel(bench, {
      measure: 'hot',
      contestants,
      rounds: bench.quick ? 60 : 200,
      generations: bench.quick ? 2 : 6,
    });
    const against = (name, label, budget) =>
      ratioLine({
        row: '2',
        what: 'warm getPrice, tight loop; deadline, signal, repair',
        unit: 'ns',
        ours: slices.goldkey,
        name: label,
        theirs: slices[name],
        budget,
      });
    const withRetries = (name, label, budget) =>
      ratioLine({
        row: '3',
        what: 'the same with retries on',
        unit: 'ns',
        ours: slices['goldkey, retries'],
        name: label,
        theirs: slices[name],
        budget,
      });
    return [
      ...(bench.wants('2')
        ? [
            against('naive', 'naive, has none of them', 1.1),
            against('middy', 'Middy', 0.08),
            against('lru-get', 'lru-cache get()'),
            against('lru-fetch', 'lru-cache fetch()'),
            against('powertools', 'Powertools', 0.5),
          ]
        : []),
      ...(bench.wants('3')
        ? [
            withRetries('p-retry', 'p-retry, { retries }', bench.onNode20 ? 0.05 : 0.5),
            withRetries('p-retry, five options', 'p-retry, five options'),
          ]
        : []),
    ];
  },
};
