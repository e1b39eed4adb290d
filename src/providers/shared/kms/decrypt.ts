import {
  invalidRange,
  invalidType,
  KeyDecryptError,
  describeType,
  KeyProviderError,
  checkOptionalString,
  type EncryptionContext,
} from '../../../core/index.js';
import type { AwsCallOptions } from '../../../aws/call.js';
import type { DecryptOrder } from '../ciphertext-provider.js';
import { AWS_KMS, type KmsCall } from './errors.js';
import { headerHint } from '../ciphertext-header.js';
import { isAlias, mayBeSameKey } from './key-id.js';

/** The one KMS key that is used, as the user named it. */
export interface PinnedKey {
  readonly keyId: string | undefined;
  readonly grantTokens: readonly string[] | undefined;
}

/** What Decrypt is asked, in the words of its API. */
export interface DecryptInput {
  readonly CiphertextBlob: Uint8Array;
  readonly EncryptionContext: EncryptionContext;
  readonly KeyId?: string;
  readonly GrantTokens?: string[];
}

/** What Decrypt answers. The plaintext is zeroed by whoever reads it. */
export interface DecryptAnswer {
  readonly Plaintext?: Uint8Array | undefined;
  readonly KeyId?: string | undefined;
}

/** Asks KMS to decrypt; what it fails with is one of our errors. */
export type AskKms = (
  input: DecryptInput,
  call: KmsCall,
  options: AwsCallOptions<DecryptAnswer>,
) => Promise<DecryptAnswer>;

/** Checks what names the key. */
export function pinnedKey(options: { keyId?: unknown; grantTokens?: unknown }): PinnedKey {
  const keyId = checkOptionalString('keyId', options.keyId);
  if (keyId?.startsWith('arn:') === true && keyId.split(':')[2] !== 'kms') {
    throw invalidRange('`keyId` must be the ARN, id or alias of a KMS key; this ARN is of another service.');
  }
  const { grantTokens } = options;
  if (grantTokens === undefined) return { keyId, grantTokens };
  if (Array.isArray(grantTokens) && grantTokens.every((token) => typeof token === 'string')) {
    return { keyId, grantTokens: [...grantTokens] };
  }
  throw invalidType(`\`grantTokens\` must be an array of strings, got ${describeType(grantTokens)}.`);
}

/** Decrypts under the pinned key. The plaintext is handed over in a buffer of its own; the client's is zeroed. */
export async function decrypted(ask: AskKms, key: PinnedKey, order: DecryptOrder): Promise<Uint8Array> {
  const { ciphertext, context, version, signal, clock } = order;
  const { keyId } = key;
  const { Plaintext: plaintext, KeyId: answered } = await ask(
    {
      CiphertextBlob: ciphertext,
      EncryptionContext: context,
      ...(keyId === undefined ? {} : { KeyId: keyId }),
      ...grants(key),
    },
    { operation: 'Decrypt', keyId, context, version, hint: headerHint(ciphertext) },
    { signal, clock, discard: (late) => late.Plaintext?.fill(0) },
  );
  try {
    if (plaintext === undefined || plaintext.byteLength === 0) {
      throw new KeyProviderError(
        'AWS KMS answered Decrypt without a plaintext; a client that sends a `Recipient` (a Nitro enclave) gets a CiphertextForRecipient instead, which is not supported.',
        { provider: AWS_KMS, version },
      );
    }
    checkAnswer(keyId, answered, version);
    // A copy made by hand: `slice` on a Buffer would share its memory, and the client's bytes may lie in Node's pool.
    const own = new Uint8Array(plaintext.byteLength);
    own.set(plaintext);
    return own;
  } finally {
    plaintext?.fill(0);
  }
}

/** KMS says which key it used. It is asked to use one only, but a proxy or a stand-in may not care. */
export function checkAnswer(
  keyId: string | undefined,
  answered: string | undefined,
  version: string | undefined,
): void {
  if (keyId === undefined || isAlias(keyId)) return;
  if (answered !== undefined && mayBeSameKey(keyId, answered)) return;
  throw new KeyDecryptError(
    `AWS KMS used ${answered === undefined ? 'a key it did not name' : `the key \`${answered}\``}, not \`${keyId}\` as \`keyId\` demands.`,
    { provider: AWS_KMS, version },
  );
}

/** The grant tokens, as a request has them. */
export function grants({ grantTokens }: PinnedKey): { GrantTokens?: string[] } {
  return grantTokens === undefined ? {} : { GrantTokens: [...grantTokens] };
}
