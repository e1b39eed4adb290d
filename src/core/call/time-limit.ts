/** Returns the time that a call may still take, in ms. */
export type TimeLimit = () => number;

/** What bounds calls beyond their own `timeout`: the invocations of a Lambda handler. `goldkey/lambda` sets it. */
export interface TimeLimits {
  /** The limit of every call that has none of its own. Read when the call's deadline is set. */
  shared: TimeLimit | undefined;
  /** Finds the limit of a call as it starts, once invocations run side by side. */
  findOwn: (() => TimeLimit | undefined) | undefined;
}

export const timeLimits: TimeLimits = { shared: undefined, findOwn: undefined };

/** Returns the shorter of a call's timeout and a limit, in ms, at least 1. */
export function limitTimeout(timeout: number, limit: TimeLimit): number {
  return Math.max(1, Math.min(timeout, limit()));
}
