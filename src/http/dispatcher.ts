import type { Dispatcher } from 'undici';
import { describeType, invalidType, type CancellationSignal } from '../core/index.js';
import { readBody } from './bounded-body.js';
import type { Incoming, Outgoing } from './types.js';

/** Checks the `dispatcher` option. */
export function checkDispatcher(dispatcher: unknown): Dispatcher | undefined {
  if (dispatcher === undefined || typeof (dispatcher as Partial<Dispatcher> | null)?.request === 'function')
    return dispatcher as Dispatcher | undefined;
  throw invalidType(`\`dispatcher\` must be an undici Dispatcher, got ${describeType(dispatcher)}.`);
}

/** Sends a request by the caller's dispatcher. Rejects when no whole response of at most `limit` bytes came. */
export async function sendByDispatcher(dispatcher: Dispatcher, outgoing: Outgoing, limit: number): Promise<Incoming> {
  const { origin, path, method, headers, body, signal } = outgoing;
  // Another version of undici may differ in its handlers of `dispatch`.
  const response = await dispatcher.request({
    origin,
    path,
    method: method as Dispatcher.HttpMethod,
    headers,
    body: body ?? null,
    signal: createAbortSignal(signal),
  });
  const text = await readBody(response.body, limit);
  return { status: response.statusCode, headers: response.headers, text };
}

/** Creates a platform signal, for code that is not goldkey's. */
export function createAbortSignal(cancellation: CancellationSignal): AbortSignal {
  const ending = new AbortController();
  if (cancellation.aborted) ending.abort(cancellation.reason);
  cancellation.addEventListener('abort', () => void ending.abort(cancellation.reason));
  return ending.signal;
}
