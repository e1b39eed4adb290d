import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder, run } from './process.js';

/**
 * The folder with the `node_modules` of one client for Redis, e.g. `redis@4`, installed on first use into a cache folder
 * outside the work tree.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installRedisClient(name: 'redis' | 'ioredis', major: number): Promise<string> {
  const spec = `${name}@${String(major)}`;
  const folder = cacheFolder(`client-${name}-${String(major)}`);
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

/** Loads an installed client. Its types are those of the one version that is a dependency. */
export function loadRedisClient<M = typeof import('redis')>(folder: string, name: 'redis' | 'ioredis'): M {
  return createRequire(join(folder, 'index.js'))(name) as M;
}

function isInstalled(folder: string, name: string): boolean {
  try {
    createRequire(join(folder, 'index.js')).resolve(name);
    return true;
  } catch {
    return false;
  }
}
