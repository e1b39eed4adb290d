import type { ClientState } from '../state/client-state.js';
import { chooseLivingKey } from './select-key.js';
import { RejectedKeys } from './key-rejection.js';
import { CachedKey } from '../cache/cached-key.js';
import { cancelBody, isResponse, isTransientFault, isUnauthorized, readRetryAfter } from './outcome.js';
import { computeRetryDelay, withRetries } from './retry.js';
import type { Outcome } from '../types.js';

/** A call, as its recovery sees it. */
export interface CallPort {
  readonly core: ClientState;
  /** The key of the last run. */
  readonly record: CachedKey;
  readonly once: boolean;
  /** True once the caller has an answer: nothing more is run. */
  readonly settled: boolean;
  /** Aborts when the call is over before its time. */
  readonly signal: AbortSignal;
  timeLeft(): number;
  /** Runs the caller's function once more; `attempt` counts it. */
  run(record: CachedKey): Promise<Outcome>;
  /** How many times the function has run. */
  readonly attempt: number;
}

/** A call's outcome; a `final` one is not for `retry` to look at. */
interface Ending extends Outcome {
  final?: boolean;
}

/** A fault on its way through p-retry. */
class Failed {
  readonly outcome: Ending;

  constructor(outcome: Ending) {
    this.outcome = outcome;
  }
}

/**
 * Takes a run's outcome to the call's: a refused key is repaired, a transient fault is retried. Nothing is rerun once the
 * caller has an answer.
 */
export async function conclude(call: CallPort, first: Outcome): Promise<Ending> {
  const { options } = call.core;
  const refusals = new RejectedKeys(call.core);
  const outcome = await repair(call, first, refusals);
  const { retry } = options;
  if (retry === undefined || call.once || call.settled || !transient(call.core, outcome)) return outcome;
  let last = outcome;
  try {
    return await withRetries<Ending>(
      async (attempt) => {
        if (attempt > 1) {
          cancelBody(last.result);
          const chosen = await chooseLivingKey(call.core, call);
          if (!(chosen instanceof CachedKey)) return { error: chosen };
          if (call.settled) return last;
          // What this call was refused with it does not try again; the key that met the fault was not refused.
          const other = call.record.retired ? undefined : call.record;
          const record = refusals.has(chosen) ? (other ?? (await refusals.elsewhere(chosen))) : chosen;
          if (call.settled || record === undefined) return last;
          last = await repair(call, await call.run(record), refusals);
        }
        if (transient(call.core, last)) throw new Failed(last);
        return last;
      },
      {
        retries: retry.retries,
        clock: options.clock,
        signal: call.signal,
        delayOf(error, retried) {
          if (!(error instanceof Failed) || call.settled) return undefined;
          const asked = readRetryAfter(error.outcome, options.clock.now()) ?? 0;
          const pause = Math.max(computeRetryDelay(retry, retried), asked);
          return pause < call.timeLeft() ? pause : undefined;
        },
        onRetry(_, delay) {
          call.core.retries++;
          call.core.emit('retry', call.record, { attempt: call.attempt + 1, delay });
        },
      },
    );
  } catch (error) {
    if (error instanceof Failed) return error.outcome;
    throw error;
  }
}

/** Runs the function again with another key while the price API refuses the ones it gets, twice at most. */
async function repair(call: CallPort, first: Outcome, refusals: RejectedKeys): Promise<Ending> {
  let outcome = first;
  for (;;) {
    if (call.settled) return outcome;
    const { record } = call;
    const verdict = (call.core.options.isKeyRejected ?? isUnauthorized)(outcome);
    const refused = typeof verdict === 'boolean' ? verdict : await verdict;
    if (!refused) {
      if (succeeded(outcome)) refusals.succeeded(record);
      return outcome;
    }
    let next = await refusals.next(record, call.once);
    if (next?.gone === true) {
      const again = await chooseLivingKey(call.core, call);
      next = again instanceof CachedKey && !refusals.has(again) ? again : undefined;
    }
    cancelBody(outcome.result);
    if (next === undefined) return { error: refusals.error(outcome), final: true };
    if (call.settled) return outcome;
    outcome = await call.run(next);
  }
}

function succeeded(outcome: Outcome): boolean {
  return !('error' in outcome) && !(isResponse(outcome.result) && outcome.result.status >= 400);
}

function transient(core: ClientState, outcome: Ending): boolean {
  return outcome.final !== true && (core.options.isTransient ?? isTransientFault)(outcome);
}
