import { readFile } from 'node:fs/promises';
import { openDocument } from '../test/bench/lib/readme.mjs';

const ROOT = new URL('../', import.meta.url);
const RECORD = 'test/proof/RESULTS.md';
const HEAD = ['| file | mutants | survived | score | run |', '| --- | --- | --- | --- | --- |'];

/** Returns a row for each file of a report of Stryker, by the file. Mutants that do not compile or run are no mutants. */
function listRows({ files }, date) {
  return Object.entries(files).map(([file, { mutants }]) => {
    const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
    const found = count('Killed', 'Timeout');
    const left = count('Survived', 'NoCoverage');
    const score = found + left === 0 ? 100 : (100 * found) / (found + left);
    return [file, `| \`${file}\` | ${String(found + left)} | ${String(left)} | ${score.toFixed(1)} % | ${date} |`];
  });
}

/** Puts the figures of reports into the table of RESULTS.md. Files that the reports do not name keep theirs. */
export async function writeMutationTable(reports) {
  const date = new Date().toISOString().slice(0, 10);
  const document = await openDocument(ROOT, RECORD, 'mutation');
  const rows = new Map([...document.text.matchAll(/^\| `(src\/[^`]+)`.*$/gm)].map(([row, file]) => [file, row]));
  for (const path of reports)
    for (const [file, row] of listRows(JSON.parse(await readFile(new URL(path, ROOT), 'utf8')), date))
      rows.set(file, row);
  const sorted = [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
  await document.write([...HEAD, ...sorted].join('\n'));
}
