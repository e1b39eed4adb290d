import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import lock from '../../package-lock.json' with { type: 'json' };
import { run } from '../servers/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Packs the package into the folder, or takes the tarball that `GOLDKEY_TARBALL` names. `flags` are for `npm pack`. */
export async function pack(folder: string, ...flags: readonly string[]): Promise<string> {
  const given = process.env['GOLDKEY_TARBALL'] ?? '';
  if (given !== '') return resolve(given);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, ...flags], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, packed.filename);
}

/** Installs packages into a new folder, as a user would. */
export async function install(folder: string, packages: readonly string[]): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: folder });
  return folder;
}

/**
 * What to install of a package that this one is developed with: the very version, because a newer one may have been
 * published minutes ago and its own dependencies not yet.
 */
export function developedWith(name: string): string {
  const locked = (lock.packages as Readonly<Record<string, { version?: string }>>)[`node_modules/${name}`];
  if (locked?.version === undefined) throw new Error(`${name} is not among what this package is developed with`);
  return `${name}@${locked.version}`;
}
