// npm run bench -- [--quick] [--rows 1,2,3] [--node PATH]... [--json] [--write]
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { heading, openReadme, table } from './lib/report.mjs';
import { allocation } from './rows/allocation.mjs';
import { firstKeys } from './rows/first-key.mjs';
import { hot } from './rows/hot.mjs';
import { imports } from './rows/imports.mjs';
import { memory } from './rows/memory.mjs';
import { pool } from './rows/pool.mjs';
import { herd, outage, revoked, rotation, steady } from './rows/scenarios.mjs';
import { sparse } from './rows/sparse.mjs';

const groups = [sparse, hot, allocation, herd, steady, rotation, revoked, outage, imports, firstKeys, memory, pool];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    node: { type: 'string', multiple: true, default: [process.execPath] },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

async function measure(node) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const major = Number.parseInt(version.slice(1), 10);
  const selected = options.rows?.split(',').map((row) => row.trim());
  const wants = (row) => selected === undefined || selected.includes(row);
  const bench = { node, major, onNode20: major < 22, quick: options.quick, wants };
  const lines = [];
  for (const group of groups) {
    if (!group.rows.some(wants)) continue;
    const start = performance.now();
    lines.push(...(await group.run(bench)));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stderr.write(`${version}: row ${group.rows.filter(wants).join(', ')} took ${seconds} s\n`);
  }
  return { version, quick: options.quick, lines };
}

function report(results) {
  return results.map((result) => `${heading(result)}\n\n${table(result.lines)}`).join('\n\n');
}

async function main() {
  const known = groups.flatMap(({ rows }) => rows);
  const unknown = (options.rows?.split(',') ?? []).find((row) => !known.includes(row.trim()));
  if (unknown !== undefined) throw new Error(`there is no row ${unknown}; there are ${known.join(', ')}`);
  const readme = options.write ? await openReadme(new URL('../../README.md', import.meta.url)) : undefined;
  if (readme?.missing !== undefined) throw new Error(`nothing was measured or written: ${readme.missing}`);

  const results = [];
  for (const node of options.node) results.push(await measure(node));
  process.stdout.write(`${options.json ? JSON.stringify(results, undefined, 2) : report(results)}\n`);
  // The README shows what has a budget; the comparisons beside it are for whoever runs this.
  await readme?.write(
    report(results.map((result) => ({ ...result, lines: result.lines.filter(({ met }) => met !== undefined) }))),
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error.stack ?? String(error)}\n`);
  process.exitCode = 1;
}
