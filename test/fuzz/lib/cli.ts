import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildTargets } from './build.js';
import { corpusFolder, readCorpus, runTarget } from './run-target.js';

/** What the command line says. */
interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Names of targets. */
  readonly target: readonly string[];
  /** One input in base64, for one target. */
  readonly input?: string;
  readonly grow: boolean;
}

/** Fuzzes the targets. Resolves to the exit code: 1 with a finding, else 2 if an input of `grow` could not be kept. */
export async function main({ seconds, seed, target: names, input, grow }: FuzzOptions, root: string): Promise<number> {
  const start = performance.now();
  // All of them before anything runs: what cannot be read is said at once.
  const corpora = new Map(names.map((name) => [name, input === undefined ? readCorpus(root, name) : []]));
  const folder = join(root, '.cache', 'fuzz', 'targets');
  await buildTargets(root, folder);

  let findings = 0;
  let lost = 0;
  for (const [index, name] of names.entries()) {
    const given = input === undefined ? undefined : Buffer.from(input, 'base64');
    const seeds = given === undefined ? (corpora.get(name) ?? []) : [given];
    // The build and what the targets before have left of their share count, too.
    const left = Math.max(1_000, seconds * 1_000 - (performance.now() - start));
    const ms = given === undefined ? left / (names.length - index) : 0;
    const before = performance.now();
    const { executions, blocks, kept, grown, finding } = await runTarget({ name, folder, seeds, seed, ms });
    const took = (performance.now() - before) / 1_000;
    const rate = `${String(executions)} executions in ${took.toFixed(1)} s (${(executions / took).toFixed(0)}/s)`;
    console.log(`${name}: ${rate}, ${String(blocks)} blocks, ${String(kept)} inputs kept`);
    if (finding !== undefined) {
      findings++;
      const found = Buffer.from(finding.input).toString('base64');
      console.log(`FINDING in ${name}, seed ${String(seed)}: ${finding.problem}`);
      console.log(`input (base64): ${found}`);
      console.log(`again: npm run fuzz -- --target ${name} --input '${found}'`);
    }
    if (grow) lost += grown.filter((each) => !keepInput(corpusFolder(root, name), each)).length;
  }
  const took = ((performance.now() - start) / 1_000).toFixed(0);
  console.log(`${String(names.length)} targets, ${took} s, seed ${String(seed)}: ${String(findings)} findings`);
  if (findings > 0) return 1;
  return lost > 0 ? 2 : 0;
}

/** Writes an input into a corpus, or prints it where that cannot be done. Returns whether it is written. */
export function keepInput(folder: string, input: Uint8Array): boolean {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), input);
    return true;
  } catch (error) {
    console.log(`not kept: ${(error as Error).message}; input (base64): ${Buffer.from(input).toString('base64')}`);
    return false;
  }
}
