import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lib, ratio, result, type Result } from './typed-lib.js';

const { figureLine } = await lib('line.mjs');
const { hottest } = await lib('profile.mjs');
const { openDocument, picture, writeCharts } = await lib('readme.mjs');
const { summary, readmePart, resultsPart } = await lib('report.mjs');
const { merge } = await lib('results.mjs');

const cells = (markdown: string): string[][] =>
  markdown.split('\n').map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('a line of the benchmark', () => {
  it('meets a budget it does not exceed, and one it has to reach', () => {
    expect(ratio('1', 50, { budget: 0.5 })).toMatchObject({ met: true, verdict: 'met', budget: '≤ 0.5x' });
    expect(ratio('14', 400, { atLeast: 4 })).toMatchObject({ met: true, verdict: 'met', budget: '≥ 4x' });
  });

  it('says MISSED, and by how much, in either direction', () => {
    expect(ratio('1', 60, { budget: 0.5 })).toMatchObject({ met: false, verdict: 'MISSED by 20.0 %' });
    expect(ratio('14', 300, { atLeast: 4 })).toMatchObject({ met: false, verdict: 'MISSED by 25 %' });
    expect(figureLine({ ours: '3 wait', value: 3, limit: 0 })).toMatchObject({ met: false, verdict: 'MISSED by 3' });
  });

  it('below nothing is no figure, and does not meet a budget', () => {
    expect(ratio('10', -1, { budget: 0.04 })).toMatchObject({ met: false, verdict: 'MISSED: lost in noise' });
  });

  it('without a budget has no verdict', () => {
    const line = ratio('1', 50);

    expect(line.verdict).toBe('–');
    expect(line).not.toHaveProperty('met');
  });
});

describe('results of several runs', () => {
  it('are one per version, the oldest first', () => {
    const merged = merge([result(24, [ratio('1', 1)]), result(20, [ratio('1', 2)])]);

    expect(merged.map(({ major }) => major)).toEqual([20, 24]);
  });

  it('a later one replaces the rows it has, and keeps the others', () => {
    const before = result(20, [ratio('2', 10), ratio('2', 11), ratio('10', 12)], { date: '2026-01-01', quick: true });

    const [merged] = merge([before, result(20, [ratio('2', 99)])]);

    expect(merged?.lines.map(({ row, ours }) => `${row}: ${ours}`)).toEqual(['2: 99 ns', '10: 12 ns']);
    expect(merged).toMatchObject({ date: '2026-01-01 and 2026-01-02', version: 'v20.1.0', quick: true });
  });

  it('nothing stays of one whose rows were all measured again', () => {
    const before = result(20, [ratio('2', 10)], { version: 'v20.0.0', date: '2026-01-01', quick: true });

    expect(merge([before, result(20, [ratio('2', 99)])])).toEqual([result(20, [ratio('2', 99)])]);
  });
});

describe('the table of all versions', () => {
  it('has a column for each, with the figure and the verdict', () => {
    const rows = cells(
      summary([result(20, [ratio('1', 50, { budget: 0.5 })]), result(22, [ratio('1', 60, { budget: 0.5 })])]),
    );

    expect(rows[0]).toEqual(['#', 'what', 'budget', 'Node 20', 'Node 22']);
    expect(rows[2]).toEqual(['1', 'row 1', '≤ 0.5x naive', '0.500x: met', '0.600x: **MISSED**']);
  });

  it('gives budgets that differ in the order of the columns', () => {
    const rows = cells(
      summary([
        result(20, [ratio('2', 90, { budget: 1 })]),
        result(22, [ratio('2', 90, { budget: 0.9 })]),
        result(24, [ratio('2', 90)]),
      ]),
    );

    expect(rows[2]?.slice(2)).toEqual(['≤ 1x / 0.9x / – naive', '0.900x: met', '0.900x: met', '0.900x']);
  });

  it('leaves out what has no budget anywhere, orders by number, and marks what was not measured', () => {
    const rows = cells(
      summary([
        result(20, [ratio('10', 5, { budget: 1 }), ratio('3', 5)]),
        result(22, [ratio('2', 5, { budget: 1 }), ratio('10', 5, { budget: 1 })]),
      ]),
    );

    expect(rows.slice(2).map(([row, , , ...figures]) => [row, ...figures])).toEqual([
      ['2', '–', '0.050x: met'],
      ['10', '0.050x: met', '0.050x: met'],
    ]);
  });

  it('a bar in a text does not end its cell', () => {
    const [, , row] = cells(summary([result(20, [ratio('1', 5, { budget: 1, what: 'a | b' })])]));

    expect(row?.[1]).toBe('a \\| b');
  });

  it('the part of RESULTS.md names versions, machine, day and a quick run', () => {
    const part = resultsPart([result(20, [], { quick: true }), result(22, [])], ['<picture></picture>']);

    expect(part).toContain('Node.js 20.1.0, 22.1.0; a machine; 2026-01-02 (quick run)');
    expect(part).toContain('<picture></picture>');
  });

  it('the part of RESULTS.md has every row that has a budget, and its verdict', () => {
    const part = resultsPart([result(20, [ratio('1', 60, { budget: 0.5 }), ratio('3', 5)])], []);

    expect(part).toMatch(/\| 1 +\| row 1 .*MISSED by 20\.0 %/);
    expect(part).not.toContain('row 3');
  });
});

describe('the README’s part', () => {
  const revoked = { ...ratio('8', 1), details: { goldkey: { loads: 1 }, naive: { loads: 3_759 } } };
  const first = (ms: number): Result['lines'][number] => ({
    ...ratio('11', 1),
    figures: { 'goldkey, fromKmsLight': ms, naive: 126 },
  });

  it('is the picture and three figures beside naive code’s, for every version that has them', () => {
    const part = readmePart(
      [result(20, [ratio('2', 90), revoked, first(27.1)]), result(22, [ratio('2', 95), revoked, first(29.04)])],
      '<picture></picture>',
    );

    expect(part.split('\n').filter((line) => line !== '')).toEqual([
      '<picture></picture>',
      '- A revoked key, 500 calls a second for 5 s: **1 load** of the key; naive 3,759.',
      '- A call with a cached key, Node.js 20 / 22: **90 / 95 ns**; naive 100 / 100 ns.',
      '- From cold start to first key, `goldkey/kms-light`, Node.js 20 / 22: **27.1 / 29.0 ms**; naive 126 / 126 ms.',
      'Measured on Node.js 20.1.0, 22.1.0; a machine; 2026-01-02.',
    ]);
  });

  it('has no verdict and no budget in it', () => {
    const part = readmePart([result(20, [ratio('2', 60, { budget: 0.5 }), revoked, first(27.1)])], '');

    expect(part).not.toMatch(/MISSED|met|≤|≥/);
  });

  it('leaves out a figure that was not measured', () => {
    expect(readmePart([result(20, [revoked])], '')).toMatch(/^\s*- A revoked key.*\n\nMeasured on/);
  });
});

describe('a profile', () => {
  it('tells where the time went over all processes, idling left out', () => {
    const frame = { url: 'file:///folder/a.js', lineNumber: 1, columnNumber: 2 };
    const nodes = [
      { id: 1, callFrame: { ...frame, functionName: '(idle)', url: '' } },
      { id: 2, callFrame: { ...frame, functionName: 'slow' } },
      { id: 3, callFrame: { ...frame, functionName: '' } },
    ];
    const profile = { nodes, samples: [1, 2, 3, 2], timeDeltas: [5_000, 10, 20, 20] };

    const lines = hottest([profile, profile]).split('\n');

    expect(lines).toEqual([' 60.0 %  slow  a.js:2:3', ' 40.0 %  (anonymous)  a.js:2:3']);
  });
});

describe('a document with figures', () => {
  let folder: string;
  let root: URL;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'goldkey-bench-report-'));
    root = pathToFileURL(`${folder}/`);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is written between its markers, and nowhere else', async () => {
    const readme = join(folder, 'README.md');
    await writeFile(readme, '# a\n\n<!-- bench:start -->\n\nold\n\n<!-- bench:end -->\n\nz\n');

    await (await openDocument(root, 'README.md')).write('new');

    expect(await readFile(readme, 'utf8')).toBe('# a\n\n<!-- bench:start -->\n\nnew\n\n<!-- bench:end -->\n\nz\n');
  });

  it('without the markers is refused', async () => {
    await writeFile(join(folder, 'README.md'), '# a\n');

    await expect(openDocument(root, 'README.md')).rejects.toThrow('README.md lacks the markers');
  });

  it('shows the chart of the reader’s theme, and says the same in words', async () => {
    const svg = { light: '<svg>light</svg>', dark: '<svg>dark</svg>' };

    await writeCharts(root, [{ name: 'a', svg }]);
    const shown = picture({ name: 'a' }, 'one "and" two', '../../');

    expect(await readdir(join(folder, '.github', 'charts'))).toEqual(['a-dark.svg', 'a-light.svg']);
    expect(await readFile(join(folder, '.github', 'charts', 'a-dark.svg'), 'utf8')).toBe(svg.dark);
    expect(shown).toContain('(prefers-color-scheme: dark)" srcset="../../.github/charts/a-dark.svg"');
    expect(shown).toContain('alt="one &quot;and&quot; two" src="../../.github/charts/a-light.svg"');
  });
});
