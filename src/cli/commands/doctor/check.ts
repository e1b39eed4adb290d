import { isGoldKeyError, type Clock } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { CommandError, isSystemError, type Told } from '../../errors.js';

export type CheckId =
  | 'node'
  | 'packages'
  | 'credentials'
  | 'region'
  | 'endpoint'
  | 'clock'
  | 'key-state'
  | 'permission'
  | 'context'
  | 'key-age'
  | 'rotation'
  | 'files'
  | 'environment'
  | 'price-api';

/** The result of a check. */
export interface Finding {
  /** `unknown`: it could not be told, which is no failure. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip' | 'unknown';
  /** One sentence that holds no secret. */
  readonly message: string;
  /** The command that repairs it. */
  readonly fix?: string | undefined;
  /** Whether the checks that need this one go on although it failed. */
  readonly goesOn?: boolean;
}

export interface Check {
  readonly id: CheckId;
  /** The checks before it that tell more if they fail. */
  readonly needs?: readonly CheckId[];
  /** Why the check is not made. */
  readonly skipped?: string | undefined;
  /** The longest time in ms. Default 5 s. */
  readonly budget?: number;
  run(signal: AbortSignal): Finding | Promise<Finding>;
  /** Returns the command that repairs what `run` threw. */
  readonly repair?: ((error: unknown) => string | undefined | Promise<string | undefined>) | undefined;
}

/** A finding as it is printed; `ms` is the time that the check took. */
export interface CheckResult extends Finding {
  readonly id: CheckId;
  readonly ms: number;
}

const BUDGET_MS = 5_000;

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const warn = (message: string, fix?: string): Finding => ({ status: 'warn', message, fix });
export const fail = (message: string, fix?: string): Finding => ({ status: 'fail', message, fix });
export const skip = (message: string): Finding => ({ status: 'skip', message });
export const unknown = (message: string, fix?: string): Finding => ({ status: 'unknown', message, fix });

/**
 * Makes the checks side by side, each after those that it needs, which come before it. Rejects only with wrong usage and with
 * errors that are the program's own.
 */
export function runChecks(
  checks: readonly Check[],
  clock: Clock,
  explain: (error: unknown) => Told,
): Promise<CheckResult[]> {
  type Made = { readonly result: CheckResult; readonly blockers: readonly CheckId[] };
  const running = new Map<CheckId, Promise<Made>>();
  const make = async (check: Check): Promise<Made> => {
    const { id, skipped } = check;
    if (skipped !== undefined) return { result: { id, ms: 0, ...skip(skipped) }, blockers: [] };
    const before = await Promise.all((check.needs ?? []).map((need) => running.get(need)));
    const blockers = [...new Set(before.flatMap((made) => made?.blockers ?? []))];
    if (blockers.length > 0) return { result: { id, ms: 0, ...skip(`needs ${blockers.join(', ')}`) }, blockers };
    const start = clock.monotonic();
    const finding = await runCheck(check, clock, explain);
    const { status, goesOn = status !== 'fail' } = finding;
    const ms = Math.round(clock.monotonic() - start);
    return { result: { id, ms, ...finding }, blockers: goesOn ? [] : [id] };
  };
  for (const check of checks) running.set(check.id, make(check));
  return Promise.all([...running.values()].map(async (made) => (await made).result));
}

async function runCheck(check: Check, clock: Clock, explain: (error: unknown) => Told): Promise<Finding> {
  const { budget: ms = BUDGET_MS } = check;
  const late = (): Error => new CommandError(`There was no answer within ${String(ms / 1_000)} s: check the network.`);
  try {
    return await withDeadline({ ms, clock, late, signals: [] }, async (signal) => check.run(signal));
  } catch (error) {
    if (!isGoldKeyError(error) && !(error instanceof CommandError) && !isSystemError(error)) throw error;
    const { message, advice } = explain(error);
    const fix = await check.repair?.(error);
    return fail(fix === undefined && advice !== undefined ? `${message} ${advice}` : message, fix);
  }
}
