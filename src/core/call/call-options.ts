import { checkBoolean, checkInteger, checkOptionNames, checkSignal } from '../options.js';
import type { CallOptions } from '../types.js';

/** A caller's function, with its query if it takes one. */
export type CallFunction = (...args: never[]) => Promise<unknown>;

/** Marks a call without a query: `undefined` is a query. */
export const NO_QUERY: unique symbol = Symbol('no query');

/** Options of one call, checked. */
export interface CheckedCallOptions extends CallOptions {
  /** True if `timeout` has been limited to the time of an invocation already. */
  isLimited?: boolean;
}

/** Returns a checked copy of the options of one call: each is read once, because the object may change while the call runs. */
export function checkCallOptions(options: CallOptions): CheckedCallOptions {
  checkOptionNames('A call', options, ['signal', 'timeout', 'once']);
  const { signal, timeout, once } = options;
  checkSignal(signal);
  checkBoolean('once', once);
  checkInteger('timeout', timeout, 1, 1);
  return { signal, timeout, once };
}
