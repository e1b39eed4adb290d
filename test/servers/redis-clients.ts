import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installPackages } from './npm-packages.js';

/**
 * The folder with the `node_modules` of one client for Redis, e.g. `redis@4`, installed on first use into a cache folder
 * outside the work tree.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export function installRedisClient(name: 'redis' | 'ioredis', major: number): Promise<string> {
  return installPackages(`client-${name}`, [`${name}@${String(major)}`]);
}

/** Loads an installed client. Its types are those of the one version that is a dependency. */
export function loadRedisClient<M = typeof import('redis')>(folder: string, name: 'redis' | 'ioredis'): M {
  return createRequire(join(folder, 'index.js'))(name) as M;
}
