import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  computeFingerprint,
  isQuotable,
  MIN_KEY_LENGTH,
  readErrorName,
  showText,
  tryOrUndefined,
} from '../../../core/index.js';
import { readManifest } from '../../manifest.js';
import { fail, ok, warn, type Finding } from './check.js';
import type { Setup } from './setup.js';

const require = createRequire(import.meta.url);

/** The ends of life of Node.js, by major version. */
const END_OF_LIFE: Readonly<Record<string, string>> = {
  20: '2026-04-30',
  22: '2027-04-30',
  24: '2028-04-30',
  26: '2029-04-30',
};

/** The packages of the stores and rings that need one. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kms: ['@aws-sdk/client-kms'],
  'secrets-manager': ['@aws-sdk/client-secrets-manager'],
  ssm: ['@aws-sdk/client-ssm'],
  'azure-key-vault': ['@azure/identity', '@azure/keyvault-secrets'],
  dynamodb: ['@aws-sdk/client-dynamodb'],
  redis: ['redis'],
  rediss: ['redis'],
};

/** Returns whether a version is in a range such as `^20.19 || >=24`, the only forms that the manifest has. */
export function isInRange(version: string, range: string): boolean {
  const parse = (text: string): number[] => text.split('.').map((part) => Number.parseInt(part, 10));
  const [major, minor = 0, patch = 0] = parse(version);
  return range.split('||').some((part) => {
    const [from = NaN, minMinor = 0, minPatch = 0] = parse(part.replace(/[^\d.]/g, ''));
    if (major !== from) return !part.includes('^') && Number(major) > from;
    return minor > minMinor || (minor === minMinor && patch >= minPatch);
  });
}

/** Checks the version of Node.js at a time, in epoch ms. */
export function checkNode(version: string, now: number): Finding {
  const { node: range } = readManifest().engines;
  const name = `Node.js ${version}`;
  const fix = 'nvm install 24';
  if (!isInRange(version, range)) return warn(`${name} is not supported: goldkey needs ${range}.`, fix);
  const end = END_OF_LIFE[version.split('.')[0] ?? ''];
  if (end === undefined || now <= Date.parse(end)) return ok(name);
  return warn(`${name} gets no security fixes since ${end}.`, fix);
}

/** Checks that the packages which the store and the ring need load, and are new enough. */
export async function checkPackages({ kind, ringKind = '' }: Setup): Promise<Finding> {
  const names = [...(PACKAGES[kind] ?? []), ...(PACKAGES[ringKind] ?? [])];
  const { peerDependencies } = readManifest();
  const found: string[] = [];
  for (const name of names) {
    const version = readInstalledVersion(name);
    if (version === undefined) return fail(`${name} is not installed.`, `npm install ${name}`);
    const range = peerDependencies[name] ?? '';
    const update = `npm install ${name}@latest`;
    if (!isInRange(version, range)) return fail(`${name} is ${version}; goldkey needs ${range}.`, update);
    try {
      await import(/* @vite-ignore */ name);
    } catch (error) {
      return fail(`${name} ${version} does not load (${readErrorName(error) ?? 'Error'}).`, update);
    }
    found.push(`${name} ${version}`);
  }
  return ok(found.length === 0 ? 'none needed' : found.join(', '));
}

function readInstalledVersion(name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const text = tryOrUndefined(() => readFileSync(join(folder, name, 'package.json'), 'utf8'));
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  return undefined;
}

/** Checks that no environment variable holds the key, of which only the fingerprint is kept, and that nobody can look in. */
export function checkEnvironment({ run, options, facts, kind }: Setup): Finding {
  const { env } = run.io;
  const own = kind === 'env' ? options.store?.replace(/^env:\/\//, '') : undefined;
  const found = Object.entries(env).find(
    ([name, value = '']) =>
      name !== own && value.length >= MIN_KEY_LENGTH && computeFingerprint(value.trim()) === facts.fingerprint,
  );
  if (found !== undefined) {
    const [name] = found;
    const problem = `The variable ${showText(name)} holds the key in plaintext; remove it where it is set, and rotate the key.`;
    return fail(problem, isQuotable(name) ? `unset ${name}` : undefined);
  }
  if (/--inspect\b/.test(env['NODE_OPTIONS'] ?? '')) {
    return warn('NODE_OPTIONS opens a debugger, through which the key can be read.', 'unset NODE_OPTIONS');
  }
  return ok('no variable holds the key');
}
