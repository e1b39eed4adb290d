import {
  checkInteger,
  checkOptionalFunction,
  checkSignal,
  delay,
  invalidType,
  isGoldKeyError,
  MAX_TIMER_MS,
  nodeCrypto,
  quote,
  readProperty,
} from '../../core/index.js';
import { publishFailure } from '../ring/publish-failure.js';
import type { RingStore, RotateOptions } from '../ring/types.js';
import { checkPlan, checkRequiredTime, type RotationContext } from './options.js';

/** How long a turn may take. After that another instance may take the lease. */
const LEASE_MS = 120_000;

/** Options of `schedule`. All times are integer milliseconds. */
export interface ScheduleOptions extends RotateOptions {
  /** The pause between two turns, at least 1. */
  every: number;
  /** The largest random addition to each pause, from 0. Default: a tenth of `every`. */
  jitter?: number | undefined;
  /** The age of the current key from which a new one is due, at least 1. */
  maxAge: number;
  /**
   * Called with the error of each failed turn, which is also published on the diagnostics channel `goldkey:rotation-failed`.
   * Its own errors are ignored. Default: without a subscriber of the channel, a process warning.
   */
  onError?: ((error: unknown) => void) | undefined;
  /** Ends the schedule. */
  signal: AbortSignal;
}

/** The message on the diagnostics channel `goldkey:rotation-failed`: a turn of `schedule` that failed. */
export interface RotationFailure {
  /** The ring's name. */
  ring: string;
  /** The error of the turn. */
  error: unknown;
}

type Rotate = (options: RotateOptions) => Promise<unknown>;

/** Takes turns until `signal` aborts. The timer between two turns keeps the process alive for the awaiting caller. */
export async function runSchedule(context: RotationContext, options: ScheduleOptions, rotate: Rotate): Promise<void> {
  checkPlan('schedule', options, ['every', 'jitter', 'onError']);
  const { every, jitter, signal, onError, ...plan } = options;
  checkOptionalFunction('onError', onError);
  const pause = checkRequiredTime('every', every);
  checkRequiredTime('maxAge', plan.maxAge, Number.MAX_SAFE_INTEGER);
  const spread = checkInteger('jitter', jitter, Math.floor(pause / 10), 0);
  if (signal === undefined) throw invalidType('`signal` must be an AbortSignal; abort it to end the schedule.');
  checkSignal(signal);
  const { source, clock } = context;
  const { store } = source;
  const holder = nodeCrypto().randomUUID();
  const tellFailure = (error: unknown): void => {
    const failure: RotationFailure = { ring: source.name, error };
    publishFailure(
      'rotation-failed',
      failure,
      (kind) =>
        `A turn of \`schedule\` for the key ring ${quote(source.name)} failed (${kind}); set \`onError\` to see why.`,
      onError !== undefined,
    );
    // In an async function, so that it may also reject.
    void (async () => onError?.(error))().catch(() => undefined);
  };
  /** Rotates once while this instance has the lease. Transient errors are told and left to the next turn. */
  const takeTurn = async (): Promise<void> => {
    const leaseEnd = new AbortController();
    let lease: Awaited<ReturnType<NonNullable<RingStore['lease']>>>;
    let timer: { cancel(): void } | undefined;
    try {
      lease = await store.lease?.(holder, LEASE_MS);
      if (store.lease !== undefined && lease === undefined) return;
      // The turn aborts with its lease, because another instance may begin then and two must not mint. It is not raced
      // against the abort: a write or hook that is under way is waited for.
      timer = clock.setTimeout(() => leaseEnd.abort(new Error('The lease of this turn has expired.')), LEASE_MS);
      await rotate({ ...plan, signal: AbortSignal.any([signal, leaseEnd.signal]) });
    } catch (error) {
      if (signal.aborted) return;
      tellFailure(error);
      if (!leaseEnd.signal.aborted && !isTransient(error)) throw error;
    } finally {
      timer?.cancel();
      await lease?.release().catch(() => undefined);
    }
  };
  try {
    while (!signal.aborted) {
      await takeTurn();
      const wait = Math.min(pause + Math.floor(Math.random() * (spread + 1)), MAX_TIMER_MS);
      await delay(clock, wait, signal).catch(() => undefined);
    }
  } finally {
    context.unstored.forget();
  }
}

/** Returns whether a later turn may succeed. Errors of third-party stores count as transient, invalid options not. */
function isTransient(error: unknown): boolean {
  return isGoldKeyError(error) ? error.retryable : readProperty(error as object, 'code') !== 'ERR_INVALID_ARG_VALUE';
}
