import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/contestant.mjs';
import { ratioLine } from '../lib/line.mjs';

const budgeted = ['empty', 'goldkey', 'naive'];
const compared = ['lru-cache', 'middy', 'powertools'];
const names = [...budgeted, ...compared];

function wall(node, name) {
  const file = fileURLToPath(new URL(`../imports/${name}.mjs`, import.meta.url));
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(node, [file], { env: cleanEnvironment(), encoding: 'utf8' });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`importing ${name} failed:\n${stderr}`);
  return ms;
}

/** Row 10: whole processes, start to end. A round takes the fastest of several of each: what disturbs one only adds. */
export const imports = {
  rows: ['10'],
  async run(bench) {
    const rounds = bench.quick ? 4 : 12;
    const repeats = bench.quick ? 3 : 6;
    const over = Object.fromEntries(names.map((name) => [name, []]));
    for (const name of names) wall(bench.node, name);
    for (let round = 0; round < rounds; round++) {
      const fastest = Object.fromEntries(names.map((name) => [name, Infinity]));
      for (let again = 0; again < repeats; again++) {
        const now = again < 2 ? names : budgeted;
        for (let turn = 0; turn < now.length; turn++) {
          const name = now[(turn + round + again) % now.length];
          fastest[name] = Math.min(fastest[name], wall(bench.node, name));
        }
      }
      for (const name of names) over[name].push([fastest[name] - fastest.empty]);
    }
    const against = (name, label, budget) =>
      ratioLine({
        row: '10',
        what: "import 'goldkey' over an empty process",
        unit: 'ms',
        ours: over.goldkey,
        name: label,
        theirs: over[name],
        budget,
      });
    return [
      against('naive', 'naive', bench.onNode20 ? 0.06 : 0.04),
      against('lru-cache', 'lru-cache alone'),
      against('middy', 'Middy core and util'),
      against('powertools', 'Powertools base, no SDK'),
    ];
  },
};
