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

/**
 * A row that is held to a ratio: ours over theirs, round by round. It has a `budget` it must not exceed, or one it must
 * reach (`atLeast`); without either it is there for comparison.
 */
export function ratioLine({ row, what, unit, ours, name, theirs, budget, atLeast, figures }) {
  const ratio = ratios(ours, theirs);
  const digits = atLeast === undefined ? 3 : 2;
  return {
    row,
    what,
    of: name,
    ours: measured(ours, unit),
    against: `${name}: ${measured(theirs, unit)}`,
    ratio: withExtremes(ours, ratio, (value) => value.toFixed(digits)),
    result: `${ratio.median.toFixed(digits)}x`,
    budget: ratioBudget(budget, atLeast),
    ...verdictOf(ratio.median, { limit: budget, atLeast }),
    details: { ours, theirs },
    figures,
  };
}

/** A row that is held to a figure of its own; `result` is that figure in short, where there is no room for `ours`. */
export function figureLine({ ratio = '–', value, limit, atLeast, of = '', result, ...line }) {
  return { ...line, of, ratio, result: result ?? line.ours, ...verdictOf(value, { limit, atLeast }) };
}

function ratioBudget(budget, atLeast) {
  if (atLeast !== undefined) return `≥ ${String(atLeast)}x`;
  return budget === undefined ? '–' : `≤ ${String(budget)}x`;
}

function withExtremes(processes, { median, min, max }, text, unit = '') {
  if (processes.length === 1) return `${text(median)}${unit}`;
  return `${text(median)}${unit} (${text(min)}–${text(max)})`;
}

function verdictOf(value, { limit, atLeast }) {
  const bound = atLeast ?? limit;
  if (bound === undefined) return { verdict: '–' };
  // A time over that of an empty process comes out below it when the machine is busy enough.
  if (value < 0) return { met: false, verdict: 'MISSED: lost in noise' };
  if (atLeast === undefined ? value <= limit : value >= atLeast) return { met: true, verdict: 'met' };
  const by = bound === 0 ? figure(value) : `${figure(Math.abs(value / bound - 1) * 100)} %`;
  return { met: false, verdict: `MISSED by ${by}` };
}
