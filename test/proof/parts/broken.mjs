import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endWithProcess, makeTempFolder } from '../../programs/at-exit.mjs';
import { copyBroken, FAULTS } from '../lib/broken-copy.mjs';

/** Runs the short form of a part on each copy whose fault it must find, and claims that it does. */
export async function tryBroken({ claims, seed, part }) {
  for (const fault of FAULTS.filter(({ found }) => part in found)) {
    const folder = makeTempFolder('goldkey-broken-');
    try {
      const changed = await copyBroken(fault, folder);
      if (changed !== 1) throw new Error(`The fault "${fault.name}" was put into ${String(changed)} files.`);
      const { code, stdout } = await runShort(folder, part, seed);
      const says = stdout.split('\n').find((line) => line.includes('**NO**') && fault.found[part].test(line));
      claims.add(
        `a copy in which ${fault.name} is found out`,
        says ?? `exit code ${String(code)}`,
        code === 1 && says !== undefined,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

async function runShort(folder, part, seed) {
  const argv = [join(folder, 'test/proof/main.mjs'), '--short', '--part', part, '--seed', String(seed)];
  const child = endWithProcess(spawn(process.execPath, argv, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] }));
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, stdout };
}
