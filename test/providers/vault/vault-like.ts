import type { ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../../../src/core/index.js';
import { send, startLoopbackServer, type LoopbackRequest } from '../../../src/testing/http/loopback-server.js';

/** What a request brought, as far as the tests ask. */
export interface Seen {
  readonly request: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** An answer, or what to do in place of one. */
export type Reply =
  | { status: number; body?: unknown; text?: string; headers?: Readonly<Record<string, string>> }
  | ((response: ServerResponse, seen: Seen) => void);

/** A server that answers each path with what is lined up for it, the last of that for ever. */
export interface VaultLike extends AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[];
  /** `METHOD path`, without `/v1/`, of every request so far. */
  readonly requests: readonly string[];
  on(path: string, ...replies: readonly Reply[]): void;
  reset(): void;
}

export async function vaultLike(): Promise<VaultLike> {
  const lines = new Map<string, Reply[]>();
  const seen: Seen[] = [];
  const answer = async (
    { method, target, headers, body }: LoopbackRequest,
    response: ServerResponse,
  ): Promise<void> => {
    const path = target.replace(/^.*\/v1\//, '');
    const about: Seen = {
      request: `${method} ${path}`,
      headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values?.join(', ')])),
      body: body.length === 0 ? undefined : JSON.parse(body.toString()),
    };
    seen.push(about);
    const line = lines.get(path) ?? [];
    const reply = line.length > 1 ? line.shift() : line[0];
    if (typeof reply === 'function') return reply(response, about);
    const { status, body: json, text, headers: more = {} } = reply ?? { status: 404, body: { errors: [] } };
    send(response, status, more, text ?? (json === undefined ? '' : JSON.stringify(json)));
  };
  const server = await startLoopbackServer(0, answer);
  return {
    url: server.url,
    seen,
    get requests() {
      return seen.map(({ request }) => request);
    },
    on: (path, ...replies) => void lines.set(path, [...replies]),
    reset() {
      lines.clear();
      seen.length = 0;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** What Vault says of an error. */
export const errors = (status: number, ...texts: string[]): Reply => ({ status, body: { errors: texts } });

/** Denies one token, and has nothing against any other. */
export const denying =
  (token: string): Reply =>
  (response, { headers }) => {
    const denied = headers['x-vault-token'] === token;
    send(response, denied ? 403 : 200, {}, JSON.stringify(denied ? { errors: ['permission denied'] } : { data: {} }));
  };

/** What Vault answers to a login or a renewal. */
export const granted = (token: string, seconds = 3_600, renewable = true): Reply => ({
  status: 200,
  body: { auth: { client_token: token, lease_duration: seconds, renewable } },
});

/** A clock whose pauses between tries pass at once; what waits for an answer, which takes 2 s and more, keeps its time. */
export const pauseless: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  setTimeout: (callback, ms, options) => systemClock.setTimeout(callback, ms < 2_000 ? 0 : ms, options),
};
