import { describeType, invalidType, type KeyedClient } from '../core/index.js';
import { findContext, Invocation } from './invocation.js';
import { prepareClients, type LambdaOptions } from './options.js';
import { settleAndEnd } from './settle.js';

/** Properties that a function has by itself. */
const OWN_NAMES: ReadonlySet<PropertyKey> = new Set(['length', 'prototype', 'arguments', 'caller']);

/**
 * Wraps a Lambda handler: while it runs, a call ends `margin` before Lambda would end the invocation, and the wrapper waits
 * for background loads before the environment may freeze. The handler's result or error leaves untouched, and what was
 * marked on it (response streaming) is marked on the wrapper. A context without `getRemainingTimeInMillis` limits nothing.
 *
 * The limit holds for the calls of every client of the process, also of one that was not passed. Several invocations at
 * once, as on Lambda Managed Instances, each have their own. Of wrappers inside wrappers the smaller time left counts. Calls
 * are limited as they start: those before and after any invocation are not, and those that a timer of the process starts
 * meanwhile are.
 *
 * @param clients - the client, or several
 * @param handler - an async handler, also a streaming one or what `withDurableExecution` returns; it may not use Lambda's
 *   callback
 * @param options - `margin` and `settle` in ms, and `prefetch`
 * @typeParam H - the handler's type
 * @returns the handler, with the same signature
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name, or no client, or no handler
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { fromKmsLight } from 'goldkey/kms-light';
 * import { withGoldKey } from 'goldkey/lambda';
 * import { metalsApi } from 'goldkey/prices';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKmsLight({
 *     ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
 *     encryptionContext: { service: 'gold-data-stream', environment: 'production' },
 *     keyId: 'alias/gold-api-keys',
 *   }),
 *   ...metalsApi(),
 * });
 *
 * export const handler = withGoldKey(gold, async (event: { symbol: string }) => (await gold.getPrice(event.symbol)).price);
 * ```
 */
export function withGoldKey<H extends (event: never, context: never, ...rest: never[]) => Promise<unknown>>(
  clients: KeyedClient | readonly KeyedClient[],
  handler: H,
  options: LambdaOptions = {},
): H {
  if (typeof handler !== 'function') throw invalidType(`\`handler\` must be a function, got ${describeType(handler)}.`);
  const checked = prepareClients('withGoldKey', clients, options);

  const finish = async (invocation: Invocation, result: unknown): Promise<unknown> => {
    try {
      return await result;
    } finally {
      await settleAndEnd(invocation, checked);
    }
  };
  // Rest arguments, because Lambda refuses handlers that declare a callback: its `length` is 0.
  function wrapped(this: unknown, ...args: unknown[]): unknown {
    const invocation = new Invocation(findContext(args), checked.margin);
    let result: unknown;
    try {
      result = invocation.run(() => Reflect.apply(handler, this, args));
    } catch (error) {
      result = Promise.reject(error as Error);
    }
    // Its answer comes by the callback, and a promise would come before it.
    if (result !== undefined || typeof args.at(-1) !== 'function') return finish(invocation, result);
    invocation.end();
    return undefined;
  }
  for (const name of Reflect.ownKeys(handler)) {
    const property = Object.getOwnPropertyDescriptor(handler, name);
    if (property !== undefined && !OWN_NAMES.has(name)) Object.defineProperty(wrapped, name, property);
  }
  return wrapped as unknown as H;
}
