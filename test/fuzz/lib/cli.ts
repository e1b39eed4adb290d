import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildTargets } from './build.js';
import { readCorpus, runTarget } from './run-target.js';

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

/** Fuzzes the targets. Resolves to the exit code. */
export async function main({ seconds, seed, target: names, input, grow }: FuzzOptions, root: string): Promise<number> {
  const start = performance.now();
  const folder = join(root, '.cache', 'fuzz', 'targets');
  await buildTargets(root, folder);

  let findings = 0;
  for (const [index, name] of names.entries()) {
    const given = input === undefined ? undefined : Buffer.from(input, 'base64');
    const seeds = given === undefined ? readCorpus(root, name) : [given];
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
    if (grow) for (const each of grown) keep(join(root, 'test', 'fuzz', 'corpus', name), each);
  }
  const took = ((performance.now() - start) / 1_000).toFixed(0);
  console.log(`${String(names.length)} targets, ${took} s, seed ${String(seed)}: ${String(findings)} findings`);
  return findings === 0 ? 0 : 1;
}

function keep(folder: string, input: Uint8Array): void {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  writeFileSync(join(folder, name), input);
}
