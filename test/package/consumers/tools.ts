import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inject } from 'vitest';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { cacheFolder, run } from '../../servers/process.js';
import { developedWith } from '../install.js';

/** What consumers of the package use, in exact versions. None is a development dependency, so that `npm ci` stays small. */
const TOOLS = {
  jest: [
    'jest@30.5.2',
    'babel-jest@30.5.2',
    '@babel/core@7.29.13',
    '@babel/preset-env@7.29.14',
    'ts-jest@29.4.15',
    '@types/jest@30.0.0',
    'typescript@5.9.3',
    developedWith('aws-sdk-client-mock'),
    developedWith('@types/node'),
  ],
  vitest: [developedWith('vitest'), developedWith('aws-sdk-client-mock')],
  'fake-timers': ['jest@30.5.2', 'sinon@22.1.0', developedWith('vitest')],
  nest: [
    '@nestjs/common@11.2.10',
    '@nestjs/core@11.2.10',
    'reflect-metadata@0.2.2',
    'rxjs@7.8.0',
    'typescript@5.9.3',
    developedWith('@types/node'),
  ],
  bundlers: [
    'webpack@5.113.0',
    'rollup@4.68.8',
    '@rollup/plugin-commonjs@29.0.3',
    '@rollup/plugin-json@6.1.0',
    '@rollup/plugin-node-resolve@16.0.3',
    '@vercel/ncc@0.45.0',
  ],
  'typescript-5.9': ['typescript@5.9.3'],
  bun: ['bun@1.4.5'],
  deno: ['deno@2.9.6'],
} as const;

/** A set of tools. */
export type ToolSet = keyof typeof TOOLS;

/**
 * Installs a set of tools on first use, into a cache folder outside the work tree.
 *
 * @returns the folder that its `node_modules` lies in
 */
export async function installTools(name: ToolSet): Promise<string> {
  const packages = TOOLS[name];
  const digest = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const folder = cacheFolder(`tools/${name}-${digest}`);
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  // Renamed when complete: an interrupted installation leaves nothing that looks like one.
  const staging = makeTempFolder(`${basename(folder)}-`, dirname(folder));
  try {
    await writeFile(join(staging, 'package.json'), '{ "private": true }\n');
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: staging });
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Another process may have been faster.
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

/**
 * Makes a project below the tools, where it finds them as a user's project finds what is installed in it: with the packed
 * package, its optional peers and these files.
 */
export async function makeProject(tools: string, files: Readonly<Record<string, string>>): Promise<string> {
  const project = makeTempFolder('project-', tools);
  await symlink(join(inject('withPeers'), 'node_modules'), join(project, 'node_modules'));
  for (const [name, text] of Object.entries({ 'package.json': '{ "private": true }', ...files })) {
    await mkdir(dirname(join(project, name)), { recursive: true });
    await writeFile(join(project, name), text);
  }
  return project;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
