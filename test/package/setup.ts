import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import manifest from '../../package.json' with { type: 'json' };
import { installNode } from '../servers/node.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A user's folder with the packed package alone in it. */
    plain: string;
    /** A user's folder with the packed package and its optional peers. */
    withPeers: string;
    /** The Node.js that runs the user's programs. */
    node: string;
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/**
 * Packs the package (or takes the tarball that `GOLDKEY_TARBALL` names) and installs it as a user would. `GOLDKEY_NODE` is
 * the path of another Node.js to run the user's programs, or a major version to install.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-package-'));
  try {
    const tarball = await pack(folder);
    const peers = Object.keys(manifest.peerDependencies).map(
      (name) => `${name}@${(manifest.devDependencies as Record<string, string>)[name] ?? 'latest'}`,
    );
    project.provide('node', await chosenNode());
    project.provide('plain', await install(join(folder, 'plain'), [tarball]));
    project.provide('withPeers', await install(join(folder, 'with-peers'), [tarball, ...peers]));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return () => rm(folder, { recursive: true, force: true });
}

async function pack(folder: string): Promise<string> {
  const given = process.env['GOLDKEY_TARBALL'] ?? '';
  if (given !== '') return resolve(given);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, packed.filename);
}

async function install(folder: string, packages: readonly string[]): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: folder });
  return folder;
}

async function chosenNode(): Promise<string> {
  const given = process.env['GOLDKEY_NODE'] ?? '';
  if (given === '') return process.execPath;
  return /^\d+$/.test(given) ? installNode(given) : resolve(given);
}
