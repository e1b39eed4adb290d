import { describe, expect, it } from 'vitest';

// The benchmark is plain JavaScript, which has no types of its own.
type Theme = 'light' | 'dark';
interface Bar {
  value: number;
  tone: string;
}
interface Panel {
  heading: string;
  rows: { label: string; text: string; bars: Bar[] }[];
}
interface Line {
  row: string;
  what: string;
  of: string;
  ours: string;
  result: string;
  budget: string;
  verdict: string;
  met?: boolean;
}
interface Result {
  version: string;
  major: number;
  machine: string;
  date: string;
  quick: boolean;
  lines: (Line & { details?: unknown; figures?: Record<string, number> })[];
}
interface Lib {
  'chart.mjs': {
    barChart(chart: { title: string; subtitle: string; description: string; panels: Panel[] }): Record<Theme, string>;
  };
  'charts.mjs': { chartsOf(results: Result[]): { name: string; alt: string; svg: Record<Theme, string> }[] };
  'line.mjs': {
    ratioLine(line: object): Line;
    figureLine(line: object): Line;
  };
  'profile.mjs': { hottest(profiles: object[]): string };
  'report.mjs': { summary(results: Result[]): string; readmePart(results: Result[], pictures: string[]): string };
  'results.mjs': { merge(results: Result[]): Result[] };
}

async function lib<File extends keyof Lib>(file: File): Promise<Lib[File]> {
  return (await import(new URL(`bench/lib/${file}`, import.meta.url).href)) as Lib[File];
}

const { barChart } = await lib('chart.mjs');
const { chartsOf } = await lib('charts.mjs');
const { ratioLine, figureLine } = await lib('line.mjs');
const { hottest } = await lib('profile.mjs');
const { summary, readmePart } = await lib('report.mjs');
const { merge } = await lib('results.mjs');

function ratio(row: string, ours: number, more: object = {}): Line {
  return ratioLine({ row, what: `row ${row}`, unit: 'ns', ours: [[ours]], name: 'naive', theirs: [[100]], ...more });
}

function result(major: number, lines: Result['lines'], more: Partial<Result> = {}): Result {
  return {
    version: `v${String(major)}.1.0`,
    major,
    machine: 'a machine',
    date: '2026-01-02',
    quick: false,
    lines,
    ...more,
  };
}

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

  it('the README’s part names versions, machine, day and a quick run', () => {
    const part = readmePart([result(20, [], { quick: true }), result(22, [])], ['<picture></picture>']);

    expect(part).toContain('Node.js 20.1.0, 22.1.0; a machine; 2026-01-02 (quick run)');
    expect(part).toContain('<picture></picture>');
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

describe('a chart', () => {
  const chart = {
    title: 'A & B',
    subtitle: '<less>',
    description: 'in "words"',
    panels: [
      {
        heading: 'h',
        rows: [
          { label: 'naive & co <1>', text: '1,000 loads', bars: [{ value: 1_000, tone: 'peer' }] },
          { label: 'goldkey', text: '1 load', bars: [{ value: 1, tone: 'ours' }] },
          { label: 'none', text: '0', bars: [{ value: 0, tone: 'error' }] },
        ],
      },
    ],
  };

  it('escapes what XML does not take', () => {
    const { light } = barChart(chart);

    for (const text of ['>A &amp; B<', '>&lt;less&gt;<', '>in &quot;words&quot;<', '>naive &amp; co &lt;1&gt;<']) {
      expect(light).toContain(text);
    }
    expect(light).not.toMatch(/&(?!amp;|lt;|gt;|quot;)/);
  });

  it('has a title and a description that the picture is labelled by', () => {
    for (const svg of Object.values(barChart(chart))) {
      expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="title description"/);
      expect(svg).toContain('<title id="title">');
      expect(svg).toContain('<desc id="description">');
    }
  });

  it('says the same in both themes, in other colours', () => {
    const { light, dark } = barChart(chart);
    const colourless = (svg: string): string => svg.replaceAll(/#[\da-f]{6}/g, '#');

    expect(colourless(dark)).toBe(colourless(light));
    expect(dark).not.toBe(light);
  });

  it('bars are as long as their figures; the least above nothing can be seen, nothing cannot', () => {
    const widths = [...barChart(chart).light.matchAll(/<rect x="234"[^>]* width="([\d.]+)"/g)].map(
      ([, width]) => width,
    );

    expect(widths).toEqual(['370', '2', '0']);
  });

  it.each([Number.NaN, Infinity, -1, undefined])('refuses %s as a figure', (value) => {
    const rows = [{ label: 'naive', text: '', bars: [{ value: value as number, tone: 'peer' }] }];

    expect(() => barChart({ ...chart, panels: [{ heading: 'h', rows }] })).toThrow('A & B: naive has no figure');
  });

  it('of nothing but zeros has no NaN in it', () => {
    const rows = [{ label: 'naive', text: '0', bars: [{ value: 0, tone: 'peer' }] }];

    expect(barChart({ ...chart, panels: [{ heading: 'h', rows }] }).light).not.toContain('NaN');
  });
});

describe('the charts of a run', () => {
  const revoked = {
    ...ratio('8', 1),
    details: { goldkey: { loads: 1 }, naive: { loads: 3_000 }, peer: { loads: 41 } },
  };
  const rotated = {
    ...ratio('7', 1),
    details: { goldkey: { loads: 1, errors: 0 }, naive: { loads: 1_000, errors: 999 } },
  };
  const first = (ms: number): Result['lines'][number] => ({
    ...ratio('11', 1),
    figures: { 'goldkey, fromKmsLight': ms, naive: 185 },
  });

  it('show a refused key and the time to the first key, on every version that has it', () => {
    const charts = chartsOf([result(20, [rotated, revoked, first(18)]), result(22, [rotated, revoked, first(19)])]);

    expect(charts.map(({ name }) => name)).toEqual(['refused-key', 'first-key']);
    expect(charts[0]?.alt).toContain('goldkey 1 load; peer 41 loads; naive 3,000 loads');
    expect(charts[0]?.alt).toContain('goldkey 1 load, 0 errors; naive 1,000 loads, 999 errors');
    expect(charts[1]?.alt).toContain('Node.js 20: goldkey, fromKmsLight 18 ms; naive 185 ms. Node.js 22: goldkey');
  });

  it('are left out when the run has not measured their rows', () => {
    expect(chartsOf([result(20, [revoked])])).toEqual([]);
    expect(chartsOf([result(20, [first(18)])]).map(({ name }) => name)).toEqual(['first-key']);
  });
});
