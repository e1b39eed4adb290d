import { lineChart } from '../../bench/lib/line-chart.mjs';
import { EVENTS, FLEET } from '../parts/day.mjs';
import { grouped } from './claims.mjs';

const seconds = (ms) => (ms === Infinity ? 'never' : `${grouped(Math.round(ms / 1_000))} s`);
const perSecond = (count) => (count / 60).toFixed(1);
/** The first minutes are the start of the fleet. */
const STARTED = 20;

const sumOf = (minutes, what) => minutes.reduce((sum, minute) => sum + minute[what], 0);
const worstOf = (minutes, what) => Math.max(...minutes.map((minute) => minute[what]));

/** Returns KMS's requests a second after the start, on average. */
const averageOf = (minutes) => perSecond(sumOf(minutes.slice(STARTED), 'kms') / (minutes.length - STARTED));

/** Returns the figures as a table of Markdown, a column for each fleet. */
export function tableOf(figures) {
  const row = (what, tell) => `| ${what} | ${figures.map(tell).join(' | ')} |`;
  return [
    `| ${['', ...figures.map(({ subscribes }) => (subscribes ? `with notices, ${String(FLEET.lost * 100)} % of them lost` : 'without notices'))].join(' | ')} |`,
    `| --- | ${figures.map(() => '---').join(' | ')} |`,
    row('calls', ({ calls }) => grouped(calls)),
    row('KMS requests a second, on average', ({ minutes }) => averageOf(minutes)),
    row('in the worst minute after the start', ({ minutes }) => perSecond(worstOf(minutes.slice(STARTED), 'kms'))),
    row('in the worst minute of the start', ({ minutes }) => perSecond(worstOf(minutes.slice(0, STARTED), 'kms'))),
    row('reads of the ring a second, on average', ({ minutes }) => perSecond(sumOf(minutes, 'reads') / minutes.length)),
    row('in the worst minute', ({ minutes }) => perSecond(worstOf(minutes, 'reads'))),
    row('rotation: until 99 % use the promoted key', ({ rotation }) => seconds(rotation.most)),
    row('rotation: until all do', ({ rotation }) => seconds(rotation.all)),
    row(
      'rotation: refused requests, failed calls',
      ({ rotation }) => `${grouped(rotation.refused)}, ${grouped(rotation.failed)}`,
    ),
    row('leak: until all use the new key', ({ leak }) => seconds(leak.all)),
    row('leak: refused requests, failed calls', ({ leak }) => `${grouped(leak.refused)}, ${grouped(leak.failed)}`),
    row('leak: times the account was locked', ({ leak }) => String(leak.locks)),
  ].join('\n');
}

/** Returns the section of the guide: what was simulated, its chart, its figures, and what follows from them. */
export function sectionOf(figures, { instances, hours, seed }, chart) {
  const { rotation, deployment, leak } = EVENTS;
  return `## What a fleet asks of KMS, and how long a new key takes

\`npm run simulate -- --seed ${String(seed)}\` lets ${grouped(instances)} clients with goldkey's defaults live through ${String(hours)} hours
on a manual clock. Each calls once a minute and lives for ${String(FLEET.life / 3_600_000)} hours on average. At ${String(rotation)} h a key is
rotated with a canary and an overlap, at ${String(deployment)} h the fleet is deployed anew within ten minutes, and at
${String(leak)} h a leaked key is revoked and replaced in the same moment. The price API locks the account for
${String(FLEET.lockFor / 60_000)} minutes at more than ${String(FLEET.lockAfter)} refusals a minute.

${chart}

${tableOf(figures)}

So let two keys overlap: then nobody is refused. Where a key leaked and is revoked in the moment in which it is replaced, the
first hundred instances that still send it lock the account, sooner than any notice comes: revoke it a few minutes after
the new key is promoted, if it can wait so long.`;
}

/** Returns the chart of what KMS is asked over the day. */
export function chartOf([figures], { instances, hours }) {
  const values = figures.minutes.slice(0, hours * 60).map(({ kms }) => kms / 60);
  const subtitle = `KMS requests a second of ${grouped(instances)} instances, by the minute`;
  const alt = `${subtitle}: ${averageOf(figures.minutes)} on average, ${perSecond(worstOf(figures.minutes, 'kms'))} in the worst minute.`;
  const marks = Object.entries(EVENTS).map(([label, hour]) => ({ label, hour }));
  const svg = lineChart({
    title: 'A day of a fleet',
    subtitle,
    description: alt,
    unit: 'requests a second',
    hours,
    marks,
    lines: [{ label: 'KMS', tone: 'ours', values }],
  });
  return { name: 'fleet', alt, svg };
}
