import { checkBoolean, checkInteger, checkOptionNames, checkSignal } from '../options.js';
import type { CallOptions } from '../types.js';

/** A caller's function, with its query if it takes one. */
export type CallFunction = (...args: never[]) => Promise<unknown>;

/** Marks a call without a query: `undefined` is a query. */
export const NO_QUERY: unique symbol = Symbol('no query');

/** Returns a checked copy of the options of one call: each is read once, because the object may change while the call runs. */
export function checkCallOptions(options: CallOptions): CallOptions {
  checkOptionNames('A call', options, ['signal', 'timeout', 'once']);
  const { signal, timeout, once } = options;
  checkSignal(signal);
  checkBoolean('once', once);
  checkInteger('timeout', timeout, 1, 1);
  return { signal, timeout, once };
}
