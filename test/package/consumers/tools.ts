import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { makeTempFolder } from '../../programs/at-exit.mjs';
import { installPackages } from '../../servers/npm-packages.js';
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
  'typescript-5.9': ['typescript@5.9.3'],
  bun: ['bun@1.4.5'],
  deno: ['deno@2.9.6'],
} as const;

/** A set of tools. */
export type ToolSet = keyof typeof TOOLS;

/** Installs a set of tools on first use, and resolves to the folder that its `node_modules` lies in. */
export function installTools(name: ToolSet): Promise<string> {
  return installPackages(`tools/${name}`, TOOLS[name]);
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
