import { installPackages } from './npm-packages.js';

/** The bundlers that users take, in exact versions; esbuild is a development dependency. */
const BUNDLERS = [
  'webpack@5.113.0',
  'rollup@4.68.8',
  '@rollup/plugin-commonjs@29.0.3',
  '@rollup/plugin-json@6.1.0',
  '@rollup/plugin-node-resolve@16.0.3',
  '@vercel/ncc@0.45.0',
];

/** Installs the bundlers on first use, and resolves to the folder that their `node_modules` lies in. */
export function installBundlers(): Promise<string> {
  return installPackages('tools/bundlers', BUNDLERS);
}
