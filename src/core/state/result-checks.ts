import type { Outcome } from '../types.js';

/** Checks that judge a result as the default ones do, which look at nothing but a `Response`. */
const judgesOnlyResponses = new WeakSet<object>();

/** Marks a check that judges a result as the default ones do, and returns it: it is not asked about other results. */
export function judgingOnlyResponses<F extends (outcome: Outcome) => unknown>(check: F): F {
  judgesOnlyResponses.add(check);
  return check;
}

/** Returns whether a check may have something to say about any result. */
export function judgesResults(check: object | undefined): boolean {
  return check !== undefined && !judgesOnlyResponses.has(check);
}
