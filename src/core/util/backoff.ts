/** Returns the longest pause after `failures` failures in a row, in ms: it doubles from `first` up to `last`. */
export function backoffWindow(first: number, failures: number, last: number = Infinity): number {
  return Math.min(first * 2 ** failures, last);
}

/** Returns a random pause from the upper half of `window`, so that clients that failed together do not return together. */
export function halfJitter(window: number): number {
  return Math.ceil((window * (1 + Math.random())) / 2);
}
