import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { COUNTERS, FILES, type BuiltFile } from './built.js';
import { fuzz, runOnce, type Finding } from './engine.js';
import { Random } from './random.js';
import type { Target } from './target.js';

/** What the thread of one target is given. */
export interface WorkerOrder {
  /** The URL of the folder that was built. */
  readonly folder: string;
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly seed: number;
  /** How long to fuzz; 0 to run only the seeds. */
  readonly ms: number;
  /** The number of inputs so far, the length of the last and its bytes: to be seen from outside when the thread hangs. */
  readonly shared: SharedArrayBuffer;
}

/** What it came to. */
export interface WorkerAnswer {
  readonly executions: number;
  readonly blocks: number;
  readonly kept: number;
  readonly grown: readonly Uint8Array[];
  readonly finding: { readonly input: Uint8Array; readonly problem: string } | undefined;
}

const { folder, name, seeds: given, seed, ms, shared } = workerData as WorkerOrder;
const files = JSON.parse(readFileSync(new URL(FILES, folder), 'utf8')) as BuiltFile[];
const counters = new Uint32Array(files.reduce((sum, { blocks }) => sum + blocks, 0));
// Before the target, whose sources count into it.
Object.assign(globalThis, { [COUNTERS]: counters });
const { target } = (await import(new URL(`${name}.mjs`, folder).href)) as { target: Target };

const [beat, bytes] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
const onInput = (input: Buffer): void => {
  bytes.set(input.subarray(0, bytes.length));
  beat[1] = input.length;
  Atomics.add(beat, 0, 1);
};

const answer = ms === 0 ? await replay() : await search();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(answer);

async function search(): Promise<WorkerAnswer> {
  const seeds = [...(target.seeds ?? []), ...given.map((each) => Buffer.from(each))];
  const findWords = (reached: Uint8Array): string[] =>
    files
      .filter(({ first, blocks }) => reached.subarray(first, first + blocks).some((seen) => seen !== 0))
      .flatMap(({ words }) => words);
  const start = performance.now();
  const goesOn = (): boolean => performance.now() - start < ms;
  const result = await fuzz({ target, seeds, counters, findWords, random: new Random(seed), goesOn, onInput });
  const { executions, blocks, queue, grown, finding } = result;
  return { executions, blocks, kept: queue.length, grown, finding };
}

async function replay(): Promise<WorkerAnswer> {
  let finding: Finding | undefined;
  for (const each of given) {
    const input = Buffer.from(each);
    onInput(input);
    const problem = await runOnce(target, counters, input);
    if (problem !== undefined) finding ??= { input, problem };
  }
  return { executions: given.length, blocks: counters.filter(Boolean).length, kept: 0, grown: [], finding };
}
