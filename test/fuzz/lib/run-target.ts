import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { deriveSeed } from './random.js';
import type { WorkerAnswer, WorkerOrder } from './worker.js';

/** One run of one target. */
export interface TargetRun {
  readonly name: string;
  /** The folder that was built. */
  readonly folder: string;
  readonly seeds: readonly Uint8Array[];
  readonly seed: number;
  /** How long to fuzz; 0 to run only the seeds. */
  readonly ms: number;
}

const MAX_INPUT = 65_536;
/** How long one input may take before it is a finding, in ms. The worker itself finds what takes less. */
const HANG_MS = 20_000;
const LOOK_MS = 1_000;

/** Returns the folder of a target's corpus. */
export function corpusFolder(root: string, name: string): string {
  return join(root, 'test', 'fuzz', 'corpus', name);
}

/** Reads the inputs of a target's corpus; one that has no folder yet is empty. */
export function readCorpus(root: string, name: string): Buffer[] {
  const folder = corpusFolder(root, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .map((file) => readFileSync(join(folder, file)));
}

/** Runs a target in a thread of its own, which is ended when an input takes too long. */
export async function runTarget({ name, folder, seeds, seed, ms }: TargetRun): Promise<WorkerAnswer> {
  const shared = new SharedArrayBuffer(8 + MAX_INPUT);
  const beat = new Int32Array(shared, 0, 2);
  const url = pathToFileURL(`${folder}/`).href;
  const workerData: WorkerOrder = { folder: url, name, seeds, seed: deriveSeed(seed, name), ms, shared };
  const worker = new Worker(new URL('worker.mjs', url), { workerData, stdout: true, stderr: true });
  const fail = (problem: string): WorkerAnswer => {
    const input = Buffer.from(new Uint8Array(shared, 8, Math.min(beat[1] ?? 0, MAX_INPUT)));
    return { executions: beat[0] ?? 0, blocks: 0, kept: 0, grown: [], finding: { input, problem } };
  };
  let looks: NodeJS.Timeout | undefined;
  try {
    return await new Promise<WorkerAnswer>((resolve) => {
      worker.once('message', resolve);
      // What the code throws when nobody waits for it any more: in a timer, or as a rejection that nobody handles.
      worker.once('error', (error) => resolve(fail(`In the background: ${error.stack ?? String(error)}`)));
      worker.once('exit', () => resolve(fail('The thread has ended.')));
      let [last, since] = [-1, Date.now()];
      looks = setInterval(() => {
        const now = Atomics.load(beat, 0);
        if (now !== last) [last, since] = [now, Date.now()];
        else if (Date.now() - since > HANG_MS) resolve(fail(`It takes more than ${String(HANG_MS / 1_000)} s.`));
      }, LOOK_MS);
    });
  } finally {
    clearInterval(looks);
    await worker.terminate();
  }
}
