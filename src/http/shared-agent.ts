import { NodeHttp } from './node-http.js';

const CONNECTIONS = 50;
const shared = new Map<string, { readonly http: NodeHttp; users: number }>();

/** Connections to one origin that every user of it shares; they end with the last one's `release`. */
export function sharedHttp(origin: string): { readonly http: NodeHttp; release(): void } {
  let entry = shared.get(origin);
  if (entry === undefined) {
    entry = { http: new NodeHttp(origin, { maxSockets: CONNECTIONS }), users: 0 };
    shared.set(origin, entry);
  }
  const mine = entry;
  mine.users++;
  return {
    http: mine.http,
    release() {
      if (--mine.users > 0) return;
      shared.delete(origin);
      mine.http.close();
    },
  };
}
