// The Lambda function behind a secret's rotation schedule: Secrets Manager calls it four times per rotation.
//
//   NEXT_KEY        stands in for the vendor who mints keys
//   PRICE_API_URL   optional
// Its role needs secretsmanager:DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage on the secret.
import { metalsApi } from 'goldkey/prices';
import { rotationHandler } from 'goldkey/secrets-manager';

const { fetchPrice } = metalsApi({ baseUrl: process.env.PRICE_API_URL });

export const handler = rotationHandler({
  // Ask the vendor with the current key. It must give the same key for the same rotationId: the step may run twice.
  mintKey: async (current, { rotationId }) => process.env.NEXT_KEY ?? `${current}-${rotationId}`,
  // A price proves that the API honours the key; an error keeps the old key in use.
  testKey: async (apiKey, { signal }) => void (await fetchPrice('XAU', /** @type {any} */ ({ apiKey, signal }))),
  field: 'apiKey',
});
