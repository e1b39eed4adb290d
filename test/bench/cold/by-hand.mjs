import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';

export async function first({ url, region, credentials, ciphertext, encryptionContext, keyId }) {
  const client = new KMSClient({ region, endpoint: url, credentials });
  const { Plaintext } = await client.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(ciphertext, 'base64'),
      EncryptionContext: encryptionContext,
      KeyId: keyId,
    }),
  );
  return Buffer.from(Plaintext).toString().length;
}
