import { figure } from './line.mjs';
import { unique } from './results.mjs';
import { spread } from './stats.mjs';

const DETAILS = [
  ['#', 'row'],
  ['what', 'what'],
  ['goldkey', 'ours'],
  ['against', 'against'],
  ['ratio', 'ratio'],
  ['budget', 'budget'],
  ['verdict', 'verdict'],
];

/** What was measured, where and when: the sentence above a table. */
export function heading(results) {
  const versions = results.map(({ version }) => version.replaceAll('v', '')).join(', ');
  const machines = unique(results.map(({ machine }) => machine)).join('; ');
  const dates = unique(results.flatMap(({ date }) => date.split(' and '))).join(' and ');
  const runs = results.some(({ quick }) => quick) ? ' (quick run)' : '';
  return `Node.js ${versions}; ${machines}; ${dates}${runs}`;
}

/** Every figure of one version of Node.js. */
export function details({ lines }) {
  return table(
    DETAILS.map(([title]) => title),
    lines.map((line) => DETAILS.map(([, name]) => String(line[name]))),
  );
}

/**
 * All versions side by side: the rows that have a budget somewhere, what goldkey makes of each, and the verdict. A budget
 * that differs between the versions is given for each, in their order.
 */
export function summary(results) {
  const rows = new Map();
  for (const { major, lines } of results) {
    for (const line of lines) {
      const key = keyOf(line);
      rows.set(key, (rows.get(key) ?? new Map()).set(major, line));
    }
  }
  const budgeted = [...rows.values()]
    .filter((byMajor) => [...byMajor.values()].some(({ met }) => met !== undefined))
    .toSorted((a, b) => numberOf(a) - numberOf(b));
  const majors = results.map(({ major }) => major);
  return table(
    ['#', 'what', 'budget', ...majors.map((major) => `Node ${String(major)}`)],
    budgeted.map((byMajor) => {
      const [{ row, what, of }] = byMajor.values();
      const budget = budgetOf(majors.map((major) => byMajor.get(major)?.budget ?? '–'));
      return [row, what, of === '' ? budget : `${budget} ${of}`, ...majors.map((major) => cell(byMajor.get(major)))];
    }),
  );
}

/** What makes two lines of different versions the same comparison. */
function keyOf({ row, what, of }) {
  return JSON.stringify([row, what, of]);
}

function numberOf(byMajor) {
  const [{ row }] = byMajor.values();
  return Number(row);
}

function budgetOf(budgets) {
  const [first, ...others] = budgets;
  if (unique(budgets).length === 1) return first;
  return [first, ...others.map((budget) => budget.replace(/^[≤≥] /, ''))].join(' / ');
}

function cell(line) {
  if (line === undefined) return '–';
  if (line.met === undefined) return line.result;
  return `${line.result}: ${line.met ? 'met' : '**MISSED**'}`;
}

/** A Markdown table, its columns aligned. */
export function table(titles, rows) {
  const cells = [titles, ...rows].map((row) => row.map((text) => text.replaceAll('|', '\\|')));
  const widths = titles.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const lines = cells.map((row) => `| ${row.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/**
 * Returns what stands between the markers of RESULTS.md: every row that has a budget. Comparisons without one are for
 * the person who runs the benchmark.
 */
export function resultsPart(results, pictures) {
  const budgeted = new Set(results.flatMap(({ lines }) => lines.filter(({ met }) => met !== undefined).map(keyOf)));
  const every = results.map((result) => {
    const lines = result.lines.filter((line) => budgeted.has(keyOf(line)));
    return `${heading([result])}\n\n${details({ lines })}`;
  });
  return [
    `${heading(results)}. A ratio is the median of the ratios inside each round.`,
    ...pictures,
    summary(results),
    `<details>\n<summary>Every figure, with its extremes</summary>\n\n${every.join('\n\n')}\n\n</details>`,
  ].join('\n\n');
}

/** Returns what stands between the README's markers: the picture, and three figures, each beside naive code's. */
export function readmePart(results, shown) {
  const figures = [revokedKey(results), warmCall(results), firstKey(results)].filter((line) => line !== undefined);
  return [shown, figures.map((line) => `- ${line}`).join('\n'), `Measured on ${heading(results)}.`].join('\n\n');
}

/** Counts hardly differ between the versions of Node.js: the first that has them is told. */
function revokedKey(results) {
  const counts = results.flatMap(({ lines }) => lines.filter(({ row }) => row === '8')).at(0)?.details;
  if (counts === undefined) return undefined;
  const { goldkey, naive } = counts;
  const loads = `${figure(goldkey.loads)} ${goldkey.loads === 1 ? 'load' : 'loads'}`;
  return `A revoked key, 500 calls a second for 5 s: **${loads}** of the key; naive ${figure(naive.loads)}.`;
}

function warmCall(results) {
  const times = pairs(results, ({ row, of, details: held }) => {
    if (row !== '2' || !of.startsWith('naive')) return undefined;
    return [spread(held.ours).median, spread(held.theirs).median];
  });
  return times && `A call with a cached key${times.on}: **${times.ours} ns**; naive ${times.theirs} ns.`;
}

function firstKey(results) {
  const times = pairs(results, ({ row, figures: held }) => {
    if (row !== '11' || held === undefined) return undefined;
    return [held['goldkey, fromKmsLight'], held.naive];
  });
  return (
    times &&
    `From cold start to first key, \`goldkey/kms-light\`${times.on}: **${times.ours} ms**; naive ${times.theirs} ms.`
  );
}

/** Our time and naive code's on each version that has them, side by side; `undefined` when none has. */
function pairs(results, timesIn) {
  const found = results.flatMap(({ major, lines }) => {
    const times = lines.map(timesIn).find((each) => each !== undefined);
    return times === undefined ? [] : [{ major, times }];
  });
  if (found.length === 0) return undefined;
  const side = (index) => found.map(({ times }) => figure(times[index])).join(' / ');
  return { on: `, Node.js ${found.map(({ major }) => major).join(' / ')}`, ours: side(0), theirs: side(1) };
}
