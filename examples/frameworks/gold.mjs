// What the frameworks' examples share: one client for the process, and what a failed call is answered with.
//
//   GOLD_API_KEY_CIPHERTEXT   what `npx goldkey encrypt` printed
//   PRICE_API_URL             optional
import { GoldDataClient, isGoldKeyError } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

export const gold = new GoldDataClient({
  keyProvider: fromKmsLight({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

/** Returns the answer to a call that failed: 503 where waiting helps, and for how long; 502 elsewhere. Other errors have none. */
export function toAnswer(error) {
  if (!isGoldKeyError(error)) return undefined;
  const { code, retryable, retryAfter } = error;
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1_000)) };
  return { status: retryable ? 503 : 502, headers, body: { error: code } };
}

/** Returns a signal that aborts when the user has gone away, or has the answer. */
export function untilClosed(response) {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}
