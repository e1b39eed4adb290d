import { openDocument } from '../../bench/lib/readme.mjs';
import { subject } from '../../bench/lib/results.mjs';

const ROOT = new URL('../../../', import.meta.url);

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Returns the claims as a table of Markdown, behind a line about the run. */
function tableOf(claims, { seed, seconds }) {
  const { version, machine, date } = subject(process.execPath);
  return [
    `Node.js ${version.slice(1)}; ${machine}; ${date}; seed ${String(seed)}; ${(seconds / 60).toFixed(1)} minutes.`,
    '',
    '| part | claim | measured | holds |',
    '| --- | --- | --- | --- |',
    ...claims.map(
      ({ part, claim, measured, holds }) =>
        `| ${part} | ${cell(claim)} | ${cell(measured)} | ${holds ? 'yes' : '**NO**'} |`,
    ),
  ].join('\n');
}

/** Prints every claim, and how many of them do not hold. */
export function printClaims(claims, about) {
  const broken = claims.filter(({ holds }) => !holds).length;
  process.stdout.write(
    `${tableOf(claims, about)}\n\n${String(claims.length)} claims, ${String(broken)} of which do not hold\n`,
  );
}

/** Puts the table into RESULTS.md, between its two marks. */
export async function writeResults(claims, about) {
  const document = await openDocument(ROOT, 'test/proof/RESULTS.md', 'proof');
  await document.write(tableOf(claims, about));
}
