// What the examples of signing share: one client and one verifier for the process, and the answer to a bad signature.
//
//   SIGNING_KEY_FILE   the key, in a file of its own
//   ORIGIN             the service's own address, as its callers write it, e.g. https://orders.example
import { isGoldKeyError, KeyedClient } from 'goldkey';
import { fromFile } from 'goldkey/file';
import { hmacVerifier, SignatureError } from 'goldkey/hmac';

export const client = new KeyedClient({ keyProvider: fromFile({ path: process.env.SIGNING_KEY_FILE }) });
const verifier = hmacVerifier(client);

/** Verifies a request: `target` is its path and query as they came, and `body` its bytes. */
export async function verify({ method, target, headers, body }) {
  // The origin is the service's own: the sender chooses what `host` says.
  return verifier.verify({ method, url: `${process.env.ORIGIN}${target}`, headers, body });
}

/** Returns the answer to a request that was not verified. Other errors have none. */
export function toAnswer(error) {
  if (error instanceof SignatureError) {
    // Of these another key is no cure; the signer's fetch reads its key again at each 401.
    const isForbidden = ['uncovered', 'digest', 'replayed'].includes(error.reason);
    return { status: isForbidden ? 403 : 401, body: { error: error.reason, message: error.message } };
  }
  return isGoldKeyError(error) ? { status: error.retryable ? 503 : 500, body: { error: error.code } } : undefined;
}
