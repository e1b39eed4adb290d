import { isGoldKeyError, parseRetryAfter, systemClock, type Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { sendByDispatcher } from '../../http/dispatcher.js';
import { NodeHttp } from '../../http/node-http.js';
import { firstHeaderValue } from '../../http/types.js';
import { withDeadline } from '../../util/deadline.js';
import { readClientCertificate, type ClientCertificate } from './client-certificate.js';
import { createNetworkFailure, readNodeState, VaultFailure, type VaultOperation } from './errors.js';
import type { VaultSettings } from './options.js';

/** One request to Vault. */
export interface VaultRequest extends VaultOperation {
  readonly method: 'GET' | 'LIST' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below `/v1/`, encoded, with its query, e.g. `secret/data/gold?version=2`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Ends the request with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Carries timeouts and pauses, and measures a token's age. Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Whether the request may be sent twice. If not, it is not retried after a failure that leaves open whether Vault has
   * carried it out. Default: true for GET and LIST.
   */
  readonly idempotent?: boolean | undefined;
  /**
   * Statuses beside 2xx that are returned rather than thrown. Default: 404, which can mean absent, deleted or hidden, as
   * the body tells.
   */
  readonly accept?: readonly number[] | undefined;
}

/** Vault's answer. */
export interface VaultResponse {
  readonly status: number;
  /** Parsed JSON, `undefined` if the body is empty. */
  readonly body: unknown;
}

const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 1_048_576;
const MAX_SOCKETS = 16;
/** Stands for a body that is not JSON. */
const NOT_JSON = Symbol('not JSON');

/**
 * Returns a function that sends a request once, and rejects with a {@link VaultFailure} or the signal's reason. Idle
 * connections do not keep the process alive, and `closing` ends all.
 */
export function createSend(
  { address, auth, namespace, ca, dispatcher }: VaultSettings,
  closing: AbortSignal,
): (request: VaultRequest, token?: string) => Promise<VaultResponse> {
  const { origin, pathname } = address;
  const basePath = `${pathname.replace(/\/+$/, '')}/v1/`;
  const connections = new Connections(origin, ca);
  // Running requests reject by the same signal.
  closing.addEventListener('abort', () => connections.close(), { once: true });

  return async (request, token) => {
    const { operation, method, path, body, headers, signal, clock = systemClock, accept = [404] } = request;
    const { needs, loginOptions } = request;
    // Not `request` itself, which holds secrets.
    const about: VaultOperation = { operation, method, path: path.replace(/\?.*$/s, ''), needs, loginOptions };
    let sent = false;
    const late = (): Error => new VaultFailure('timeout', about, { sent });
    const outgoing = {
      origin,
      path: `${basePath}${path}`,
      method,
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
    const isLogin = loginOptions !== undefined;
    const incoming = await withDeadline(limits, async (deadline) => {
      const toSend = { ...outgoing, signal: deadline };
      try {
        if (isLogin && auth.method === 'cert') connections.identify(await readClientCertificate(auth));
        if (dispatcher === undefined) return await connections.http.send(toSend, MAX_BODY_BYTES);
        sent = true;
        return await sendByDispatcher(dispatcher, toSend, MAX_BODY_BYTES);
      } catch (error) {
        if (deadline.aborted) throw deadline.reason;
        if (error instanceof VaultFailure || isGoldKeyError(error)) throw error;
        if (error instanceof BodyTooLarge) throw new VaultFailure('too-large', about, { sent });
        throw createNetworkFailure(about, error, sent);
      }
    });
    const { status } = incoming;
    const response = { status, body: parseJson(incoming.text) };
    const isSuccess = status >= 200 && status < 300;
    const isAccepted = isSuccess || accept.includes(status);
    // A proxy's page must not count as Vault's 404 or 403, which would drop a key in use: Vault always sends JSON.
    const isFromVault = typeof response.body === 'object' || (isSuccess && response.body === undefined);
    if (!isFromVault && (isAccepted || status === 403)) throw new VaultFailure('unreadable', about, { status });
    if (isAccepted) return response;
    if (status >= 300 && status < 400) throw new VaultFailure('redirect', about, { status });
    const retryAfter = parseRetryAfter(firstHeaderValue(incoming.headers['retry-after']), clock.now());
    throw new VaultFailure('status', about, { status, state: readNodeState(response.body), retryAfter });
  };
}

/** The connections to one server. They bring a client certificate once there is one. */
class Connections {
  http: NodeHttp;
  readonly #origin: string;
  readonly #tls: { readonly ca?: string };
  #certificate: ClientCertificate | undefined;
  /** Still serves requests that were sent before the certificate was replaced. */
  #replaced: NodeHttp | undefined;

  constructor(origin: string, ca: string | undefined) {
    this.#origin = origin;
    this.#tls = ca === undefined ? {} : { ca };
    this.http = new NodeHttp(origin, { maxSockets: MAX_SOCKETS, ...this.#tls });
  }

  /** Makes new connections if the certificate is another one than before. */
  identify(certificate: ClientCertificate): void {
    if (this.#certificate?.cert === certificate.cert && this.#certificate.key === certificate.key) return;
    this.#certificate = certificate;
    this.#replaced?.close();
    this.#replaced = this.http;
    this.http = new NodeHttp(this.#origin, { maxSockets: MAX_SOCKETS, ...this.#tls, ...certificate });
  }

  close(): void {
    this.http.close();
    this.#replaced?.close();
  }
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

type JsonObject = Readonly<Record<string, unknown>>;

/** Returns the object under `name` in parsed JSON, `undefined` if there is none. */
export function getObject(value: unknown, name: string): JsonObject | undefined {
  const found = typeof value === 'object' && value !== null ? (value as JsonObject)[name] : undefined;
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as JsonObject) : undefined;
}
