// What the signed services share: one client and one verifier for the process.
//
//   SIGNING_KEY_FILE   the key, in a file of its own
//   ORIGIN             the service's own address, as its callers write it, e.g. https://orders.example
import { KeyedClient } from 'goldkey';
import { fromFile } from 'goldkey/file';
import { hmacVerifier } from 'goldkey/hmac';

export const client = new KeyedClient({ keyProvider: fromFile({ path: process.env.SIGNING_KEY_FILE }) });
const verifier = hmacVerifier(client);

/** Verifies a request: `target` is its path and query as they came, and `body` its bytes. */
export async function verify({ method, target, headers, body }) {
  // The origin is the service's own: the sender chooses what `host` says.
  return verifier.verify({ method, url: `${process.env.ORIGIN}${target}`, headers, body });
}
