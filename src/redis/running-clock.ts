import { afterTurn, systemClock, type Clock } from '../core/index.js';

/** Number of timers that a time limit is made of. */
const SLICES = 8;

/**
 * The system's clock with timers that count the time in which this process runs: of a pause of the whole process (a busy
 * event loop, a CPU quota, a frozen container) one slice counts at most. An answer that lies in the socket by then is read
 * before the timer rings, so that no server is blamed for a pause of its client.
 */
export const runningClock: Clock = {
  ...systemClock,
  setTimeout(callback, ms, options) {
    let slice: { cancel(): void };
    let isCancelled = false;
    const wait = (slicesLeft: number): void => {
      slice = systemClock.setTimeout(
        () => {
          if (slicesLeft > 1) wait(slicesLeft - 1);
          else afterTurn(() => isCancelled || callback());
        },
        ms / SLICES,
        options,
      );
    };
    wait(SLICES);
    return {
      cancel() {
        isCancelled = true;
        slice.cancel();
      },
    };
  },
};
