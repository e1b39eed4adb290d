import { UsageError } from '../errors.js';

// Parsers for the values of options, as commander takes them. No error repeats the value, which may be a key.

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHORTEST_INTERVAL_MS = 1_000;
/** A timer of Node.js holds no more than 24.8 days. */
const LONGEST_INTERVAL_MS = 24 * 86_400_000;

/** Returns a parser of times such as `90d`, `24h`, `30m`, `10s` or `500ms`, in ms. */
export function parseDuration(flag: string): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    if (count === undefined) throw new UsageError(`${flag} must be a time such as 90d, 24h, 30m or 10s.`);
    return Number(count) * (UNITS[unit] ?? NaN);
  };
}

/** Parses the value of `--watch`, in ms. */
export function parseInterval(text: string): number {
  const interval = parseDuration('--watch')(text);
  if (interval >= SHORTEST_INTERVAL_MS && interval <= LONGEST_INTERVAL_MS) return interval;
  throw new UsageError('--watch must be from 1s to 24d.');
}

/** Parses the value of `--percent`; the ring checks the range. */
export function parsePercent(text: string): number {
  if (/^\d{1,3}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new UsageError('--percent must be a number from 0 to 100.');
}

/** Parses the value of `--revision`. */
export function parseRevision(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError('--revision must be an integer from 1.');
}

/** Adds the value of one `--metadata` to those before. */
export function addMetadata(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--metadata must be name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
