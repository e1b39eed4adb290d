// npm run prove -- [--short] [--part a,b,c] [--seed N] [--broken]
//   Tries what goldkey promises, on loopback: (a) ten million calls on a manual clock, (b) calls in real time through a network
//   that breaks, (c) a fleet of processes over three kinds of ring; (d) each is searched for its keys at its end. Exits with 1
//   where a claim does not hold. --short tries less of each, in minutes; only a whole run writes test/proof/RESULTS.md.
//   --broken shows that the short form can fail: on copies of the package with a fault in each.
import { readInteger, readOptions, SEED } from '../programs/read-options.mjs';

// Not a word about Node.js 20 from the AWS SDK between the results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const values = readOptions(import.meta.filename, {
  short: { flag: true },
  broken: { flag: true },
  part: { oneOf: ['a', 'b', 'c'], many: true },
  seed: SEED,
});
const { GOLDKEY_SEED = '' } = process.env;
const inherited = GOLDKEY_SEED === '' ? Date.now() : readInteger('GOLDKEY_SEED', SEED, GOLDKEY_SEED);
const seed = values.seed ?? inherited;

// They need what is built, and none of them is needed to refuse an option.
const { tryBroken } = await import('./parts/broken.mjs');
const { calls } = await import('./parts/calls.mjs');
const { network } = await import('./parts/network.mjs');
const { fleets } = await import('./parts/fleet.mjs');
const { printClaims, writeResults } = await import('./lib/report.mjs');

const WHOLE = {
  a: () => calls({ seed, count: 10_000_000 }),
  b: () => network({ seed, episode: 8_000, pause: 2_500, rounds: 2 }),
  c: () => fleets({ seed, cycles: 4 }),
};
const SHORT = {
  a: () => calls({ seed, count: 500_000 }),
  b: () => network({ seed, episode: 3_000, pause: 800, rounds: 1 }),
  c: () => fleets({ seed, cycles: 1, searched: 1 }),
};
const parts = values.short ? SHORT : WHOLE;
const wanted = values.part.length === 0 ? Object.keys(parts) : values.part;

const startedAt = performance.now();
const claims = values.broken ? await tryBroken(wanted, seed) : await proved();
const about = { seed, seconds: (performance.now() - startedAt) / 1_000 };
printClaims(claims, about);
if (!values.short && !values.broken && values.part.length === 0) await writeResults(claims, about);
process.exitCode = claims.every(({ holds }) => holds) ? 0 : 1;

async function proved() {
  const all = [];
  for (const part of wanted) {
    const partStartedAt = performance.now();
    try {
      all.push(...(await parts[part]()));
    } catch (error) {
      process.stderr.write(`${String(error?.stack ?? error)}\n`);
      all.push({ part, claim: 'came to its end', measured: String(error), holds: false });
    }
    process.stderr.write(`Part ${part} took ${((performance.now() - partStartedAt) / 1_000).toFixed(0)} s.\n`);
  }
  return all;
}
