import { type Clock, raceAbort, systemClock, tryOrUndefined, withRetries } from '../core/index.js';
import { computeAwsRetryDelay, isSignatureStale } from './failures.js';

export interface AwsCallOptions<T> {
  /** Ends the call with its reason. */
  signal?: AbortSignal | undefined;
  /** Carries the pauses between attempts. Default: the system's. */
  clock?: Clock | undefined;
  /** Retries after a transient failure. Default: 2; 0 for a request that must not take effect twice. */
  retries?: number | undefined;
  /** Receives a result that arrives after `signal` aborted, to zero it. */
  discard?: ((late: T) => void) | undefined;
}

/**
 * Sends a request, again after a transient failure, and throws the last failure as `toError` maps it. The call ends with
 * the signal even if `send` ignores it, as a search for credentials does. `retriesItself`: the client retries on its own.
 */
export async function callAws<T>(
  send: () => Promise<T>,
  toError: (error: unknown) => Error,
  options: AwsCallOptions<T>,
  retriesItself = false,
): Promise<T> {
  const { signal, clock = systemClock, retries = 2, discard } = options;
  signal?.throwIfAborted();
  let isSignedAgain = false;
  const sendFresh = async (): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      if (isSignedAgain || !isSignatureStale(error)) throw error;
      isSignedAgain = true;
      return await send();
    }
  };
  const limits = { retries, clock, signal, getDelay: computeAwsRetryDelay };
  // A client of the caller's, a mock above all, may answer anything: nobody is left to be told of it.
  const discardLate = (late: T): void => tryOrUndefined(() => discard?.(late));
  try {
    return await raceAbort(retriesItself ? send() : withRetries(sendFresh, limits), signal, discardLate);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw toError(error);
  }
}
