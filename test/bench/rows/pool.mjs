import { duel } from '../lib/contestant.mjs';
import { figure, figureLine } from '../lib/line.mjs';
import { median, ratios } from '../lib/stats.mjs';

const SIZES = [100, 1_000, 10_000, 100_000];
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
  return { factor, text: `${times.map((each) => figure(median(each.flat()))).join(' / ')} ns, ${factor.toFixed(2)}x` };
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
    const line = (order, pick) => {
      const ours = growthOf(slices, 'goldkey', pick);
      const bounded = growthOf(slices, 'lru-pool', pick);
      const unbounded = growthOf(slices, 'naive', pick);
      return figureLine({
        row: '16',
        what: `pool get + warm call, ${order}, ${sizes} tenants`,
        ours: ours.text,
        result: `${ours.factor.toFixed(2)}x, lru-cache ${bounded.factor.toFixed(2)}x`,
        against: `naive clients in an lru-cache: ${bounded.text}; in a Map: ${unbounded.text}`,
        // Memory beyond the processor's caches slows any structure. The same look-ups in an lru-cache show by how much.
        budget: 'flat: grows no more than the lru-cache',
        value: ours.factor,
        limit: Math.max(1.1, bounded.factor),
      });
    };
    const bytes = (file) =>
      median(
        bySize(slices, file, (slice) => slice.bytes)
          .at(-1)
          .flat(),
      );
    return [
      line('in turn', ({ inTurn }) => inTurn),
      line('at random', ({ random }) => random),
      figureLine({
        row: '16',
        what: `bytes per tenant, ${figure(SIZES.at(-1))} tenants`,
        ours: `${figure(bytes('goldkey'))} B`,
        against: `naive clients in an lru-cache: ${figure(bytes('lru-pool'))} B; in a Map: ${figure(bytes('naive'))} B`,
        budget: '≤ 2 KB',
        value: bytes('goldkey'),
        limit: BYTES,
      }),
    ];
  },
};
