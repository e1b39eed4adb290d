import { readdir, readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const installed = join(inject('plain'), 'node_modules', 'goldkey');

async function files(): Promise<string[]> {
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(installed, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

describe('the tarball', () => {
  it('holds the built files, the README, the licence and package.json', async () => {
    const paths = await files();

    expect(paths.filter((path) => !path.startsWith('dist/')).toSorted()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    expect(paths.filter((path) => path.startsWith('dist/') && !/\.(js|d\.ts)$/.test(path))).toEqual([]);
  });

  it('holds what the exports map and `bin` name', async () => {
    const paths = await files();

    for (const target of Object.values(manifest.exports).flatMap((named) => Object.values(named))) {
      if (target.startsWith('./')) expect(paths).toContain(target.slice(2));
    }
    for (const target of Object.values(manifest.bin)) {
      const path = target.replace('./', '');
      expect(paths).toContain(path);
      expect(await readFile(join(installed, path), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
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
