// Two accounts at two price APIs, each with its own key. The second is asked while the first is down, has used up its
// volume, or refuses its key.
//
//   FIRST_KEY_CIPHERTEXT, SECOND_KEY_CIPHERTEXT   what `goldkey encrypt` printed for each key
//   FIRST_API_URL, SECOND_API_URL                 optional
import { GoldDataClient } from 'goldkey';
import { fromKms } from 'goldkey/kms';
import { firstAvailable, goldApi, metalsApi } from 'goldkey/prices';

const client = (name, ciphertext, api) =>
  new GoldDataClient({
    name,
    keyProvider: fromKms({
      ciphertext,
      encryptionContext: { service: 'gold-data-stream', environment: 'production' },
      keyId: 'alias/gold-api-keys',
    }),
    ...api,
    // There is another client to ask: one retry is enough.
    retry: { retries: 1 },
  });

const { FIRST_KEY_CIPHERTEXT, SECOND_KEY_CIPHERTEXT, FIRST_API_URL, SECOND_API_URL } = process.env;
const gold = firstAvailable(
  [
    client('first', FIRST_KEY_CIPHERTEXT, metalsApi({ baseUrl: FIRST_API_URL })),
    client('second', SECOND_KEY_CIPHERTEXT, goldApi({ baseUrl: SECOND_API_URL })),
  ],
  { timeout: 8_000 },
);

try {
  const { metal, price, currency, source } = await gold.getPrice('XAU');
  console.log(`${metal} ${price.toFixed(2)} ${currency} (${source})`);
} catch (error) {
  // One line that names them all; the error of each client is in error.cause.errors.
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await gold.close();
}
