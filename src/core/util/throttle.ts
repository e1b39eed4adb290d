const INTERVAL_MS = 1_000;

interface Count {
  /** Time of the last event that was told. */
  toldAt: number;
  /** Occurrences since then. */
  since: number;
}

/** Counts by what they are about: most clients never have one. */
const counts = new WeakMap<object, Map<string, Count>>();

/**
 * Counts an occurrence of `event`. Returns how many there were since the last one that was told, or `undefined` if that
 * was less than a second ago.
 */
export function countForEvent(about: object, event: string, now: number): number | undefined {
  let byEvent = counts.get(about);
  if (byEvent === undefined) counts.set(about, (byEvent = new Map()));
  let count = byEvent.get(event);
  if (count === undefined) byEvent.set(event, (count = { toldAt: -Infinity, since: 0 }));
  count.since++;
  if (now < count.toldAt + INTERVAL_MS) return undefined;
  const { since } = count;
  count.since = 0;
  count.toldAt = now;
  return since;
}
