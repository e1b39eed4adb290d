import type { KeyMetadata } from '@aws-sdk/client-kms';
import { allowErrors } from '../../aws/failures.js';
import type { EncryptionContext } from '../../core/index.js';
import type { KmsKey } from './client.js';

/** A call that is tried without being made. */
export interface DryRun {
  readonly operation: 'Decrypt' | 'Encrypt';
  readonly context: EncryptionContext;
  /** For services that know no dry run without one. */
  readonly ciphertext?: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

type Key = Pick<KmsKey, 'connection' | 'keyId'>;

/** Returns what KMS tells of a key, which needs kms:DescribeKey. Internal: for the command line. */
export async function describeKmsKey(
  { connection, keyId }: Key,
  signal: AbortSignal | undefined,
): Promise<KeyMetadata> {
  const { KeyMetadata: metadata = { KeyId: undefined } } = await connection.call(
    { operation: 'DescribeKey', keyId },
    (sdk, client, http) => client.send(new sdk.DescribeKeyCommand({ KeyId: keyId }), http),
    { signal },
  );
  return metadata;
}

/**
 * Resolves to true if KMS would allow a call, and to `undefined` if the service knows no dry runs: what it returned is zeroed.
 * Internal: for the command line.
 */
export async function tryKmsCall({ connection, keyId }: Key, dryRun: DryRun): Promise<true | undefined> {
  const { operation, context, ciphertext, signal } = dryRun;
  const input = { KeyId: keyId, EncryptionContext: context, DryRun: true };
  type Answer = { readonly Plaintext?: Uint8Array | undefined } | undefined;
  const zero = (answer: Answer): void => void answer?.Plaintext?.fill(0);
  const answer = await connection.call<Answer>(
    { operation, keyId, context },
    async (sdk, client, http) => {
      if (operation === 'Encrypt') {
        const command = new sdk.EncryptCommand({ ...input, Plaintext: Buffer.from('a probe') });
        return (await allowErrors(client.send(command, http), ALLOWED)) && {};
      }
      const command = new sdk.DecryptCommand({
        ...input,
        CiphertextBlob: ciphertext,
        // Needs the key's id: the permission alone counts, not the ciphertext.
        ...(keyId !== undefined && { DryRunModifiers: ['IGNORE_CIPHERTEXT'] }),
      });
      return allowErrors(client.send(command, http), ALLOWED);
    },
    { signal, discard: zero },
  );
  zero(answer);
  return answer === undefined ? true : undefined;
}

/** The error of a dry run whose call would have succeeded. */
const ALLOWED = ['DryRunOperationException'];
