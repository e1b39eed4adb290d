import { sideBySide } from '../lib/contestant.mjs';
import { figure, figureLine } from '../lib/line.mjs';

const peers = {
  naive: {},
  'naive, shared promise': { file: 'shared-promise' },
  'lru-cache get': { file: 'lru-get' },
  'lru-cache fetch': { file: 'lru-fetch' },
  'lru-cache stale': { file: 'lru-stale' },
  Powertools: { file: 'powertools' },
  Middy: { file: 'middy' },
};

function loadsOf({ loads }) {
  return `${figure(loads)} ${loads === 1 ? 'load' : 'loads'}`;
}

/**
 * A scenario that is counted. `tell` puts a contestant's counts into words, `value` is what goldkey's must not exceed
 * `limit` in.
 */
function scenario({ row, measure, params = {}, what, tell, budget, value, limit }) {
  return {
    rows: [row],
    async run(bench) {
      const contestants = Object.fromEntries(
        Object.entries({ goldkey: {}, ...peers }).map(([name, peer]) => [name, { ...peer, params }]),
      );
      const { goldkey, naive, ...others } = await sideBySide(bench, { measure, contestants });
      const [[name, best]] = Object.entries(others).toSorted(([, a], [, b]) => value(a) - value(b));
      return [
        figureLine({
          row,
          what,
          ours: tell(goldkey),
          against: `naive: ${tell(naive)}; best peer, ${name}: ${tell(best)}`,
          budget,
          value: value(goldkey),
          limit,
          details: { goldkey, naive, ...others },
        }),
      ];
    },
  };
}

export const herd = scenario({
  row: '5',
  measure: 'herd',
  what: 'cold herd / expired herd, 1,000 callers',
  tell: ({ cold, expired }) => `${figure(cold.loads)} / ${loadsOf(expired)}`,
  budget: '1 load each',
  value: ({ cold, expired }) => Math.max(cold.loads, expired.loads) + cold.errors + expired.errors,
  limit: 1,
});

export const steady = scenario({
  row: '6',
  measure: 'steady',
  params: { durationMs: 10_000 },
  what: '5,000 callers at 500/s over expiries',
  tell: ({ waited, pastTtl, loads }) => `${figure(waited)} wait, ${figure(pastTtl)} past ttl, ${loadsOf({ loads })}`,
  budget: '0 wait, 0 past ttl',
  value: ({ waited, pastTtl, errors }) => waited + pastTtl + errors,
  limit: 0,
});

export const rotation = scenario({
  row: '7',
  measure: 'rotation',
  what: 'key rotated, 1,000 concurrent 401s',
  tell: ({ loads, errors }) => `${loadsOf({ loads })}, ${figure(errors)} errors`,
  budget: '1 load, 0 errors',
  value: ({ loads, errors }) => loads + errors,
  limit: 1,
});

export const revoked = scenario({
  row: '8',
  measure: 'revoked',
  params: { durationMs: 5_000 },
  what: 'key revoked, 5 s at 500 calls/s',
  tell: loadsOf,
  budget: '≤ 2 loads',
  value: ({ loads, answered }) => loads + answered,
  limit: 2,
});

export const outage = scenario({
  row: '9',
  measure: 'outage',
  params: { outageMs: 3_000 },
  what: 'store down 3 s at 500 calls/s, key known',
  tell: ({ failed, loads, tooSoon }) => `${figure(failed)} failed, ${loadsOf({ loads })}, ${figure(tooSoon)} too soon`,
  budget: '0 failed, ≤ 1 load per back-off step',
  value: ({ failed, tooSoon }) => failed + tooSoon,
  limit: 0,
});
