import { withRetries, type Clock } from '../core/index.js';
import type { AwsLink } from './client.js';
import { awsPause, isOutOfTime } from './failures.js';
import { raceAbort } from '../util/deadline.js';

/** What a call sends, written with the SDK at hand. */
export type AwsSend<S, C, T> = (sdk: S, client: C, options: { abortSignal?: AbortSignal }) => Promise<T>;

/** How a call goes about it. */
export interface AwsCallOptions<T> {
  signal: AbortSignal | undefined;
  clock: Clock;
  /** Reruns after a transient failure. Default 2; 0 for what must not happen twice. */
  retries?: number | undefined;
  /** Takes what arrives after the signal has aborted. */
  discard?: (late: T) => void;
}

/**
 * One call to an AWS service: connects, sends, sends again after a transient failure, and maps what is left with
 * `errorOf`. The whole of it ends with `signal`, the search for credentials included, which does not listen to one.
 */
export async function callAws<S, C, T>(
  link: Pick<AwsLink<S, C>, 'connect'>,
  send: AwsSend<S, C, T>,
  errorOf: (error: unknown) => Error,
  options: AwsCallOptions<T>,
): Promise<T> {
  const { signal, clock, retries = 2, discard } = options;
  signal?.throwIfAborted();
  const http = signal === undefined ? {} : { abortSignal: signal };
  let signedAnew = false;

  const work = async (): Promise<T> => {
    const { sdk, client, retriesItself } = await link.connect();
    const once = async (): Promise<T> => {
      try {
        return await send(sdk, client, http);
      } catch (error) {
        // Frozen between signing and sending, or a clock now corrected: there is nothing to wait for.
        if (signedAnew || retriesItself || !isOutOfTime(error)) throw error;
        signedAnew = true;
        return await send(sdk, client, http);
      }
    };
    return await withRetries(once, { retries: retriesItself ? 0 : retries, clock, signal, delayOf: awsPause });
  };
  try {
    return await raceAbort(work(), signal, discard);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw errorOf(error);
  }
}
