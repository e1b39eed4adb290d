import { addAbortListener, readAbortReason, removeAbortListener } from './abort-listeners.js';

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
    let isOver = false;
    const listener = {
      end(reason: unknown): void {
        isOver = true;
        reject(reason as Error);
      },
    };
    if (signal.aborted) listener.end(readAbortReason(signal));
    else addAbortListener(signal, listener);
    work
      .then((value) => {
        removeAbortListener(signal, listener);
        if (isOver) discard(value);
        else resolve(value);
      })
      .catch((error: unknown) => {
        removeAbortListener(signal, listener);
        reject(error as Error);
      });
  });
}
