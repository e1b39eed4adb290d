import { ratios, spread } from './stats.mjs';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Three digits at most before thousands set in: `0.84`, `12.3`, `1,234`. */
export function figure(value) {
  if (Number.isInteger(value) || Math.abs(value) >= 99.5) return whole.format(value);
  return value.toFixed(Math.abs(value) >= 9.95 ? 1 : 2);
}

/** `151 ns (148–190)`: the median over all rounds, then the least and the greatest of the processes' own. */
export function measured(values, unit) {
  return withExtremes(values, spread(values), (value) => figure(value), ` ${unit}`);
}

/** A row that is held to a ratio: ours over theirs, round by round. Without a budget it is there for comparison. */
export function ratioLine({ row, what, unit, ours, name, theirs, budget }) {
  const ratio = ratios(ours, theirs);
  return {
    row,
    what,
    ours: measured(ours, unit),
    against: `${name}: ${measured(theirs, unit)}`,
    ratio: withExtremes(ours, ratio, (value) => value.toFixed(3)),
    budget: budget === undefined ? '–' : `≤ ${String(budget)}x`,
    ...verdictOf(ratio.median, budget),
    details: { ours, theirs },
  };
}

/** A row that is held to a figure of its own. */
export function figureLine({ ratio = '–', value, limit, ...line }) {
  return { ...line, ratio, ...verdictOf(value, limit) };
}

function withExtremes(processes, { median, min, max }, text, unit = '') {
  if (processes.length === 1) return `${text(median)}${unit}`;
  return `${text(median)}${unit} (${text(min)}–${text(max)})`;
}

function verdictOf(value, limit) {
  if (limit === undefined) return { verdict: '–' };
  if (value <= limit) return { met: true, verdict: 'met' };
  const by = limit === 0 ? figure(value) : `${figure((value / limit - 1) * 100)} %`;
  return { met: false, verdict: `missed by ${by}` };
}
