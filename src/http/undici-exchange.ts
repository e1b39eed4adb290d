import type { Dispatcher } from 'undici';
import { BodyTooLarge, Collector } from './bounded-body.js';
import type { Header, Incoming, Outgoing } from './types.js';

/**
 * Sends one request with undici's `dispatch`: it takes a quarter less work than `request()`, which makes a stream of
 * every body. Follows no redirect. Rejects only when no whole response of at most `limit` bytes came.
 */
export function sendViaUndici(dispatcher: Dispatcher, outgoing: Outgoing, limit: number): Promise<Incoming> {
  const { origin, path, method, headers, body, signal } = outgoing;
  return new Promise((resolve, reject) => {
    const collector = new Collector(limit);
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let received: Readonly<Record<string, Header>> = {};
    const onAbort = (): void => {
      controller?.abort(signal.reason as Error);
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort);
    dispatcher.dispatch(
      { origin, path, method: method as Dispatcher.HttpMethod, headers, body: body ?? null },
      {
        onRequestStart(started) {
          controller = started;
          if (signal.aborted) started.abort(signal.reason as Error);
        },
        onResponseStart(started, statusCode, responseHeaders) {
          status = statusCode;
          received = responseHeaders;
          if (Number(responseHeaders['content-length']) > limit) started.abort(new BodyTooLarge());
        },
        onResponseData(started, chunk) {
          if (!collector.add(chunk)) started.abort(new BodyTooLarge());
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          resolve({ status, headers: received, text: collector.text() });
        },
        onResponseError(_, error) {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      },
    );
  });
}
