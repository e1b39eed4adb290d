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
const { prove } = await import('./lib/prove.mjs');
const { printClaims, writeResults } = await import('./lib/report.mjs');

const WHOLE = {
  a: (claims) => calls({ claims, seed, count: 10_000_000 }),
  b: (claims) => network({ claims, seed, episode: 8_000, pause: 2_500, rounds: 2 }),
  c: (claims) => fleets({ claims, seed, cycles: 4 }),
};
const SHORT = {
  a: (claims) => calls({ claims, seed, count: 500_000 }),
  b: (claims) => network({ claims, seed, episode: 3_000, pause: 800, rounds: 1 }),
  c: (claims) => fleets({ claims, seed, cycles: 1, searched: 1 }),
};
const parts = values.short ? SHORT : WHOLE;
const wanted = values.part.length === 0 ? Object.keys(parts) : values.part;

const startedAt = performance.now();
const all = await prove(wanted, (part, claims) =>
  values.broken ? tryBroken({ claims, seed, part }) : parts[part](claims),
);
const about = { seed, seconds: (performance.now() - startedAt) / 1_000 };
printClaims(all, about);
if (!values.short && !values.broken && values.part.length === 0) await writeResults(all, about);
process.exitCode = all.every(({ holds }) => holds) ? 0 : 1;
