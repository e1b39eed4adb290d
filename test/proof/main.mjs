// npm run prove -- [--short] [--part a,b,c] [--seed N] [--broken]
//   Tries what goldkey promises, on loopback: (a) ten million calls on a manual clock, (b) calls in real time through a network
//   that breaks, (c) a fleet of processes over three kinds of ring; (d) each is searched for its keys at its end. Exits with 1
//   where a claim does not hold. --short tries less of each, in minutes; only a whole run writes test/proof/RESULTS.md.
//   --broken shows that the short form can fail: on copies of the package with a fault in each.
import { parseArgs } from 'node:util';
import { tryBroken } from './parts/broken.mjs';
import { calls } from './parts/calls.mjs';
import { fleets } from './parts/fleet.mjs';
import { network } from './parts/network.mjs';
import { printClaims, writeResults } from './lib/report.mjs';

// Not a word about Node.js 20 from the AWS SDK between the results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const WHOLE = {
  a: (seed) => calls({ seed, count: 10_000_000 }),
  b: (seed) => network({ seed, episode: 8_000, pause: 2_500, rounds: 2 }),
  c: (seed) => fleets({ seed, cycles: 4 }),
};
const SHORT = {
  a: (seed) => calls({ seed, count: 500_000 }),
  b: (seed) => network({ seed, episode: 3_000, pause: 800, rounds: 1 }),
  c: (seed) => fleets({ seed, cycles: 1, searched: 1 }),
};

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    broken: { type: 'boolean', default: false },
    part: { type: 'string' },
    seed: { type: 'string' },
  },
});
const parts = values.short ? SHORT : WHOLE;
const wanted = values.part?.split(',') ?? Object.keys(parts);
const unknown = wanted.filter((part) => !(part in parts));
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}: choose from ${Object.keys(parts).join(', ')}.\n`);
  process.exit(2);
}
const seed = Number(values.seed ?? process.env.GOLDKEY_SEED ?? Date.now());

const startedAt = performance.now();
const claims = values.broken ? await tryBroken(wanted, seed) : await proved();
const about = { seed, seconds: (performance.now() - startedAt) / 1_000 };
printClaims(claims, about);
if (!values.short && !values.broken && values.part === undefined) await writeResults(claims, about);
process.exitCode = claims.every(({ holds }) => holds) ? 0 : 1;

async function proved() {
  const all = [];
  for (const part of wanted) {
    const partStartedAt = performance.now();
    try {
      all.push(...(await parts[part](seed)));
    } catch (error) {
      process.stderr.write(`${String(error?.stack ?? error)}\n`);
      all.push({ part, claim: 'came to its end', measured: String(error), holds: false });
    }
    process.stderr.write(`Part ${part} took ${((performance.now() - partStartedAt) / 1_000).toFixed(0)} s.\n`);
  }
  return all;
}
