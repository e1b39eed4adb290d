import { unique } from './results.mjs';

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

/** What stands between the README's markers. The comparisons without a budget are for whoever runs the benchmark. */
export function readmePart(results, pictures) {
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
