import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ABOVE, CORE, rules } from '../config/dependency-rules.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** For each rule an import that it forbids. */
const FORBIDDEN: Readonly<Record<string, readonly [from: string, to: string]>> = {
  'core-alone': ['core/call/a', 'util/z'],
  'core-common-words': ['core/types', 'core/redaction/z'],
  'core-from-its-index': ['prices/b', 'core/errors'],
  'core-order-cache': ['core/cache/a', 'core/recovery/z'],
  'core-order-call': ['core/call/b', 'core/client/z'],
  'core-order-recovery': ['core/recovery/a', 'core/call/z'],
  'core-order-redaction': ['core/redaction/a', 'core/cache/z'],
  'core-order-state': ['core/state/a', 'core/client/z'],
  'core-order-util': ['core/util/a', 'core/redaction/z'],
  'declared-packages': ['http/b', 'undeclared'],
  'no-circles': ['circle/a', 'circle/b'],
  'no-index-inside-the-core': ['core/client/a', 'core/index'],
  'order-audit': ['audit/a', 'watch/z'],
  'order-aws': ['aws/a', 'providers/shared/z'],
  'envelope-is-given-ciphers': ['envelope/a', 'providers/kms/z'],
  'order-envelope': ['envelope/a', 'audit/z'],
  'order-hmac': ['hmac/a', 'envelope/z'],
  'order-http': ['http/a', 'aws/z'],
  'order-lambda': ['lambda/a', 'hmac/z'],
  'order-opentelemetry': ['opentelemetry/a', 'testing/z'],
  'order-pool': ['pool/a', 'lambda/z'],
  'order-prices': ['prices/a', 'rotation/ring/z'],
  'order-providers': ['providers/kms/a', 'prices/z'],
  'order-redis': ['redis/a', 'http/z'],
  'order-rotation': ['rotation/ring/a', 'pool/z'],
  'order-testing': ['testing/a', 'cli/z'],
  'order-util': ['util/a', 'http/z'],
  'order-watch': ['watch/a', 'opentelemetry/z'],
  'providers-apart': ['providers/kms-light/a', 'providers/kms/z'],
  'providers-are-given': ['rotation/manager/a', 'providers/vault/z'],
  'root-is-the-core': ['index', 'prices/z'],
};

/** Imports of the same kind that are allowed. */
const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['core/call/c', 'core/recovery/z'],
  ['index', 'core/index'],
  ['prices/c', 'core/index'],
  ['providers/kms-light/c', 'aws/z'],
  ['providers/kms-light/c', 'providers/shared/z'],
  ['rotation/stores/vault/c', 'providers/vault/z'],
  ['cli/c', 'providers/vault/z'],
  ['cli/c', 'declared'],
];

/** Reads the imports of a folder's src and applies the rules: a line for each import that one forbids. */
async function violations(baseDir: string): Promise<string[]> {
  const { output } = await cruise(['src'], {
    baseDir,
    // Imports of types count as well.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    validate: true,
    ruleSet: { forbidden: rules },
  });
  const { modules, summary } = output as ICruiseResult;
  expect(modules.length).toBeGreaterThan(50);
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

describe('who may import whom', { timeout: 120_000 }, () => {
  it('every folder has its place in the order', async () => {
    const folders = async (path: string): Promise<string[]> =>
      (await readdir(join(ROOT, path), { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);

    expect([...ABOVE, 'core']).toEqual(expect.arrayContaining(await folders('src')));
    expect(CORE.toSorted()).toEqual((await folders('src/core')).toSorted());
  });

  it('no import in src is forbidden, types included', async () => {
    expect(await violations(ROOT)).toEqual([]);
  });
});

describe('the rules', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goldkey-imports-'));
    const sources = new Map<string, string>();
    const add = (path: string, line: string): void => void sources.set(path, `${sources.get(path) ?? ''}${line}\n`);
    for (const [from, to] of [...Object.values(FORBIDDEN), ...ALLOWED, ['circle/b', 'circle/a']] as const) {
      const up = '../'.repeat(from.split('/').length - 1) || './';
      add(`src/${from}.ts`, `import type { A } from '${to.endsWith('declared') ? to : `${up}${to}.js`}';`);
      if (!to.endsWith('declared')) add(`src/${to}.ts`, 'export type A = 1;');
    }
    for (const name of ['declared', 'undeclared']) {
      add(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js', types: 'index.d.ts' }));
      add(`node_modules/${name}/index.js`, '');
      add(`node_modules/${name}/index.d.ts`, 'export type A = 1;');
    }
    add('package.json', JSON.stringify({ dependencies: { declared: '1' }, devDependencies: { undeclared: '1' } }));
    for (const [path, text] of sources) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('each has an example that it forbids', () => {
    expect(Object.keys(FORBIDDEN).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
  });

  it('each forbids its example, and no rule forbids what is allowed', async () => {
    const found = await violations(folder);

    for (const [name, [from]] of Object.entries(FORBIDDEN)) {
      expect(found.filter((line) => line.startsWith(`${name}: src/${from}.ts -> `))).toHaveLength(1);
    }
    for (const [from, to] of ALLOWED) {
      expect(found.filter((line) => line.includes(`src/${from}.ts -> src/${to}.ts`))).toEqual([]);
    }
  });
});
