import { systemClock, type Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { NodeHttp } from '../../http/node-http.js';
import { firstHeaderValue } from '../../http/types.js';
import { withDeadline } from '../../util/deadline.js';
import { createNetworkFailure, createStatusFailure, VaultFailure, type VaultOperation } from './failures.js';
import type { VaultSettings } from './options.js';

/** One try of a request. */
export interface VaultTry {
  readonly request: VaultOperation;
  /** Path below `/v1/` with its query. Default: that of `request`. */
  readonly path?: string | undefined;
  /** Sent as JSON. */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Not given for a login. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** Statuses beside 2xx that are returned rather than thrown. */
  readonly accept?: readonly number[] | undefined;
}

/** Vault's answer. */
export interface VaultResponse {
  readonly status: number;
  /** Parsed JSON, `undefined` if the body is empty. */
  readonly body: unknown;
}

/** Sends one request once. Rejects with a {@link VaultFailure} or the signal's reason. */
export type SendToVault = (attempt: VaultTry) => Promise<VaultResponse>;

const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 1_048_576;
const MAX_SOCKETS = 16;
/** Stands for a body that is not JSON. */
const NOT_JSON = Symbol('not JSON');

/** Returns the HTTP client of one Vault. Idle connections do not keep the process alive, and `closing` ends all. */
export function createSend({ address, namespace, ca }: VaultSettings, closing: AbortSignal): SendToVault {
  const { origin, pathname } = address;
  const basePath = `${pathname.replace(/\/+$/, '')}/v1/`;
  const http = new NodeHttp(origin, { maxSockets: MAX_SOCKETS, ca });
  // Running requests reject by the same signal.
  closing.addEventListener('abort', () => http.close(), { once: true });

  return async ({ request, path = request.path, body, headers, token, signal, clock, accept = [] }) => {
    let sent = false;
    const late = (): Error => new VaultFailure('timeout', request, { sent });
    const outgoing = {
      origin,
      path: `${basePath}${path}`,
      method: request.method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        // A Vault Agent in between may require it as a protection against requests forged by a browser.
        'X-Vault-Request': 'true',
        ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
        ...(token === undefined ? {} : { 'X-Vault-Token': token }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      onSent: () => {
        sent = true;
      },
      // A socket connects in real time, whatever `clock` says.
      connect: { ms: CONNECT_TIMEOUT_MS, clock: systemClock, late },
    };
    const limits = { ms: REQUEST_TIMEOUT_MS, clock, late, signals: [signal, closing] };
    const incoming = await withDeadline(limits, async (deadline) => {
      try {
        return await http.send({ ...outgoing, signal: deadline }, MAX_BODY_BYTES);
      } catch (error) {
        if (deadline.aborted) throw deadline.reason;
        if (error instanceof VaultFailure) throw error;
        if (error instanceof BodyTooLarge) throw new VaultFailure('too-large', request, { sent });
        throw createNetworkFailure(request, error, sent);
      }
    });
    const { status } = incoming;
    const response = { status, body: parseJson(incoming.text) };
    const isSuccess = status >= 200 && status < 300;
    const isAccepted = isSuccess || accept.includes(status);
    // A proxy's page must not count as Vault's 404 or 403, which would drop a key in use: Vault always sends JSON.
    const isFromVault = typeof response.body === 'object' || (isSuccess && response.body === undefined);
    if (!isFromVault && (isAccepted || status === 403)) throw new VaultFailure('unreadable', request, { status });
    if (isAccepted) return response;
    throw createStatusFailure(request, response, firstHeaderValue(incoming.headers['retry-after']), clock.now());
  };
}

/** Parses without throwing: the parser's error quotes the text. */
function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}
