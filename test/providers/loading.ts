import { CLOCK, type Clock, type LoadedKey, type LoadRequest } from '../../src/core/index.js';

/** Its timers fire at once; what was asked for is kept. */
export function hurriedClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 1,
    monotonic: () => 1,
    setTimeout(callback, ms) {
      waits.push(ms);
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    },
  };
}

/** A request as the core makes it. */
export function request(clock: Clock = hurriedClock(), more: Partial<LoadRequest> = {}): LoadRequest {
  const made: LoadRequest = { stage: 'current', signal: new AbortController().signal, ...more };
  return Object.defineProperty(made, CLOCK, { value: clock });
}

/** The key that a load handed over. */
export const text = (loaded: unknown): string => Buffer.from((loaded as LoadedKey).bytes).toString();

/** The error that a promise rejects with. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error('It should have failed.');
    },
    (error: unknown) => error,
  );
