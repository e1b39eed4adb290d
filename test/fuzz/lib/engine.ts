import { mutate } from './mutate.js';
import type { Random } from './random.js';
import type { Target } from './target.js';

/** What a run is made of. */
export interface FuzzOptions {
  readonly target: Target;
  readonly seeds: readonly Buffer[];
  /** The counters of the instrumented blocks. */
  readonly counters: Uint32Array;
  /** Returns the texts of the sources in which the seeds have reached a block: where the array is not zero. */
  findWords(reached: Uint8Array): readonly string[];
  readonly random: Random;
  /** Returns whether to go on. */
  goesOn(): boolean;
  /** Is told each input before it runs. */
  onInput(input: Buffer): void;
}

/** An input that made the code do what it must not do. */
export interface Finding {
  readonly input: Buffer;
  readonly problem: string;
}

/** What a run came to. */
export interface FuzzResult {
  readonly executions: number;
  /** The number of blocks that ran. */
  readonly blocks: number;
  /** The inputs that each reached something new. */
  readonly queue: readonly Buffer[];
  /** Those of them that reached a block that no seed did. */
  readonly grown: readonly Buffer[];
  readonly finding: Finding | undefined;
}

const MAX_LENGTH = 4_096;
const MAX_QUEUE = 5_000;
/** How many blocks may run for an input, and for each of its bytes: far more than any, unless the work grows faster than the input. */
const MAX_STEPS = 300_000;
const MAX_STEPS_A_BYTE = 3_000;
/** The same in ms, for what has no blocks, such as regular expressions: of the CPU, because the machine may be busy. */
const MAX_MS = 1_000;
const SLOW_TRIES = 3;
/** Lines of the stack of a finding. */
const REPORTED_FRAMES = 20;
/** How long a finding is made shorter, in ms. */
const SHRINK_MS = 3_000;

/** Fuzzes one target: what reaches a new block, or one more often by an order, is kept and changed further. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { target, seeds, counters, random, goesOn, onInput } = options;
  const { maxLength = MAX_LENGTH } = target;
  /** What each block has been seen to do: a bit for each order of its counts. */
  const seen = new Uint8Array(counters.length);
  const queue: Buffer[] = [];
  const grown: Buffer[] = [];
  let executions = 0;
  let blocks = 0;

  /** Runs an input. Returns what is wrong with it, or how many blocks and counts it has reached that none did before. */
  const execute = async (input: Buffer): Promise<string | { newBlocks: number; newCounts: number }> => {
    executions++;
    onInput(input);
    const problem = await runOnce(target, counters, input);
    if (problem !== undefined) return problem;
    const found = { newBlocks: 0, newCounts: 0 };
    for (let block = 0; block < counters.length; block++) {
      const count = counters[block] as number;
      if (count === 0) continue;
      const bit = 1 << Math.min(7, 31 - Math.clz32(count));
      const known = seen[block] as number;
      if ((known & bit) !== 0) continue;
      if (known === 0) found.newBlocks++;
      found.newCounts++;
      seen[block] = known | bit;
    }
    blocks += found.newBlocks;
    return found;
  };
  const { stackTraceLimit } = Error;
  const end = (finding?: Finding): FuzzResult => {
    Error.stackTraceLimit = stackTraceLimit;
    return { executions, blocks, queue, grown, finding };
  };
  const report = async (input: Buffer, problem: string): Promise<FuzzResult> => {
    const shrunk = await shrink(target, counters, { input, problem }, onInput);
    Error.stackTraceLimit = REPORTED_FRAMES;
    return end({ ...shrunk, problem: (await runOnce(target, counters, shrunk.input)) ?? shrunk.problem });
  };
  // What is thrown by the way is never read, and stacks take half of the time.
  Error.stackTraceLimit = 0;

  // An empty input is one, too.
  for (const seed of [...seeds, Buffer.alloc(0)]) {
    const outcome = await execute(seed);
    if (typeof outcome === 'string') return report(seed, outcome);
    if (outcome.newCounts > 0) queue.push(seed);
  }
  const words = [...target.words, ...target.words, ...options.findWords(seen)];
  const other = (): Buffer => random.pick(queue);
  while (goesOn()) {
    // Later inputs reach further.
    const base = random.oneIn(2)
      ? other()
      : (queue[queue.length - 1 - random.below(Math.min(queue.length, 64))] as Buffer);
    const input = mutate(base, { random, words, other, maxLength });
    const outcome = await execute(input);
    if (typeof outcome === 'string') return report(input, outcome);
    if (outcome.newCounts === 0 || queue.length >= MAX_QUEUE) continue;
    queue.push(input);
    if (outcome.newBlocks > 0) grown.push(input);
  }
  return end();
}

/** Runs an input and returns what is wrong with it, if anything: an error of the target, or too much work. */
export async function runOnce(target: Target, counters: Uint32Array, input: Buffer): Promise<string | undefined> {
  const start = performance.now();
  const problem = await tryTarget(target, counters, input);
  if (problem !== undefined) return problem;
  let steps = 0;
  // Not for…of, which takes ten times as long here.
  for (let block = 0; block < counters.length; block++) steps += counters[block] as number;
  if (steps > MAX_STEPS + MAX_STEPS_A_BYTE * input.length) {
    return `Too much work: ${String(steps)} blocks ran for ${String(input.length)} bytes.`;
  }
  if (performance.now() - start <= MAX_MS) return undefined;
  let fastest = Infinity;
  for (let tries = 0; tries < SLOW_TRIES; tries++) {
    const before = process.cpuUsage();
    await tryTarget(target, counters, input);
    const { user, system } = process.cpuUsage(before);
    fastest = Math.min(fastest, (user + system) / 1_000);
  }
  return fastest > MAX_MS ? `Too slow: ${fastest.toFixed(0)} ms for ${String(input.length)} bytes.` : undefined;
}

async function tryTarget(target: Target, counters: Uint32Array, input: Buffer): Promise<string | undefined> {
  counters.fill(0);
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Returns the finding with a shorter input that has the same problem. */
async function shrink(
  target: Target,
  counters: Uint32Array,
  finding: Finding,
  onInput: (input: Buffer) => void,
): Promise<Finding> {
  const name = (problem: string): string => (problem.split('\n')[0] ?? '').replaceAll(/\d+/g, '');
  const start = performance.now();
  let { input, problem } = finding;
  for (let size = input.length >> 1; size > 0 && performance.now() - start < SHRINK_MS; size >>= 1) {
    for (let at = 0; at + size <= input.length && performance.now() - start < SHRINK_MS;) {
      const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
      onInput(shorter);
      const still = await runOnce(target, counters, shorter);
      if (still !== undefined && name(still) === name(problem)) [input, problem] = [shorter, still];
      else at += size;
    }
  }
  return { input, problem };
}
