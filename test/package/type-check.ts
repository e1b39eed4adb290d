import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { run } from '../servers/process.js';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const TYPESCRIPT = join(MODULES, 'typescript');

/** A folder of its own in which the packed package and its optional peers are installed. */
export async function folderWithPeers(): Promise<string> {
  const folder = makeTempFolder('goldkey-types-');
  await cp(join(inject('withPeers'), 'node_modules'), join(folder, 'node_modules'), { recursive: true });
  return folder;
}

/**
 * Type-checks a project of these files, the published declarations included (`skipLibCheck` is off).
 *
 * @param typescript - the folder of another TypeScript than the one that this package is developed with
 */
export async function typeCheck(
  folder: string,
  type: 'module' | 'commonjs',
  files: Readonly<Record<string, string>>,
  options: object = {},
  typescript: string = TYPESCRIPT,
): Promise<string> {
  const project = await mkdtemp(join(folder, `${type}-`));
  await mkdir(join(project, 'src'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type }));
  for (const [name, source] of Object.entries(files)) await writeFile(join(project, 'src', name), source);
  const compilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    target: 'es2022',
    lib: ['es2022'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(MODULES, '@types')],
    ...options,
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  return run(process.execPath, [join(typescript, 'bin', 'tsc'), '-p', project]).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}
