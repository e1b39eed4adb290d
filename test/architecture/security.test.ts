import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The rows of the table below the heading, cell by cell, without its head. */
function readTable(heading: string): string[][] {
  const [, section = ''] = readFileSync(join(ROOT, '.github', 'SECURITY.md'), 'utf8').split(`\n## ${heading}\n`);
  const lines = section.split(/^## /m, 1)[0]?.split('\n') ?? [];
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const codeIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');

describe('the threat model', () => {
  const rows = readTable('What is claimed, and which test holds it');

  it('says of each claim what it does not cover, and names tests that there are', () => {
    const named = rows.flatMap(([, , , tests]) => codeIn(tests));

    expect(rows.filter((cells) => cells.length !== 4 || cells.includes(''))).toEqual([]);
    expect(rows.filter(([, , , tests]) => codeIn(tests).length === 0)).toEqual([]);
    expect(named.filter((name) => !existsSync(join(ROOT, 'test', `${name}.test.ts`)))).toEqual([]);
    expect(rows.length).toBeGreaterThan(40);
  });

  it('names tests that assert something, none of which is always skipped', () => {
    const named = new Set(rows.flatMap(([, , , tests]) => codeIn(tests)));
    const isEmpty = (name: string): boolean => {
      const code = readFileSync(join(ROOT, 'test', `${name}.test.ts`), 'utf8');
      return !/\bit\b[.(]/.test(code) || !/\bexpect[.(]/.test(code) || /\b(?:it|describe)\.(?:skip|todo)\b/.test(code);
    };

    expect([...named].filter(isEmpty)).toEqual([]);
  });

  it('has a claim of every subpath', () => {
    const parts = rows.flatMap(([part]) => codeIn(part)).filter((part) => /^goldkey(?:\/|$)/.test(part));
    const subpaths = Object.keys(manifest.exports)
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => subpath.replace('.', manifest.name));

    expect([...new Set(parts)].toSorted()).toEqual(subpaths.toSorted());
  });
});

describe('the supported versions', () => {
  it('are those that package.json takes', () => {
    expect(readTable('Supported versions').map(([, node = '']) => node.replaceAll('\\', ''))).toContain(
      `\`${manifest.engines.node}\``,
    );
  });
});
