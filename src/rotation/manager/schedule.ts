import { delay, checkInteger, invalidType, isGoldKeyError, nodeCrypto, type Clock } from '../../core/index.js';
import { checkPlan } from './next-step.js';
import { neededTime } from './options.js';
import type { RingStore, RotateOptions, RotationStatus } from '../ring/types.js';

/** How long one turn may take: after that another instance may act. */
const LEASE = 120_000;

/** Options of `schedule`; all times in ms. */
export interface ScheduleOptions extends RotateOptions {
  /** The pause between two turns; at least 1. */
  every: number;
  /** Up to how much longer each pause is, at random. Default: a tenth of `every`. */
  jitter?: number | undefined;
  /** The age from which a new key is due; at least 1. */
  maxAge: number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Takes turns until `signal` aborts. The timer between them holds the process: whoever awaits this waits for them. */
export async function runSchedule(
  options: ScheduleOptions,
  work: { store: RingStore; clock: Clock; rotate: (options: RotateOptions) => Promise<RotationStatus> },
): Promise<void> {
  checkPlan('schedule', options, ['every', 'jitter']);
  const { every, jitter, signal, ...plan } = options;
  const pause = neededTime('every', every);
  neededTime('maxAge', plan.maxAge, Number.MAX_SAFE_INTEGER);
  const spread = checkInteger('jitter', jitter, Math.floor(pause / 10), 0);
  if (!(signal instanceof AbortSignal))
    throw invalidType('`signal` must be an AbortSignal: it is what ends the schedule.');
  const holder = nodeCrypto().randomUUID();
  while (!signal.aborted) {
    await turn(holder, plan, signal, work);
    const wait = Math.min(pause + Math.floor(Math.random() * (spread + 1)), 2_147_483_647);
    if (!isAborted(signal)) await delay(work.clock, wait, signal).catch(() => undefined);
  }
}

async function turn(
  holder: string,
  plan: RotateOptions,
  signal: AbortSignal,
  { store, clock, rotate }: Parameters<typeof runSchedule>[1],
): Promise<void> {
  const ending = new AbortController();
  let lease: Awaited<ReturnType<NonNullable<RingStore['lease']>>>;
  let timer: { cancel(): void } | undefined;
  try {
    lease = await store.lease?.(holder, LEASE);
    if (store.lease !== undefined && lease === undefined) return;
    // A turn that outlives its lease ends: another instance may have begun, and two must not mint.
    timer = clock.setTimeout(() => ending.abort(new Error('The lease of this turn has run out.')), LEASE);
    await rotate({ ...plan, signal: AbortSignal.any([signal, ending.signal]) });
  } catch (error) {
    // What may pass is left to the next turn; so is what another instance was faster with.
    if (!ending.signal.aborted && !signal.aborted && !mayPass(error)) throw error;
  } finally {
    timer?.cancel();
    await lease?.release().catch(() => undefined);
  }
}

/** What a store of somebody else's throws says nothing for certain; wrong options stay wrong. */
function mayPass(error: unknown): boolean {
  if (isGoldKeyError(error)) return error.retryable;
  return (error as { code?: unknown } | null | undefined)?.code !== 'ERR_INVALID_ARG_VALUE';
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
