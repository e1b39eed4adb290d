import { isGoldKeyError } from 'goldkey';
import { SignatureError } from 'goldkey/hmac';

/** Returns the answer to a request that was not verified. Other errors have none. */
export function toAnswer(error) {
  if (error instanceof SignatureError) {
    // Of these another key is no cure; the signer's fetch reads its key again at each 401.
    const isForbidden = ['uncovered', 'digest', 'replayed'].includes(error.reason);
    return { status: isForbidden ? 403 : 401, body: { error: error.reason, message: error.message } };
  }
  return isGoldKeyError(error) ? { status: error.retryable ? 503 : 500, body: { error: error.code } } : undefined;
}
