import { addAbortListener, removeAbortListener } from './abort-listeners.js';

/**
 * Resolves like `work`, or rejects with the signal's reason as soon as it aborts: a credential chain or a caller's
 * function may ignore the signal. A result that comes after that is passed to `discard`.
 */
export function raceAbort<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => void = () => undefined,
): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const listener = { end: reject };
    if (signal.aborted) reject(signal.reason as Error);
    else addAbortListener(signal, listener);
    work.then(
      (value) => {
        removeAbortListener(signal, listener);
        if (signal.aborted) discard(value);
        else resolve(value);
      },
      (error: unknown) => {
        removeAbortListener(signal, listener);
        reject(error as Error);
      },
    );
  });
}
