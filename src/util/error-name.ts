/**
 * Returns `value` if it looks like the name or code of an error, otherwise `undefined`. Names and codes are quoted in
 * messages and may come off the wire, so that anything else must not pass.
 */
export function parseErrorName(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(value) ? value : undefined;
}
