// What a careful author writes without a library: one Decrypt call, and the key in a variable for good.
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { fetchPrice } from './fetch-price.mjs';

const kms = new KMSClient({});
let key;

export async function handler({ symbol }) {
  key ??= await decrypt();
  return fetchPrice(symbol, key);
}

async function decrypt() {
  const { Plaintext } = await kms.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(process.env.GOLD_API_KEY_CIPHERTEXT, 'base64'),
      EncryptionContext: { service: 'gold-data-stream', environment: 'production' },
      KeyId: process.env.KMS_KEY_ID,
    }),
  );
  return Buffer.from(Plaintext).toString();
}
