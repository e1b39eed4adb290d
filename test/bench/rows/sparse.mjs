import { duel } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

/** Row 1: the call that comes alone, as most calls of a service do. */
export const sparse = {
  rows: ['1'],
  async run(bench) {
    const rounds = bench.quick ? 5 : 16;
    const generations = bench.quick ? 1 : 3;
    const contestants = { goldkey: {}, 'lru-get': {}, naive: {} };
    const read = await duel(bench, { measure: 'sparse', contestants, rounds, generations });
    const whole = await duel(bench, {
      measure: 'sparse',
      contestants: Object.fromEntries(Object.keys(contestants).map((name) => [name, { params: { whole: true } }])),
      rounds,
      generations,
    });
    return [
      ratioLine({
        row: '1',
        what: 'warm key read, call after 3 ms idle',
        unit: 'ns',
        ours: read.goldkey,
        name: 'lru-cache get(), ttl',
        theirs: read['lru-get'],
      }),
      ratioLine({
        row: '1',
        what: 'the whole such call',
        unit: 'ns',
        ours: whole.goldkey,
        name: 'lru-cache get() in an async method',
        theirs: whole['lru-get'],
        budget: 0.6,
      }),
      ratioLine({
        row: '1',
        what: 'the whole such call',
        unit: 'ns',
        ours: whole.goldkey,
        name: 'naive',
        theirs: whole.naive,
        budget: 1,
      }),
    ];
  },
};
