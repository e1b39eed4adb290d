import { UsageError } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time such as `90d`, `24h`, `30m`, `10s` or `500ms`, in ms. */
export function duration(option: string, text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? NaN);
  if (count === '' || Number.isNaN(ms)) throw new UsageError(`${option} must be a time such as 90d, 24h, 30m or 10s.`);
  return ms;
}
