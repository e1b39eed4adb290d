/**
 * Returns the pause that a `Retry-After` header asks for, in ms from `now` (epoch ms): whole or decimal seconds, or an
 * HTTP date (RFC 9110, section 10.2.3). `undefined` if there is none or it cannot be read.
 */
export function parseRetryAfter(value: unknown, now: number): number | undefined {
  if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return undefined;
  const seconds = Number(value);
  const wait = Number.isNaN(seconds) ? Date.parse(String(value)) - now : seconds * 1_000;
  return Number.isFinite(wait) ? Math.max(0, Math.ceil(wait)) : undefined;
}
