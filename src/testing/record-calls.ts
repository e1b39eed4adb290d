import { isObject, tryOrUndefined, type KeyContext, type Stage } from '../core/index.js';

/** The arguments of one run of a recorded function. */
export interface RecordedCall {
  /** The query, or the list of queries; absent in a function that takes the context alone. */
  readonly query?: unknown;
  /** The key, in clear. */
  readonly apiKey: string;
  /** The key's version. */
  readonly version: string;
  /** The stage that the key came from. */
  readonly stage: Stage;
  /** The number of the run in its call, from 1, counting retries and repeats alike. */
  readonly attempt: number;
}

/**
 * Wraps a function that a client calls, so that a test can tell which key each run was given. A call's context throws once
 * the call has settled; `calls` copies it when a run starts, and keeps the copy. The function itself is called as before.
 *
 * For tests only: `calls` holds every key in clear for as long as the function is referred to.
 *
 * @param fn - a `fetchPrice`, a `fetchPrices`, or a function for `withKey`; a mock or a spy of a test runner, too
 * @typeParam F - the function's type
 * @returns the function, with everything that it has, and `calls`: one entry a run, in order, also of a run that failed
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { memoryKeyProvider, recordCalls } from 'goldkey/testing';
 *
 * const fetchPrice = recordCalls(async (symbol: string) => 2_000);
 * const gold = new GoldDataClient({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }), fetchPrice });
 * await gold.getPrice('XAU');
 * // fetchPrice.calls[0] is { query: 'XAU', apiKey: 'first-key-0001', version: 'v1', stage: 'current', attempt: 1 }
 * ```
 */
export function recordCalls<F extends (...args: any[]) => any>(
  fn: F,
): F & {
  /** One entry a run, in order. */
  readonly calls: readonly RecordedCall[];
} {
  const calls: RecordedCall[] = [];
  // A proxy: the function's own properties, those of a mock included, stay as they are.
  return new Proxy(fn, {
    apply(target, receiver, args) {
      const call = tryOrUndefined(() => copyCall(args));
      if (call !== undefined) calls.push(call);
      return Reflect.apply(target, receiver, args) as unknown;
    },
    get: (target, name) => (name === 'calls' ? calls : (Reflect.get(target, name) as unknown)),
    has: (target, name) => name === 'calls' || Reflect.has(target, name),
  }) as F & { readonly calls: readonly RecordedCall[] };
}

/** Copies what a run was given. Throws if there is no context that can be read. */
function copyCall(args: readonly unknown[]): RecordedCall {
  const at = args.findLastIndex((argument) => isObject(argument) && 'apiKey' in argument);
  const { apiKey, version, stage, attempt } = args[at] as KeyContext;
  const [query] = args;
  return { ...(at > 0 && { query: Array.isArray(query) ? [...query] : query }), apiKey, version, stage, attempt };
}
