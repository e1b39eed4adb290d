import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../lib/contestant.mjs';
import { figure, figureLine, measured } from '../lib/line.mjs';
import { writeTrees } from '../lib/scan-tree.mjs';
import { median } from '../lib/stats.mjs';

/** A key that metals-api.com would give: letters and digits alone. */
const KEY = '8f3a1c9e7b2d4f6a0c5e8b1d3f7a9c2e';
const LEAST = 300;
const MOST = 100e6;
const FILES = 32;
const PEER_KIND = 'logs';
const program = fileURLToPath(new URL('../../../dist/esm/cli/bin.js', import.meta.url));
const meter = new URL('../lib/process-usage.mjs', import.meta.url).href;

/** Scans a folder in a process of its own. Returns the seconds of one core, its peak of memory, and how many files hold the key. */
async function scan(node, keyFile, folder) {
  const child = spawn(node, ['--import', meter, program, 'scan', '--json', '--key-file', keyFile, folder], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr, usage] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    text(child.stdio[3]),
    once(child, 'close'),
  ]);
  if (child.exitCode !== 0 && child.exitCode !== 3) throw new Error(`goldkey scan failed:\n${stderr}`);
  const { findings } = JSON.parse(stdout);
  return { ...JSON.parse(usage), found: new Set(findings.map(({ path }) => path)).size };
}

/** The same by gitleaks, where the machine has it, of a folder or a file. */
function scanByGitleaks(path) {
  const start = process.hrtime.bigint();
  const flags = ['--no-banner', '--log-level', 'error', '--exit-code', '0', '--report-format', 'json'];
  const { error, status, stdout, stderr } = spawnSync('gitleaks', ['dir', path, ...flags, '--report-path', '-'], {
    env: { ...cleanEnvironment(), GOMAXPROCS: '1' },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error?.code === 'ENOENT') return undefined;
  if (status !== 0) throw new Error(`gitleaks failed:\n${stderr}`);
  const found = new Set(JSON.parse(stdout).map(({ File }) => File)).size;
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, found };
}

/** Row 19: the slowest of eight kinds of text, the peak of memory, and the forms of the key that are found. */
export const scanning = {
  rows: ['19'],
  async run({ node, quick }) {
    const trees = await writeTrees(KEY, quick ? FILES / 4 : FILES);
    try {
      const { found, seconds: empty } = await scan(node, trees.keyFile, trees.forms);
      const peer = scanByGitleaks(trees.forms);
      const rounds = quick ? 1 : 3;
      const speeds = {};
      let peak = 0;
      for (const { name, folder, bytes } of trees.kinds) {
        speeds[name] = [];
        for (let round = 0; round < rounds; round++) {
          const ran = await scan(node, trees.keyFile, folder);
          if (ran.found > 0) throw new Error(`${name}: a key was found where there is none`);
          speeds[name].push(bytes / 1e6 / (ran.seconds - empty));
          peak = Math.max(peak, ran.peak);
        }
      }
      return [...listSpeeds(speeds, trees.kinds), memoryLine(peak), formsLine(found, trees.planted, peer)];
    } finally {
      await trees.remove();
    }
  },
};

function listSpeeds(speeds, kinds) {
  const [[slowest]] = Object.entries(speeds).toSorted(([, a], [, b]) => median(a) - median(b));
  return Object.entries(speeds).map(([name, values]) => {
    const isHeld = name === slowest;
    const theirs = name === PEER_KIND ? measurePeer(kinds) : undefined;
    return figureLine({
      row: '19',
      what: isHeld ? 'goldkey scan, one core, the slowest kind of text' : `goldkey scan, one core, ${name}`,
      ours: `${isHeld ? `${name}: ` : ''}${measured([values], 'MB/s')}`,
      result: `${figure(median(values))} MB/s`,
      against: theirs === undefined ? '–' : `gitleaks: ${figure(theirs)} MB/s`,
      budget: isHeld ? '≥ 300 MB/s' : '–',
      ...(isHeld && { value: median(values), atLeast: LEAST }),
      details: { [name]: values },
    });
  });
}

/** Returns the speed of gitleaks in MB/s: of one file, as it takes seconds for each. */
function measurePeer(kinds) {
  const { folder, bytes, files } = kinds.find(({ name }) => name === PEER_KIND);
  const ran = scanByGitleaks(join(folder, '0.txt'));
  return ran && bytes / files / 1e6 / ran.seconds;
}

function memoryLine(peak) {
  return figureLine({
    row: '19',
    what: 'goldkey scan, peak of memory, with Node.js',
    ours: `${figure(peak / 1e6)} MB`,
    against: '–',
    budget: '< 100 MB',
    value: peak,
    limit: MOST,
  });
}

function formsLine(found, planted, peer) {
  return figureLine({
    row: '19',
    what: 'goldkey scan, forms of the key that are found',
    ours: `${String(found)} of ${String(planted)}`,
    against: peer === undefined ? '–' : `gitleaks: ${String(peer.found)}`,
    budget: 'all',
    value: planted - found,
    limit: 0,
  });
}
