import {
  checkInteger,
  delay,
  invalidType,
  isGoldKeyError,
  MAX_TIMER_MS,
  nodeCrypto,
  readProperty,
} from '../../core/index.js';
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
  /** Ends the schedule. */
  signal: AbortSignal;
}

type Rotate = (options: RotateOptions) => Promise<unknown>;

/** Takes turns until `signal` aborts. The timer between two turns keeps the process alive for the awaiting caller. */
export async function runSchedule(context: RotationContext, options: ScheduleOptions, rotate: Rotate): Promise<void> {
  checkPlan('schedule', options, ['every', 'jitter']);
  const { every, jitter, signal, ...plan } = options;
  const pause = checkRequiredTime('every', every);
  checkRequiredTime('maxAge', plan.maxAge, Number.MAX_SAFE_INTEGER);
  const spread = checkInteger('jitter', jitter, Math.floor(pause / 10), 0);
  if (!(signal instanceof AbortSignal)) {
    throw invalidType('`signal` must be an AbortSignal; abort it to end the schedule.');
  }
  const { source, clock } = context;
  const { store } = source;
  const holder = nodeCrypto().randomUUID();
  /** Rotates once while this instance has the lease. Transient errors are left to the next turn. */
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
      if (!leaseEnd.signal.aborted && !signal.aborted && !isTransient(error)) throw error;
    } finally {
      timer?.cancel();
      await lease?.release().catch(() => undefined);
    }
  };
  while (!signal.aborted) {
    await takeTurn();
    const wait = Math.min(pause + Math.floor(Math.random() * (spread + 1)), MAX_TIMER_MS);
    await delay(clock, wait, signal).catch(() => undefined);
  }
}

/** Returns whether a later turn may succeed. Errors of third-party stores count as transient, invalid options not. */
function isTransient(error: unknown): boolean {
  return isGoldKeyError(error) ? error.retryable : readProperty(error as object, 'code') !== 'ERR_INVALID_ARG_VALUE';
}
