import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { groupBy, read, sources, target, type Import, type Source } from './sources.js';

/** What may be loaded with the file that needs it: built into the core, or the whole of its subpath. */
const LIGHT = ['@opentelemetry/api', 'lru-cache', 'p-retry'];
/** A development dependency, because the build puts it into the core. */
const BUILT_IN = 'p-retry';

/**
 * The folders that read the environment: the command, `goldkey/env` and the stores with standard variables of their own; and
 * what knows credentials there, to keep them out of errors.
 */
const READS_ENVIRONMENT =
  /^(?:(?:cli|lambda|aws|providers\/(?:env|file|kms-light|vault))\/|util\/credential-scrubber\.ts$)/;

const entries = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'));
/** The source of a subpath. */
const entryOf = (subpath: string): string => {
  const targets = manifest.exports as unknown as Record<string, { import: { types: string } }>;
  return (targets[subpath]?.import.types ?? '').replace('./dist/esm/', '').replace(/\.d\.ts$/, '.ts');
};
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const packageOf = (from: string): string => /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from;
const isPackage = ({ from }: Import): boolean => !/^(?:\.|node:)/.test(from) && packageOf(from) !== manifest.name;
/** A file of its own, so that bundlers take of an SDK what it names. */
const isSdk = (path: string): boolean => path.endsWith('/sdk.ts');
const offenders = (breaks: (source: Source) => unknown): string[] =>
  sources.filter((source) => breaks(source)).map(({ path }) => path);
const offences = (breaks: (source: Source, found: Import) => unknown): string[] =>
  sources.flatMap((source) =>
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

/** Imported by a name that no bundler follows; test/package sees when. */
const LEFT_OUT = 'undici';

describe('what is loaded, and when', () => {
  const loads = sources.flatMap(({ path, imports }) =>
    imports.filter((found) => found.how !== 'type' && isPackage(found)).map((found) => ({ path, ...found })),
  );

  it('each npm package is loaded by exactly one file, and the heavy ones on first use', () => {
    const places = groupBy(loads, ({ from }) => packageOf(from));

    for (const [name, found] of places) {
      expect(new Set(found.map(({ path }) => path)), name).toHaveLength(1);
      const early = found.filter(({ path, how }) => how !== 'lazy' && !isSdk(path));
      if (!LIGHT.includes(name)) expect(early, name).toEqual([]);
    }
    expect(places.size).toBeGreaterThan(5);
  });

  it('a file that imports an SDK imports nothing else, and is imported on first use, by one file', () => {
    const sdks = sources.filter(({ path }) => isSdk(path));
    const users = sources.flatMap((source) =>
      source.imports
        .filter(({ how }) => how !== 'type')
        .map((found) => ({ how: found.how, to: target(source, found) ?? '' })),
    );

    for (const { path, imports } of sdks) {
      expect(
        imports.map(({ how }) => how),
        path,
      ).toEqual(['static']);
      expect(
        users.filter(({ to }) => to === path),
        path,
      ).toEqual([{ how: 'lazy', to: path }]);
    }
    expect(sdks.length).toBeGreaterThan(3);
  });

  it('no folder has two files that load packages', () => {
    const files = groupBy(new Set(loads.map(({ path }) => path)), folderOf);

    expect([...files.values()].filter((paths) => paths.length > 1)).toEqual([]);
  });

  it('the packages loaded are those that are declared', () => {
    const declared = [BUILT_IN, ...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];

    const imported = declared.filter((name) => name !== LEFT_OUT);
    expect([...new Set(loads.map(({ from }) => packageOf(from)))].toSorted()).toEqual(imported.toSorted());
    expect(Object.keys(manifest.devDependencies)).toContain(BUILT_IN);
    expect(offences((_, found) => isPackage(found) && !declared.includes(packageOf(found.from)))).toEqual([]);
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
    outside.delete(BUILT_IN);

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

  it('no file has more than 400 lines', () => {
    const long = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));

    expect(long.filter(({ lines }) => lines > 400)).toEqual([]);
  });

  it('no folder has more than 16 files', () => {
    const folders = groupBy(sources, ({ path }) => folderOf(path));

    expect([...folders].filter(([, files]) => files.length > 16).map(([folder]) => folder)).toEqual([]);
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
    const meant = sources.filter(({ path, text }) => folderOf(path) === '' || /^(?:\/\*\*| \*) @module\b/m.test(text));

    expect(meant.map(({ path }) => path).toSorted()).toEqual(entries.map(entryOf).toSorted());
  });

  it.each(entries)('%s has an ES module, a CommonJS module and types for each', (subpath) => {
    const name = entryOf(subpath).replace(/\.ts$/, '');
    const built = name.replace(/(?<=([^/]+)\/)index$/, '$1');
    const [esm, cjs] = ['esm', 'cjs'].map((kind) => ({
      types: `./dist/${kind}/${name}.d.ts`,
      default: `./dist/${kind}/${built}.js`,
    })) as [object, { types: string; default: string }];

    expect(manifest.exports).toHaveProperty([subpath], { 'module-sync': esm, import: esm, require: cjs });
    // For tools that know no `exports`.
    if (subpath === '.') expect(manifest).toMatchObject({ main: cjs.default, types: cjs.types });
    else expect(manifest.typesVersions['*']).toHaveProperty([subpath.replace('./', '')], [cjs.types]);
  });

  it.each(entries)('%s opens with its @module doc, says how to import it, and only re-exports', (subpath) => {
    const { text, onlyReExports } = sources.find(({ path }) => path === entryOf(subpath)) as Source;
    const opening = /^\/\*\*(?:[^*]|\*(?!\/))*\*\//.exec(text)?.[0] ?? '';

    expect(opening).toContain('@module');
    expect(opening).toMatch(new RegExp(`\`import \\{ [^}]+ \\} from '${subpath.replace('.', 'goldkey')}'\``));
    expect(onlyReExports).toBe(true);
  });
});
