import { duel } from '../lib/contestant.mjs';
import { figure, figureLine } from '../lib/line.mjs';

const BUDGET_MS = 25;
const GONE = 16;

/** Row 18. */
export const scrub = {
  rows: ['18'],
  async run(bench) {
    const measure = { measure: 'scrub', rounds: bench.quick ? 3 : 10 };
    const held = await duel(bench, { ...measure, contestants: { goldkey: { params: { gone: 0 } } } });
    const gone = await duel(bench, { ...measure, contestants: { goldkey: { params: { gone: GONE } } } });
    return [lineOf('one key', held.goldkey.flat()), lineOf(`and ${String(GONE)} that are gone`, gone.goldkey.flat())];
  },
};

/** The container that blocks for the longest in its best round: a busy machine makes any round longer. */
function lineOf(keys, rounds) {
  const best = Object.keys(rounds[0]).map((name) => ({ name, ms: Math.min(...rounds.map((round) => round[name])) }));
  const [{ name, ms }] = best.toSorted((a, b) => b.ms - a.ms);
  return figureLine({
    row: '18',
    what: `longest block by scrubbing, 10,000 entries or 1 MB; ${keys}`,
    ours: `${figure(ms)} ms: ${name}`,
    against: '–',
    result: `${figure(ms)} ms`,
    budget: '≤ 25 ms',
    value: ms,
    limit: BUDGET_MS,
    details: Object.fromEntries(best.map((each) => [each.name, each.ms])),
  });
}
