import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';
const columns = [
  ['#', 'row'],
  ['what', 'what'],
  ['goldkey', 'ours'],
  ['against', 'against'],
  ['ratio', 'ratio'],
  ['budget', 'budget'],
  ['verdict', 'verdict'],
];

/** What was measured, where and when: the sentence above the table. */
export function heading({ version, quick }) {
  const [processor] = cpus();
  const runs = quick ? ' (quick run)' : '';
  return `Node ${version}, ${processor?.model.trim() ?? 'unknown processor'}, ${String(cpus().length)} cores, ${new Date().toISOString().slice(0, 10)}${runs}`;
}

/** A Markdown table, its columns aligned. */
export function table(lines) {
  const cells = [
    columns.map(([title]) => title),
    ...lines.map((line) => columns.map(([, name]) => String(line[name]))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const rows = cells.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`);
  rows.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return rows.join('\n');
}

/** The README's text around the figures, or a refusal when it has no place for them. */
export async function openReadme(url) {
  let text;
  try {
    text = await readFile(url, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return { missing: 'there is no README.md' };
  }
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start === -1 || end < start) return { missing: `README.md lacks the markers ${START} and ${END}` };
  return {
    async write(markdown) {
      const written = `${text.slice(0, start + START.length)}\n\n${markdown}\n\n${text.slice(end)}`;
      const { format, resolveConfig } = await import('prettier');
      await writeFile(url, await format(written, { ...(await resolveConfig(url)), parser: 'markdown' }));
    },
  };
}
