import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import 'lru-cache';
import 'p-retry';
import { request } from 'undici';

export async function first({ url, region, credentials, ciphertext, encryptionContext, keyId, priceUrl }) {
  const client = new KMSClient({ region, endpoint: url, credentials });
  const { Plaintext } = await client.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(ciphertext, 'base64'),
      EncryptionContext: encryptionContext,
      KeyId: keyId,
    }),
  );
  const key = Buffer.from(Plaintext).toString();
  const { body } = await request(`${priceUrl}/latest?access_key=${encodeURIComponent(key)}&base=USD&symbols=XAU`);
  const { rates } = await body.json();
  return rates.USDXAU ?? 1 / rates.XAU;
}
