import type { Cancellation } from './cancellation.js';
import { CallTimeoutError } from '../errors.js';
import type { CachedKey } from '../cache/cached-key.js';
import { checkOptionNames, checkInteger, invalidType, describeType } from '../options.js';
import type { CallOptions } from '../types.js';

/** A caller's function, with its query where it takes one. */
export type CallFunction = (...args: never[]) => Promise<unknown>;

/** Stands for "no query": `undefined` is one. */
export const NO_QUERY: unique symbol = Symbol('no query');

/** What few calls need. */
export interface Extras {
  once: boolean;
  /** The caller's signal. */
  caller: AbortSignal | undefined;
  /** Aborts at the deadline and on `close()`. */
  controller: AbortController | undefined;
  signal: AbortSignal | undefined;
  /** The same for our own adapters. */
  ending: Cancellation | undefined;
  /** Copies of the bytes handed out. */
  copies: Uint8Array[] | undefined;
  /** Every key this call has held, beside the present one. */
  records: CachedKey[] | undefined;
}

/** Made for the calls that need it. */
export function noExtras(): Extras {
  return {
    once: false,
    caller: undefined,
    controller: undefined,
    signal: undefined,
    ending: undefined,
    copies: undefined,
    records: undefined,
  };
}

/** Holds one call's options to their types and ranges. */
export function checkCallOptions(options: CallOptions): CallOptions {
  checkOptionNames('A call', options, ['signal', 'timeout', 'once']);
  const { signal, timeout, once } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidType(`\`signal\` must be an AbortSignal, got ${describeType(signal)}.`);
  }
  if (once !== undefined && typeof once !== 'boolean') {
    throw invalidType(`\`once\` must be a boolean, got ${describeType(once)}.`);
  }
  checkInteger('timeout', timeout, 1, 1);
  return options;
}

/** Says what the call was at when its time was up. */
export function timeoutError(attempt: number, provider: string, version: string | undefined): CallTimeoutError {
  const what = attempt === 0 ? 'waiting for the key store' : `in run ${String(attempt)} of the function`;
  return new CallTimeoutError(
    `The call did not end within its \`timeout\` (it was ${what}); raise it, or see what is slow.`,
    { provider, version },
  );
}
