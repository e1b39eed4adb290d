import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const installed = join(inject('plain'), 'node_modules', 'goldkey');

const BUILT_IN = ['AbortError'];
const BUILT = /^dist\/(?:esm\/.*\.(?:js|d\.ts)|cjs\/.*\.(?:js|d\.ts)|cjs\/package\.json|goldkey\.1)$/;

/** The classes that a file declares, by the names that they have when it runs. What is published has no white space to spare. */
const classesOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /(?:^|[;},]|^export |\b(?:var|let)\s)\s*(?:abstract )?(?:(\w+)\s*=\s*)?class(?:\s+(?!extends\b)(\w+)|(?=\s+extends\b|\s*\{))/gm,
    ),
  ].map(([, variable = '', name = variable]) => name);

const read = (path: string): Promise<string> => readFile(join(installed, path), 'utf8');

const files = (): Promise<string[]> => listFiles(installed);

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

describe('the tarball', () => {
  it('holds both builds, the examples, the README, the licence and package.json', async () => {
    const paths = await files();
    const examples = paths.filter((path) => path.startsWith('examples/'));

    expect(paths.filter((path) => !/^(?:dist|examples)\//.test(path)).toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    expect(paths.filter((path) => path.startsWith('dist/') && !BUILT.test(path))).toEqual([]);
    expect(examples.length).toBeGreaterThan(20);
  });

  it('has no ES module that imports one of Node.js, which loads all that is lazy in it', async () => {
    const modules = (await files()).filter((path) => /^dist\/esm\/.*\.js$/.test(path));
    const texts = await Promise.all(modules.map(read));

    expect(modules.filter((_, index) => /\b(?:from|import)\s*["']node:/.test(texts[index] ?? ''))).toEqual([]);
    expect(texts.join('')).toMatch(/process\s*\.getBuiltinModule\("node:fs"\)/);
  });

  it('holds what the exports map, `types`, `typesVersions` and `bin` name', async () => {
    const paths = await files();
    const named = JSON.stringify([
      manifest.exports,
      manifest.main,
      manifest.types,
      manifest.typesVersions,
      manifest.bin,
    ]);
    const targets = [...named.matchAll(/"\.\/([^"]+\.[^"]+)"/g)].map(([, target]) => target);

    expect(targets.length).toBeGreaterThan(6 * 15);
    expect(targets.filter((target) => !paths.includes(target ?? ''))).toEqual([]);
    expect(await read(manifest.bin.goldkey)).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('is of at most 600 KB, and brings three packages and no other', async () => {
    const { dependencies } = JSON.parse(await read('package.json')) as { dependencies: Record<string, string> };
    const folders = (await readdir(join(inject('plain'), 'node_modules'))).filter((name) => !name.startsWith('.'));
    const { size } = await stat(inject('tarball'));

    expect(size).toBeLessThanOrEqual(600_000);
    expect(Object.keys(dependencies)).toEqual(['commander', 'lru-cache', 'undici']);
    expect(folders.toSorted()).toEqual(['goldkey', ...Object.keys(dependencies)].toSorted());
  });

  it('has lines of at most 160 characters, so that an uncaught error prints little', async () => {
    const long: string[] = [];
    for (const path of (await files()).filter((name) => name.startsWith('dist/'))) {
      for (const line of (await read(path)).split('\n')) if (line.length > 160) long.push(`${path}: ${line}`);
    }

    expect(long).toEqual([]);
  });

  it.each(['esm', 'cjs'])('holds every class once in dist/%s, by its own name', async (build) => {
    const meant = (await listFiles(join(ROOT, 'src'))).filter((path) => path.endsWith('.ts'));
    const inSource = new Set<string>();
    for (const path of meant)
      for (const name of classesOf(await readFile(join(ROOT, 'src', path), 'utf8'))) inSource.add(name);
    const published: string[] = [];
    for (const path of await files()) {
      if (path.startsWith(`dist/${build}/`) && /\.c?js$/.test(path)) published.push(...classesOf(await read(path)));
    }
    const twice = published.filter((name, index) => published.indexOf(name) !== index);
    const renamed = published.filter((name) => !inSource.has(name) && !BUILT_IN.includes(name));

    expect(inSource.size).toBeGreaterThan(40);
    expect(twice).toEqual([]);
    expect(renamed).toEqual([]);
    // The command, published once, has classes of its own.
    if (build === 'esm') expect([...inSource].filter((name) => !published.includes(name))).toEqual([]);
  });

  it('has no `import.meta` in its CommonJS build', async () => {
    for (const path of (await files()).filter((name) => /^dist\/cjs\/.*\.js$/.test(name))) {
      expect(await read(path), path).not.toContain('import.meta');
    }
  });

  it('has p-retry built in, with its licence and that of its dependency', async () => {
    const texts = await Promise.all((await files()).filter((path) => /\.c?js$/.test(path)).map(read));

    expect(texts.filter((text) => /["']p-retry["']/.test(text))).toEqual([]);
    for (const name of ['p-retry', 'is-network-error']) {
      const [esm, cjs, ...more] = texts.filter((text) => text.includes(`/*! ${name}\n\nMIT License\n`));
      expect(more).toEqual([]);
      for (const text of [esm, cjs]) expect(text).toMatch(/Copyright \(c\) Sindre Sorhus/);
    }
  });

  it('names no path of the machine it was built on, and no source map that is not there', async () => {
    const places = [ROOT.replace(/[/\\]$/, ''), homedir(), tmpdir()].filter((place) => place.length > 1);
    const found: string[] = [];
    for (const path of await files()) {
      const text = await readFile(join(installed, path), 'utf8');
      for (const place of places) if (text.includes(`${place}/`)) found.push(`${path}: ${place}`);
      if (/file:\/\/\/|sourceMappingURL/.test(text)) found.push(path);
    }

    expect(found).toEqual([]);
  });

  it('runs nothing when it is installed', async () => {
    const { scripts } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };

    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });
});
