import type { DecryptRequest, DecryptResponse } from '@aws-sdk/client-kms';
import type { AwsCallOptions } from '../../../aws/call.js';
import { noteAwsRequest, type AwsAnswer } from '../../../aws/note-request.js';
import { copyBytes, KeyProviderError } from '../../../core/index.js';
import { headerHint } from '../ciphertext-header.js';
import type { DecryptOrder } from '../ciphertext-provider.js';
import { AWS_KMS, type KmsCall } from './errors.js';
import { checkUsedKey, type PinnedKey } from './pinned-key.js';

/** KMS's answer to Decrypt, with its name for the request. */
export type DecryptAnswer = DecryptResponse & AwsAnswer;

/** Sends Decrypt, and throws errors of goldkey. */
export type SendDecrypt = (
  input: DecryptRequest & { readonly CiphertextBlob: Uint8Array },
  call: KmsCall,
  options: AwsCallOptions<DecryptResponse>,
) => Promise<DecryptAnswer>;

/** Decrypts under the pinned key. The plaintext is returned in memory that nothing else shares; the SDK's is zeroed. */
export async function decryptWithKey(send: SendDecrypt, key: PinnedKey, order: DecryptOrder): Promise<Uint8Array> {
  const { ciphertext, context, version, signal, clock } = order;
  const { keyId, grantTokens } = key;
  const answer = await send(
    { CiphertextBlob: ciphertext, EncryptionContext: context, KeyId: keyId, GrantTokens: grantTokens },
    { operation: 'Decrypt', keyId, context, version, hint: headerHint(ciphertext) },
    { signal, clock, discard: (late) => late.Plaintext?.fill(0) },
  );
  const { Plaintext: plaintext, KeyId: usedKey } = answer;
  try {
    if (plaintext === undefined || plaintext.byteLength === 0) {
      throw new KeyProviderError(
        'AWS KMS answered Decrypt without a plaintext; a client that sends a `Recipient` (a Nitro enclave) gets a CiphertextForRecipient instead, which is not supported.',
        { provider: AWS_KMS, version },
      );
    }
    checkUsedKey(key, usedKey, version);
    // The SDK's bytes may lie in Node's pool.
    return noteAwsRequest(copyBytes(plaintext), answer, usedKey);
  } finally {
    plaintext?.fill(0);
  }
}
