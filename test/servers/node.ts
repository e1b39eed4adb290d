import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, run } from './process.js';

/**
 * The path of a Node.js of that major version: the npm package `node`, installed on first use into a cache folder outside
 * the work tree.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installNode(major: string): Promise<string> {
  const folder = cacheFolder(`node-${major}`);
  const binary = join(folder, 'node_modules', 'node', 'bin', 'node');
  if (await isMajor(binary, major)) return binary;
  try {
    await mkdir(folder, { recursive: true });
    await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `node@${major}`]);
  } catch (error) {
    const how = `the tests then run: npm install --prefix DIR node@${major}, or give a binary in GOLDKEY_NODE`;
    throw new Error(`Node.js ${major} could not be installed: ${how}`, { cause: error });
  }
  if (await isMajor(binary, major)) return binary;
  throw new Error(`The npm package node@${major} left no Node.js ${major} that runs; give a binary in GOLDKEY_NODE.`);
}

async function isMajor(binary: string, major: string): Promise<boolean> {
  try {
    return (await run(binary, ['--version'])).stdout.startsWith(`v${major}.`);
  } catch {
    return false;
  }
}
