import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { read, sources, target, type How, type Import, type Source } from './sources.js';

// Every source has its place here; one that has none fails the test.

/** The core, layer by layer: a file imports from its own layer and those before it, types included. */
const CORE: readonly (readonly string[])[] = [
  [
    'cache/expiry-queue',
    'cache/fingerprint',
    'cache/timing',
    'call/abort-listeners',
    'errors',
    'events',
    'recovery/outcome',
    'redaction/byte-views',
    'redaction/object-graph',
    'redaction/object-kind',
    'redaction/redact',
    'redaction/secret-matcher',
    'rotation-errors',
    'state/deadline-timer',
    'types',
    'util/clock',
    'util/node-builtins',
    'util/safe-access',
    'util/url-safety',
  ],
  [
    'cache/apply-load',
    'cache/cached-key',
    'cache/cached-keys',
    'cache/change-subscription',
    'cache/key-cache',
    'cache/load-key',
    'cache/stage-state',
    'cache/validate-key',
    'call/call',
    'call/call-options',
    'call/cancellation',
    'call/key-context',
    'client/status',
    'options',
    'recovery/key-rejection',
    'recovery/recover',
    'recovery/retry',
    'recovery/select-key',
    'state/canary',
    'state/client-state',
  ],
  ['client/gold-data-client', 'client/keyed-client', 'client/keyed-client-pool', 'index'],
];

/** What each folder of the layers above imports from, beside itself and the core. */
const FOLDERS: Record<string, readonly string[]> = {
  util: [],
  http: [],
  aws: ['util', 'http'],
  pool: [],
  providers: ['util', 'http', 'aws'],
  prices: ['util', 'http'],
  rotation: ['util', 'http', 'aws', 'providers'],
  // The names of the price APIs.
  testing: ['util', 'prices'],
  cli: ['util', 'http', 'aws', 'providers', 'prices', 'rotation', 'testing'],
};

/** The folders of providers, each with those beside it whose files its own import. */
const PROVIDERS: Record<string, readonly string[]> = {
  'azure-key-vault': [],
  chain: [],
  env: [],
  file: [],
  kms: [],
  'kms-light': [],
  local: [],
  'secrets-manager': [],
  shared: [],
  ssm: [],
  vault: [],
};

/** The one file that loads each npm package, and whether only when it is first used. */
const PACKAGES: Record<string, readonly [file: string, how: How]> = {
  '@aws-sdk/client-dynamodb': ['rotation/stores/dynamodb/client.ts', 'lazy'],
  '@aws-sdk/client-kms': ['providers/shared/kms/sdk.ts', 'lazy'],
  '@aws-sdk/client-secrets-manager': ['providers/secrets-manager/client.ts', 'lazy'],
  '@aws-sdk/client-ssm': ['providers/ssm/client.ts', 'lazy'],
  '@azure/identity': ['providers/azure-key-vault/client.ts', 'lazy'],
  '@azure/keyvault-secrets': ['providers/azure-key-vault/client.ts', 'lazy'],
  aws4: ['aws/signature.ts', 'lazy'],
  commander: ['cli/program.ts', 'lazy'],
  'lru-cache': ['core/client/keyed-client-pool.ts', 'static'],
  'p-retry': ['core/recovery/retry.ts', 'lazy'],
  redis: ['rotation/stores/redis/client.ts', 'lazy'],
  undici: ['http/origin.ts', 'lazy'],
};

/** Where the environment is read. */
const READS_ENVIRONMENT =
  /^(?:cli\/|aws\/environment\.ts$|providers\/(?:env\/(?:from-environment|pinned-version)|vault\/options)\.ts$)/;

const entries = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'));

const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '.');
const inCore = (path: string): string => path.replace(/^core\/(.*)\.ts$/, '$1');
const layerOf = (path: string): number => CORE.findIndex((layer) => layer.includes(inCore(path)));
const ownerOf = (path: string): string => path.split('/')[1] ?? '';
/** The source of a subpath. */
const entryOf = (subpath: string): string => {
  const name = subpath.replace(/^\.\/?/, '');
  const [first = '', second] = name.split('/');
  if (second !== undefined) return `${first}/stores/${second}/index.ts`;
  if (Object.hasOwn(PROVIDERS, name)) return `providers/${name}/index.ts`;
  return name === '' ? 'index.ts' : `${name}/index.ts`;
};
const packageOf = (from: string): string => /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from;
const offenders = (breaks: (source: Source) => unknown): string[] =>
  sources.filter((source) => breaks(source)).map(({ path }) => path);
const offences = (breaks: (source: Source, found: Import) => unknown, among = sources): string[] =>
  among.flatMap((source) =>
    source.imports.filter((found) => breaks(source, found)).map((found) => `${source.path} imports ${found.from}`),
  );

describe('reading the sources', () => {
  it('sees every way to import, to read the environment and to export by default', () => {
    const found = read(
      'sample.ts',
      `import type { A } from 'type-1'; import { type B } from 'static-1'; import 'static-2'; export * from 'static-3';
       export type { C } from 'type-2'; type D = typeof import('type-3'); const e = await import('lazy-1');
       const f = createRequire(import.meta.url)('lazy-2'); const g = process.getBuiltinModule('node:http');
       const { env } = process; /* import 'no' */ export { e as default };`,
    );

    expect(found.imports.map(({ how, from }) => `${how} ${from}`)).toEqual([
      'type type-1',
      'static static-1',
      'static static-2',
      'static static-3',
      'type type-2',
      'type type-3',
      'lazy lazy-1',
      'lazy lazy-2',
      'builtin node:http',
    ]);
    expect(found).toMatchObject({ readsEnvironment: true, hasDefaultExport: true, onlyReExports: false });
    expect(read('sample.ts', `f(process['env'])`).readsEnvironment).toBe(true);
    expect(read('sample.ts', `f(process.argv); /** process.env */ switch (a) { default: b(); }`)).toMatchObject({
      readsEnvironment: false,
      hasDefaultExport: false,
    });
    expect(sources.length).toBeGreaterThan(50);
  });
});

describe('who may import whom', () => {
  it('every source has a place in the tables above', () => {
    const core = sources.filter(({ path }) => folderOf(path) === 'core').map(({ path }) => inCore(path));
    const providers = sources.filter(({ path }) => folderOf(path) === 'providers').map(({ path }) => ownerOf(path));
    const folders = new Set(sources.map(({ path }) => folderOf(path)));

    expect(core.toSorted()).toEqual(CORE.flat().toSorted());
    expect([...new Set(providers)].toSorted()).toEqual(Object.keys(PROVIDERS).toSorted());
    expect([...folders].toSorted()).toEqual(['.', 'core', ...Object.keys(FOLDERS)].toSorted());
  });

  it('a file of the core imports from its own layer or one before it, and not through the index', () => {
    const among = sources.filter(({ path }) => folderOf(path) === 'core' && inCore(path) !== 'index');
    const upward = offences((source, found) => {
      const to = target(source, found);
      return to !== undefined && (layerOf(to) === -1 || layerOf(to) > layerOf(source.path) || inCore(to) === 'index');
    }, among);

    expect(upward).toEqual([]);
  });

  it('what stands above the core imports it from its index alone, so that it is published as one chunk', () => {
    const inside = offences((source, found) => {
      const to = target(source, found);
      if (to === undefined || folderOf(to) !== 'core' || folderOf(source.path) === 'core') return false;
      return inCore(to) !== 'index' && !(source.path === 'pool/index.ts' && to === 'core/client/keyed-client-pool.ts');
    });

    expect(inside).toEqual([]);
  });

  it('providers, prices and the test kit import the core and themselves; nothing imports the command line', () => {
    const across = offences((source, found) => {
      const folder = folderOf(source.path);
      const to = target(source, found);
      if (to === undefined) return false;
      if (folder === '.') return folderOf(to) !== 'core';
      if (folder === 'core') return folderOf(to) !== 'core';
      return ![folder, 'core', ...(FOLDERS[folder] ?? [])].includes(folderOf(to));
    });

    expect(across).toEqual([]);
  });

  it('no provider imports another, and a ring store imports what they share', () => {
    const across = offences(
      (source, found) => {
        const to = target(source, found);
        if (to === undefined || folderOf(to) !== 'providers' || ownerOf(to) === 'shared') return false;
        // Vault's connection is one, whether it leads to a key or to a ring.
        if (source.path.startsWith('rotation/stores/vault/')) return ownerOf(to) !== 'vault';
        if (folderOf(source.path) === 'rotation') return true;
        return ![ownerOf(source.path), ...(PROVIDERS[ownerOf(source.path)] ?? [])].includes(ownerOf(to));
      },
      sources.filter(({ path }) => ['providers', 'rotation'].includes(folderOf(path))),
    );

    expect(across).toEqual([]);
  });
});

describe('what is loaded, and when', () => {
  it('each npm package is loaded by exactly one file, and the heavy ones on first use', () => {
    const found = new Map<string, Set<string>>();
    for (const { path, imports } of sources) {
      for (const { how, from } of imports) {
        if (how === 'type' || from.startsWith('.') || from.startsWith('node:') || packageOf(from) === 'goldkey')
          continue;
        const places = found.get(packageOf(from)) ?? new Set();
        found.set(packageOf(from), places.add(`${path}, ${how}`));
      }
    }

    expect(Object.fromEntries([...found].map(([name, places]) => [name, [...places]]))).toEqual(
      Object.fromEntries(Object.entries(PACKAGES).map(([name, [path, how]]) => [name, [`${path}, ${how}`]])),
    );
  });

  it('the packages loaded are those that are declared', () => {
    const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];

    expect(declared.toSorted()).toEqual(Object.keys(PACKAGES).toSorted());
    for (const { imports } of sources) {
      for (const { from } of imports) {
        if (!from.startsWith('.') && !from.startsWith('node:'))
          expect([...declared, 'goldkey']).toContain(packageOf(from));
      }
    }
  });

  it('importing the root loads no package and no module of Node.js', () => {
    const reached = new Set<string>();
    const outside = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const source = sources.find((candidate) => candidate.path === path);
      for (const found of source?.imports.filter(({ how }) => how === 'static') ?? []) {
        const to = target(source as Source, found);
        if (to === undefined) outside.add(found.from);
        else follow(to);
      }
    };
    follow('index.ts');

    expect([...outside]).toEqual([]);
    expect(reached.size).toBeGreaterThan(20);
  });

  it('node:http and node:https are fetched when first needed: an import of them costs milliseconds', () => {
    expect(offences((_, { how, from }) => how === 'static' && /^node:https?$/.test(from))).toEqual([]);
  });

  it('the environment is read where a user expects it', () => {
    expect(offenders(({ path, readsEnvironment }) => readsEnvironment && !READS_ENVIRONMENT.test(path))).toEqual([]);
  });
});

describe('house style', () => {
  it('there are no default exports', () => {
    expect(offenders(({ hasDefaultExport }) => hasDefaultExport)).toEqual([]);
  });

  it('no file has more than 300 lines', () => {
    const long = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));

    expect(long.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  it('nothing is left to be done, and no code is commented out', () => {
    const code = /^\s*\/\/ ?(.*[;{]|(const|let|return|import|export|await|if \(|for \(|\}|@ts-).*)$/m;

    expect(offenders(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text))).toEqual([]);
    expect(offenders(({ text }) => code.test(text))).toEqual([]);
    expect('  // const a = 1').toMatch(code);
    expect('  // Read once; see below.').not.toMatch(code);
  });
});

describe('subpaths', () => {
  it('each has one source, and each source beside the folders, or with a @module doc, is one', () => {
    const exported = entries.map(entryOf);
    const meant = sources.filter(({ path, text }) => folderOf(path) === '.' || /^(?:\/\*\*| \*) @module\b/m.test(text));

    expect(meant.map(({ path }) => path).toSorted()).toEqual(exported.toSorted());
    for (const subpath of entries) {
      const name = entryOf(subpath).replace(/\.ts$/, '');
      const built = { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` };
      expect(manifest.exports).toHaveProperty([subpath], built);
    }
  });

  it.each(entries)('%s opens with its @module doc, says how to import it, and only re-exports', (subpath) => {
    const { text, onlyReExports } = sources.find(({ path }) => path === entryOf(subpath)) as Source;
    const opening = /^\/\*\*(?:[^*]|\*(?!\/))*\*\//.exec(text)?.[0] ?? '';

    expect(opening).toContain('@module');
    expect(opening).toMatch(new RegExp(`\`import \\{ [^}]+ \\} from '${subpath.replace('.', 'goldkey')}'\``));
    expect(onlyReExports).toBe(true);
  });
});
