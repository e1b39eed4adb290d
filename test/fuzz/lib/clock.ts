import { systemClock, type Clock } from '../../../src/core/index.js';

/** Pauses between tries take no time; the limits of a request, from two seconds on, do. */
export const hurried: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  setTimeout(callback, ms, options) {
    if (ms >= 2_000) return systemClock.setTimeout(callback, ms, options);
    const immediate = setImmediate(callback);
    return { cancel: () => clearImmediate(immediate) };
  },
};
