import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder, run } from './process.js';

/**
 * The folder with the `node_modules` of one package that the tests use and that is no dependency, installed on first use
 * into a cache folder outside the work tree.
 *
 * @param cache - the name of the cache folder
 * @param version - as npm takes it after the `@`
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installPackage(cache: string, name: string, version: string): Promise<string> {
  const spec = `${name}@${version}`;
  const folder = cacheFolder(cache);
  if (isInstalled(folder, name)) return folder;
  try {
    await mkdir(folder, { recursive: true });
    await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', spec]);
  } catch (error) {
    const how = `npm install --prefix ${folder} ${spec}`;
    throw new Error(`${spec} could not be installed; to run these tests: ${how}`, { cause: error });
  }
  return folder;
}

function isInstalled(folder: string, name: string): boolean {
  try {
    createRequire(join(folder, 'index.js')).resolve(name);
    return true;
  } catch {
    return false;
  }
}
