import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { cacheFolder, run } from './process.js';

/**
 * Installs npm packages that the tests use and that are no dependency, on first use, into a cache folder outside the work
 * tree. Resolves to that folder, which their `node_modules` lies in.
 *
 * @param name - of the folder; other packages are another folder
 * @param packages - as npm takes them, with a version each
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installPackages(name: string, packages: readonly string[]): Promise<string> {
  const digest = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const folder = cacheFolder(`${name}-${digest}`);
  if (existsSync(folder)) return folder;
  let staging: string | undefined;
  try {
    await mkdir(dirname(folder), { recursive: true });
    // Renamed when complete: an interrupted installation leaves nothing that looks like one.
    staging = makeTempFolder(`${basename(folder)}-`, dirname(folder));
    await writeFile(join(staging, 'package.json'), '{ "private": true }\n');
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: staging });
    await rename(staging, folder);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) {
      const how = `npm install --prefix ${folder} ${packages.join(' ')}`;
      throw new Error(`${packages.join(', ')} could not be installed; to run what needs it: ${how}`, { cause: error });
    }
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
  }
  return folder;
}
