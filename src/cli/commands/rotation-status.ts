import { showText, systemClock } from '../../core/index.js';
import type { RotationStatus, VersionState } from '../../rotation/index.js';
import { styleText, type CliIo } from '../io.js';

/** The width of the timeline, in characters. */
const WIDTH = 40;
/** How the timeline draws a version, from when it was made until now. */
const MARKS: Readonly<Record<VersionState, string>> = {
  current: '#',
  previous: '=',
  pending: '.',
  retired: '-',
  rejected: 'x',
};
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns a ring as text: a row a version, on a terminal a small timeline, and the next step in words. */
export function formatStatus(io: CliIo, status: RotationStatus): string {
  const { name, revision, versions, nextStep } = status;
  const isReported = versions.some(({ lastUsedAt }) => lastUsedAt !== undefined);
  const now = (io.clock ?? systemClock).now();
  const rows = versions.map(({ version, state, fingerprint, age, instances = 0, lastUsedAt }) => [
    version,
    state,
    fingerprint === '' ? '-' : fingerprint,
    formatAge(age),
    ...(isReported
      ? [String(instances), lastUsedAt === undefined ? '-' : `${formatAge(Math.max(0, now - lastUsedAt))} ago`]
      : []),
    listNotes(status, version).join(', '),
  ]);
  const use = isReported ? ['instances', 'last use'] : [];
  const table = [['version', 'state', 'fingerprint', 'age', ...use, ''], ...rows];
  return [
    `${showText(name)}, revision ${String(revision)}`,
    ...alignColumns(table),
    ...(io.stdout.isTTY === true ? drawTimeline(io, status) : []),
    `next  ${nextStep}`,
  ].join('\n');
}

function listNotes(status: RotationStatus, version: string): string[] {
  const { previous, previousUntil, pending, percent, revertedAt } = status;
  return [
    version === previous && previousUntil !== undefined ? `kept until ${new Date(previousUntil).toISOString()}` : '',
    version === pending ? `${String(percent)} % of the clients` : '',
    version === pending && revertedAt !== undefined ? `reverted at ${new Date(revertedAt).toISOString()}` : '',
  ].filter((note) => note !== '');
}

function alignColumns(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const align = (cell: string, column: number): string => cell.padEnd(widths[column] ?? 0);
  return table.map((row) => row.map(align).join('  ').trimEnd());
}

/** Draws each version as a bar, from when it was made until now. */
function drawTimeline(io: CliIo, { versions }: RotationStatus): string[] {
  const known = versions.filter(({ age }) => age !== Infinity);
  const span = Math.max(...known.map(({ age }) => age));
  if (known.length < 2 || span <= 0) return [];
  const width = Math.max(...known.map(({ version }) => version.length));
  const lines = known.map(({ version, state, age }) => {
    const bar = MARKS[state].repeat(Math.max(1, Math.round((age / span) * WIDTH))).padStart(WIDTH);
    return `${version.padEnd(width)}  ${styleText(io, 'stdout', state === 'current' ? 'green' : 'dim', bar)}`;
  });
  const scale = `${formatAge(span)} ago`;
  return [...lines, `${' '.repeat(width)}  ${scale}${'now'.padStart(WIDTH - scale.length)}`];
}

/** Returns a time span in words, in the largest unit that fits twice. */
export function formatAge(ms: number): string {
  if (ms === Infinity) return 'unknown';
  const [size, unit] = ms < 2 * HOUR ? [MINUTE, 'minute'] : ms < 2 * DAY ? [HOUR, 'hour'] : [DAY, 'day'];
  const count = Math.floor(ms / Number(size));
  return `${String(count)} ${String(unit)}${count === 1 ? '' : 's'}`;
}
