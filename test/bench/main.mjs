// npm run bench -- [--quick] [--rows 1,2,3] [--node PATH|MAJOR]... [--json] [--write] [--save FILE] [--from FILE]...
//                  [--profile ROW]
//   --from takes the results of an earlier run; with --rows these are measured anew, else nothing is.
//   --write puts every row into test/bench/RESULTS.md, and one picture and three figures into README.md.
//   --profile tells where goldkey spends its time in a row, and measures nothing else.
import { readFile, writeFile } from 'node:fs/promises';
import { readOptions } from '../programs/read-options.mjs';
import { chartsOf } from './lib/charts.mjs';
import { nodes } from './lib/nodes.mjs';
import { profiled } from './lib/profile.mjs';
import { openDocument, picture, writeCharts } from './lib/readme.mjs';
import { details, heading, readmePart, resultsPart, summary } from './lib/report.mjs';
import { merge, subject } from './lib/results.mjs';
import { allocation } from './rows/allocation.mjs';
import { bundle } from './rows/bundle.mjs';
import { extras } from './rows/extras.mjs';
import { firstKeys } from './rows/first-key.mjs';
import { handlerBundles } from './rows/handlers.mjs';
import { hot } from './rows/hot.mjs';
import { imports } from './rows/imports.mjs';
import { memory } from './rows/memory.mjs';
import { pool } from './rows/pool.mjs';
import { herd, outage, revoked, rotation, steady } from './rows/scenarios.mjs';
import { scanning } from './rows/scan.mjs';
import { scrub } from './rows/scrub.mjs';
import { sparse } from './rows/sparse.mjs';
import { transport } from './rows/transport.mjs';

const groups = [
  ...[sparse, hot, allocation, herd, steady, rotation, revoked, outage],
  ...[imports, firstKeys, bundle, handlerBundles, transport, memory, pool, extras, scrub, scanning],
];
const ROOT = new URL('../../', import.meta.url);
/** Where every row, budget and verdict is written. */
const RECORD = 'test/bench/RESULTS.md';

const known = groups.flatMap(({ rows }) => rows);
const fileName = { pattern: /./, text: 'a file' };
const options = readOptions(import.meta.filename, {
  quick: { flag: true },
  rows: { oneOf: known, many: true },
  node: { pattern: /./, text: 'a path or a major version', many: true },
  json: { flag: true },
  write: { flag: true },
  save: fileName,
  from: { ...fileName, many: true },
  profile: { oneOf: known },
});
const asked = options.profile === undefined ? options.rows : [options.profile];
const selected = asked.length === 0 ? known : asked;

function wants(row) {
  return selected.includes(row);
}

async function measure(node, profiles) {
  const about = subject(node, options.quick);
  const { version, major } = about;
  const quick = options.quick || profiles !== undefined;
  const bench = { node, major, onNode20: major < 22, quick, wants, profiles };
  const lines = [];
  for (const group of groups) {
    if (!group.rows.some(wants)) continue;
    const start = performance.now();
    lines.push(...(await group.run(bench)));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stderr.write(`${version}: row ${group.rows.filter(wants).join(', ')} took ${seconds} s\n`);
  }
  return { ...about, lines };
}

function report(results) {
  const every = results.map((result) => `${heading([result])}\n\n${details(result)}`);
  return [...every, ...(results.length > 1 ? [summary(results)] : [])].join('\n\n');
}

async function main() {
  if (options.profile !== undefined) {
    for (const node of await nodes(options.node.length === 0 ? [process.execPath] : options.node)) {
      process.stdout.write(`${await profiled((folder) => measure(node, folder))}\n`);
    }
    return;
  }
  // Documents that cannot take the figures are reported before anything is measured.
  const documents = options.write
    ? { readme: await openDocument(ROOT, 'README.md'), record: await openDocument(ROOT, RECORD) }
    : undefined;

  const given = [];
  for (const file of options.from) given.push(...JSON.parse(await readFile(file, 'utf8')));
  const measures = options.from.length === 0 || asked.length > 0;
  for (const node of measures ? await nodes(options.node) : []) {
    given.push(await measure(node));
    // After each, so that a failure later on costs only what comes after it.
    if (options.save !== undefined) await writeFile(options.save, JSON.stringify(merge(given)));
  }
  const results = merge(given);

  process.stdout.write(`${options.json ? JSON.stringify(results, undefined, 2) : report(results)}\n`);
  if (documents === undefined) return;
  const lacking = known.find((wanted) => results.some(({ lines }) => !lines.some(({ row }) => row === wanted)));
  // A table without a row would hide that it is missed.
  if (lacking !== undefined) throw new Error(`nothing was written: row ${lacking} is missing for a version of Node.js`);
  const charts = chartsOf(results);
  const [refusedKey] = charts;
  await writeCharts(ROOT, charts);
  await documents.readme.write(readmePart(results, picture(refusedKey, refusedKey.shortAlt)));
  const pictures = charts.map((chart) => picture(chart, chart.alt, '../../'));
  await documents.record.write(resultsPart(results, pictures));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error.stack ?? String(error)}\n`);
  process.exitCode = 1;
}
