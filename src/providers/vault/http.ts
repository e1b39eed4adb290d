import type { Dispatcher } from 'undici';
import type { Clock } from '../../core/index.js';
import { BodyTooLarge } from '../../http/bounded-body.js';
import { sendViaUndici as dispatched } from '../../http/undici-exchange.js';
import { firstHeaderValue as firstOf } from '../../http/types.js';
import { loadUndici } from '../../http/load-undici.js';
import { networkFault, statusFault, VaultFault, type VaultCall } from './failures.js';
import type { VaultSettings } from './settings.js';
import { withDeadline } from '../../util/deadline.js';

/** One request, before its token. */
export interface VaultOutgoing {
  readonly call: VaultCall;
  /** The call's path with its query. Default: without one. */
  readonly path?: string | undefined;
  /** Sent as JSON. */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Without one, as a login is. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** Statuses beside 2xx that are an answer and no fault. */
  readonly accept?: readonly number[] | undefined;
}

/** What Vault answered: its JSON, `undefined` where there was none. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request, one answer; rejects with a {@link VaultFault} or the signal's reason. */
export type Exchange = (outgoing: VaultOutgoing) => Promise<VaultAnswer>;

const CONNECT_TIMEOUT = 1_000;
const REQUEST_TIMEOUT = 2_000;
const MAX_BODY_BYTES = 1_048_576;
const CONNECTIONS = 16;
/** In place of a body that is no JSON. */
const UNREADABLE = Symbol('unreadable');

/** Loads the transport; a connection is made by the first request. Idle ones hold no process, `closing` ends them all. */
export async function vaultWire({ address, namespace, ca }: VaultSettings, closing: AbortSignal): Promise<Exchange> {
  const { Pool } = await loadUndici();
  const { origin, pathname } = address;
  const base = `${pathname.replace(/\/+$/, '')}/v1/`;
  const pool: Dispatcher = new Pool(origin, {
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT, ...(ca === undefined ? {} : { ca }) },
  });
  // The exchanges under way end by the same signal, each with its reason.
  closing.addEventListener('abort', () => void pool.destroy(), { once: true });

  return async (outgoing) => {
    const { call, body, token, signal, clock, accept = [], path = call.path } = outgoing;
    const headers = {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...outgoing.headers,
      // An agent in between may insist on it, so that no page in a browser can use it.
      'X-Vault-Request': 'true',
      ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
      ...(token === undefined ? {} : { 'X-Vault-Token': token }),
    };
    const { method } = call;
    const text = body === undefined ? undefined : JSON.stringify(body);
    let sent = false;
    const late = (): Error => new VaultFault('timeout', call, { sent });
    const limits = { ms: REQUEST_TIMEOUT, clock, late, signals: [signal, closing] };
    const answer = await withDeadline(limits, async (ended) => {
      const onSent = (): void => {
        sent = true;
      };
      try {
        const request = { origin, path: `${base}${path}`, method, headers, body: text, signal: ended, onSent };
        return await dispatched(pool, request, MAX_BODY_BYTES);
      } catch (error) {
        if (ended.aborted) throw ended.reason;
        if (error instanceof BodyTooLarge) throw new VaultFault('too-large', call, { sent });
        throw networkFault(call, error, sent);
      }
    });
    return judged(answer, call, accept);
  };
}

function judged(
  { status, headers, text }: Awaited<ReturnType<typeof dispatched>>,
  call: VaultCall,
  accept: readonly number[],
): VaultAnswer {
  const body = parsed(text);
  const succeeded = status >= 200 && status < 300;
  const isAnswer = succeeded || accept.includes(status);
  // A proxy's own page, or none, must pass neither for Vault's word that there is nothing nor for its refusal, by which a
  // key in use is dropped: Vault always brings its JSON.
  const isVaults = typeof body === 'object' || (succeeded && body === undefined);
  if (!isVaults && (isAnswer || status === 403)) throw new VaultFault('unreadable', call, { status });
  if (!isAnswer) throw statusFault(call, status, body, firstOf(headers['retry-after']));
  return { status, body };
}

/** Never the parser's error: it quotes the text. */
function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
}
