// lambda-handler.mjs for shorter cold starts: goldkey signs the one request itself and does not load the AWS SDK.
//
//   GOLD_API_KEY_CIPHERTEXT   what `npx goldkey encrypt` printed; the role needs kms:Decrypt on the key
//   PRICE_API_URL             optional
import { GoldDataClient } from 'goldkey';
import { fromKmsLight } from 'goldkey/kms-light';
import { metalsApi } from 'goldkey/prices';

const gold = new GoldDataClient({
  keyProvider: fromKmsLight({
    ciphertext: process.env.GOLD_API_KEY_CIPHERTEXT,
    encryptionContext: { service: 'gold-data-stream', environment: 'production' },
    keyId: 'alias/gold-api-keys',
  }),
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});

/** Time of the invocation that is kept for the answer. */
const MARGIN_MS = 500;

export async function handler(event, context) {
  try {
    const timeout = Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS);
    const { metal, price, currency, timestamp } = await gold.getPrice(event.symbol ?? 'XAU', { timeout });
    // Return only what the caller needs: a result may be stored.
    return { metal, price, currency, timestamp };
  } finally {
    // A background load would be frozen with the environment, half done.
    await gold.settled();
  }
}
