import { checkOptionalString, type KeyedClient } from '../core/index.js';
import { Invocation } from './invocation.js';
import { prepareClients, type LambdaOptions } from './options.js';
import { settleAndEnd } from './settle.js';

/** Options of {@link goldKeyMiddleware}. */
export interface GoldKeyMiddlewareOptions extends LambdaOptions {
  /** Name in `request.internal` under which other middlewares find the client. Default `'goldkey'`. */
  internalKey?: string | undefined;
}

/** A middleware for Middy. */
export interface GoldKeyMiddleware {
  // Middy's own type has parameters that cannot be named without importing it.
  /** Begins to limit calls to the invocation's time. */
  before: (request: any) => unknown;
  /** Waits for background loads, and ends the limit. */
  after: (request: any) => unknown;
  /** Does as `after` does, where the handler or another middleware threw. */
  onError: (request: any) => unknown;
}

/** The parts of Middy's request that are used here. */
interface MiddyRequest {
  readonly context?: unknown;
  readonly error?: unknown;
  readonly internal: Record<string, unknown>;
}

/** Name of the function that an early answer may call in place of the hooks that Middy then leaves out, as Powertools has it. */
const CLEAN_UP = 'goldkey.settle';

/** Ends the invocations of a request, one for each of our middlewares that it has gone through. */
const endings = new WeakMap<object, Array<() => Promise<void>>>();

/**
 * Creates a middleware that does for a Middy handler what {@link withGoldKey} does for a plain one, with the same options:
 * a call ends `margin` before the invocation would, and background loads are waited for. It works with Middy 6 and 7 and
 * imports neither.
 *
 * `request.internal[internalKey]` is what was passed as `clients`, never the key. Calls are limited from this middleware's
 * `before` to the end of the handler, so it comes first. With Middy 6 on Lambda Managed Instances it has to; for a
 * response stream, whose body Middy sends after `after`, wrap Middy's handler by {@link withGoldKey}. A middleware that
 * answers early keeps Middy from running our other hooks; it may await `request.internal['goldkey.settle']()` itself.
 *
 * @param clients - the client, or several
 * @param options - `margin` and `settle` in ms, `prefetch` and `internalKey`
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option of a wrong type or name, or no client
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a value out of its range
 * @example
 * ```ts
 * import middy from '@middy/core';
 * import { goldKeyMiddleware } from 'goldkey/lambda';
 *
 * export const handler = middy()
 *   .use(goldKeyMiddleware(gold))
 *   .handler(async (event: { symbol: string }) => (await gold.getPrice(event.symbol)).price);
 * ```
 */
export function goldKeyMiddleware(
  clients: KeyedClient | readonly KeyedClient[],
  options: GoldKeyMiddlewareOptions = {},
): GoldKeyMiddleware {
  const checked = prepareClients('goldKeyMiddleware', clients, options, ['internalKey']);
  const internalKey = checkOptionalString('internalKey', options.internalKey) ?? 'goldkey';

  // Middy shows the names of these functions to its plug-ins. A value that they return would be an early answer.
  function goldKeyMiddlewareBefore(request: MiddyRequest): void {
    request.internal[internalKey] = clients;
    request.internal[CLEAN_UP] = (given: MiddyRequest = request) => settleRequest(given);
    // After an early answer or an error our other hooks may not be run.
    const isCut = (): boolean => 'earlyResponse' in request || request.error !== undefined;
    const invocation = new Invocation(request.context, checked.margin, isCut);
    const ends = endings.get(request) ?? [];
    endings.set(request, [...ends, () => settleAndEnd(invocation, checked)]);
    invocation.enter();
  }
  async function goldKeyMiddlewareAfter(request: MiddyRequest): Promise<void> {
    await settleRequest(request);
  }
  async function goldKeyMiddlewareOnError(request: MiddyRequest): Promise<void> {
    await settleRequest(request);
  }
  return { before: goldKeyMiddlewareBefore, after: goldKeyMiddlewareAfter, onError: goldKeyMiddlewareOnError };
}

/** Settles and ends each invocation of a request once. */
async function settleRequest(request: MiddyRequest): Promise<void> {
  const ends = endings.get(request) ?? [];
  endings.delete(request);
  await Promise.all(ends.map((end) => end()));
}
