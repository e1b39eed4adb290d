// What the benchmark is made of, which is plain JavaScript, with the types that its tests go by.
type Theme = 'light' | 'dark';
interface Bar {
  value: number;
  tone: string;
}
interface Panel {
  heading: string;
  rows: { label: string; text: string; bars: Bar[] }[];
}
export interface Line {
  row: string;
  what: string;
  of: string;
  ours: string;
  result: string;
  budget: string;
  verdict: string;
  met?: boolean;
}
export interface Result {
  version: string;
  major: number;
  machine: string;
  date: string;
  quick: boolean;
  lines: (Line & { details?: unknown; figures?: Record<string, number> })[];
}
interface Chart {
  name: string;
  alt: string;
  shortAlt: string;
  svg: Record<Theme, string>;
}
export interface Bundle {
  bytes: number;
  files: string[];
  outside: { path: string; kind: string }[];
}
interface Lib {
  'bundle.mjs': {
    bundled(source: string, options: { resolveDir: string; external?: string[] }): Promise<Bundle>;
    packageOf(file: string): string | undefined;
  };
  'chart.mjs': {
    barChart(chart: { title: string; subtitle: string; description: string; panels: Panel[] }): Record<Theme, string>;
  };
  'charts.mjs': { chartsOf(results: Result[]): Chart[] };
  'line.mjs': {
    ratioLine(line: object): Line;
    figureLine(line: object): Line;
  };
  'profile.mjs': { hottest(profiles: object[]): string };
  'readme.mjs': {
    openDocument(root: URL, path: string): Promise<{ write(markdown: string): Promise<void> }>;
    writeCharts(root: URL, charts: Pick<Chart, 'name' | 'svg'>[]): Promise<void>;
    picture(chart: Pick<Chart, 'name'>, words: string, toRoot?: string): string;
  };
  'report.mjs': {
    summary(results: Result[]): string;
    readmePart(results: Result[], shown: string): string;
    resultsPart(results: Result[], pictures: string[]): string;
  };
  'results.mjs': { merge(results: Result[]): Result[] };
}

/** A module of the benchmark. */
export async function lib<File extends keyof Lib>(file: File): Promise<Lib[File]> {
  return (await import(new URL(`lib/${file}`, import.meta.url).href)) as Lib[File];
}

const { ratioLine } = await lib('line.mjs');

/** A line of `ours` against 100. */
export function ratio(row: string, ours: number, more: object = {}): Line {
  return ratioLine({ row, what: `row ${row}`, unit: 'ns', ours: [[ours]], name: 'naive', theirs: [[100]], ...more });
}

/** What a run on one version of Node.js gives. */
export function result(major: number, lines: Result['lines'], more: Partial<Result> = {}): Result {
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
