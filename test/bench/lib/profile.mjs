import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const SHOWN = 25;

/** The flags by which a process leaves a profile in `folder`; none without a folder. */
export function profiling(folder) {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200'];
}

/** Runs `work` with a folder for profiles, and tells where the processes that left one there have spent their time. */
export async function profiled(work) {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-bench-'));
  try {
    await work(folder);
    const profiles = [];
    for (const name of await readdir(folder)) profiles.push(JSON.parse(await readFile(join(folder, name), 'utf8')));
    return hottest(profiles);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The functions with the most time of their own, over all profiles, idling left out. */
export function hottest(profiles) {
  const times = new Map();
  let total = 0;
  for (const { nodes, samples, timeDeltas } of profiles) {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    samples.forEach((id, i) => {
      const name = names.get(id);
      if (name === '(idle)') return;
      times.set(name, (times.get(name) ?? 0) + timeDeltas[i]);
      total += timeDeltas[i];
    });
  }
  const sorted = [...times].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
  return sorted.map(([name, time]) => `${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`).join('\n');
}

function placeOf({ functionName, url, lineNumber, columnNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name}  ${basename(url)}:${String(lineNumber + 1)}:${String(columnNumber + 1)}`;
}
