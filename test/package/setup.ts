import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import manifest from '../../package.json' with { type: 'json' };
import { makeTempFolder } from '../programs/at-exit.mjs';
import { installNode } from '../servers/node.js';
import { developedWith, install, pack } from './install.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packed package. */
    tarball: string;
    /** A user's folder with the packed package alone in it. */
    plain: string;
    /** A user's folder with the packed package and its optional peers. */
    withPeers: string;
    /** The Node.js that runs the user's programs. */
    node: string;
  }
}

/**
 * Packs the package (or takes the tarball that `GOLDKEY_TARBALL` names) and installs it as a user would. `GOLDKEY_NODE` is
 * the path of another Node.js to run the user's programs, or a major version to install.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = makeTempFolder('goldkey-package-');
  try {
    const tarball = await pack(folder);
    const peers = Object.keys(manifest.peerDependencies).map(developedWith);
    project.provide('tarball', tarball);
    project.provide('node', await chosenNode());
    project.provide('plain', await install(join(folder, 'plain'), [tarball]));
    project.provide('withPeers', await install(join(folder, 'with-peers'), [tarball, ...peers]));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return () => rm(folder, { recursive: true, force: true });
}

async function chosenNode(): Promise<string> {
  const given = process.env['GOLDKEY_NODE'] ?? '';
  if (given === '') return process.execPath;
  return /^\d+$/.test(given) ? installNode(given) : resolve(given);
}
