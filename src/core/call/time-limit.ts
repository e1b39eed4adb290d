import type { CheckedCallOptions } from './call-options.js';

/** Returns the time that a call may still take, in ms. */
export type TimeLimit = () => number;

/** Limits of calls beyond their own `timeout`: the invocations of a Lambda handler. `goldkey/lambda` sets it. */
export interface TimeLimits {
  /** The limit of every call that has none of its own. Read when the call's deadline is set. */
  shared: TimeLimit | undefined;
  /** Finds the limit of a call as it starts, once invocations run side by side. */
  findOwn: (() => TimeLimit | undefined) | undefined;
}

export const timeLimits: TimeLimits = { shared: undefined, findOwn: undefined };

/** Returns a call's time in ms: its own `timeout` or the client's, within the limit that calls share. */
export function readTimeout(options: CheckedCallOptions | undefined, timeout: number): number {
  const { shared } = timeLimits;
  const own = options?.timeout ?? timeout;
  return shared === undefined || options?.isLimited === true ? own : limit(own, shared);
}

/** Returns the options of a call that starts, within the limit of the invocation that it belongs to, if it has its own. */
export function limitCall(options: CheckedCallOptions | undefined, timeout: number): CheckedCallOptions | undefined {
  const own = timeLimits.findOwn?.();
  if (own === undefined) return options;
  return { ...options, timeout: limit(options?.timeout ?? timeout, own), isLimited: true };
}

/** Returns what bounds a call, for the message of one that was too slow. */
export function describeBound(options: CheckedCallOptions | undefined): string {
  const isLimited = timeLimits.shared !== undefined || options?.isLimited === true;
  return isLimited ? 'its `timeout`, or the time that its invocation had left' : 'its `timeout`';
}

/** Returns the shorter of a timeout and a limit, in ms, at least 1. */
function limit(timeout: number, timeLimit: TimeLimit): number {
  return Math.max(1, Math.min(timeout, timeLimit()));
}
