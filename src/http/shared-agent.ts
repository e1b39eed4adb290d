import { NodeHttp } from './node-http.js';

const MAX_CONNECTIONS = 50;
const shared = new Map<string, { readonly http: NodeHttp; users: number }>();

/** Returns the connections to one origin that all its users share. They end with the last user's `release`. */
export function acquireHttp(origin: string): { readonly http: NodeHttp; release(): void } {
  const entry = shared.get(origin) ?? { http: new NodeHttp(origin, { maxSockets: MAX_CONNECTIONS }), users: 0 };
  shared.set(origin, entry);
  entry.users++;
  return {
    http: entry.http,
    release() {
      if (--entry.users > 0) return;
      shared.delete(origin);
      entry.http.close();
    },
  };
}
