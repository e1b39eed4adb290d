import { duel } from '../lib/contestant.mjs';
import { figure, figureLine, ratioLine } from '../lib/line.mjs';
import { median, ratios } from '../lib/stats.mjs';

const SIZES = [100, 1_000, 10_000, 100_000];
const MOST = SIZES.at(-1);
const BYTES = 2 * 1024;
const sizes = SIZES.map((size) => figure(size)).join(' / ');

/** What `pick` takes from the slices of `file`, size by size. */
function bySize(slices, file, pick) {
  return SIZES.map((size) => slices[`${file} ${String(size)}`].map((rounds) => rounds.map(pick)));
}

/** `180 / 220 / 448 / 1,169 ns, 6.45x`: the median at every size, and the largest over the smallest. */
function growthOf(slices, file, pick) {
  const times = bySize(slices, file, pick);
  const factor = ratios(times.at(-1), times[0]).median;
  return `${times.map((each) => figure(median(each.flat()))).join(' / ')} ns, ${factor.toFixed(2)}x`;
}

/** Row 16: `get` and a warm call over 100 to 100,000 tenants, beside naive clients in a Map and in an lru-cache. */
export const pool = {
  rows: ['16'],
  async run(bench) {
    const contestants = {};
    for (const tenants of SIZES) {
      for (const file of ['goldkey', 'lru-pool', 'naive']) {
        contestants[`${file} ${String(tenants)}`] = { file, params: { tenants } };
      }
    }
    const slices = await duel(bench, {
      measure: 'pool',
      contestants,
      rounds: bench.quick ? 20 : 100,
      generations: bench.quick ? 1 : 2,
      execArgv: ['--expose-gc'],
    });
    const line = (order, budget, pick) =>
      ratioLine({
        row: '16',
        what: `pool get + warm call, ${order}, ${figure(MOST)} tenants`,
        unit: 'ns',
        ours: bySize(slices, 'goldkey', pick).at(-1),
        name: 'naive clients in an lru-cache',
        theirs: bySize(slices, 'lru-pool', pick).at(-1),
        budget,
      });
    const bytes = (file) =>
      median(
        bySize(slices, file, (slice) => slice.bytes)
          .at(-1)
          .flat(),
      );
    return [
      line('in turn', 1.15, ({ inTurn }) => inTurn),
      line('at random', 1.3, ({ random }) => random),
      ...[
        ['in turn', ({ inTurn }) => inTurn],
        ['at random', ({ random }) => random],
      ].map(([order, pick]) =>
        figureLine({
          row: '16',
          what: `the same, ${order}, ${sizes} tenants`,
          ours: growthOf(slices, 'goldkey', pick),
          against: `naive clients in an lru-cache: ${growthOf(slices, 'lru-pool', pick)}; in a Map: ${growthOf(slices, 'naive', pick)}`,
          budget: '–',
        }),
      ),
      figureLine({
        row: '16',
        what: `bytes per tenant, ${figure(MOST)} tenants`,
        ours: `${figure(bytes('goldkey'))} B`,
        against: `naive clients in an lru-cache: ${figure(bytes('lru-pool'))} B; in a Map: ${figure(bytes('naive'))} B`,
        budget: '≤ 2 KB',
        value: bytes('goldkey'),
        limit: BYTES,
      }),
    ];
  },
};
