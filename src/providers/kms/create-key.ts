import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { allowErrors, classifyAwsError } from '../../aws/failures.js';
import {
  checkOptionalString,
  invalidRange,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyProviderError,
} from '../../core/index.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { connectToKms } from './client.js';

/** Options of {@link createKmsKey}. */
export interface CreateKmsKeyOptions extends AwsConnectionOptions {
  /** `alias/…`, the name of the key. */
  alias: string;
  /** Ends the work. What KMS has created by then stays. */
  signal?: AbortSignal | undefined;
}

/** The key behind the alias. */
export interface CreatedKmsKey {
  arn: string;
  /** False if the alias existed before, or another process was faster. */
  created: boolean;
  /** ARN of a key that was created here and lost the race for the alias. It is unused, and costs money until deleted. */
  orphan?: string | undefined;
}

/**
 * Returns the KMS key of an alias, and creates both if the alias does not exist. Safe to run twice, also at once: the
 * alias decides, and no key is deleted and no alias moved. Internal: the command line's `create-key`.
 */
export async function createKmsKey(options: CreateKmsKeyOptions): Promise<CreatedKmsKey> {
  const { signal } = options;
  const alias = checkOptionalString('alias', options.alias) ?? '';
  if (!/^alias\/[\w/-]{1,250}$/.test(alias) || alias.startsWith('alias/aws/')) {
    throw invalidRange(
      '`alias` must be `alias/` and letters, digits, `/`, `_` or `-`, and not begin with `alias/aws/`.',
    );
  }
  const connection = connectToKms(options);
  try {
    const existing = await findAlias(connection, alias, signal);
    if (existing !== undefined) return { arn: existing, created: false };
    const created = await connection.call(
      { operation: 'CreateKey', keyId: alias },
      (sdk, client, http) =>
        client.send(
          new sdk.CreateKeyCommand({
            Description: `goldkey: encrypts API keys (${alias})`,
            KeySpec: 'SYMMETRIC_DEFAULT',
            KeyUsage: 'ENCRYPT_DECRYPT',
            Tags: [{ TagKey: 'created-by', TagValue: 'goldkey' }],
          }),
          http,
        ),
      // A retry after a lost answer would leave a second key behind.
      { signal, retries: 0 },
    );
    const { Arn: arn, KeyId: keyId = arn } = readMetadata(created, 'CreateKey');
    try {
      await connection.call(
        { operation: 'CreateAlias', keyId: alias },
        (sdk, client, http) => client.send(new sdk.CreateAliasCommand({ AliasName: alias, TargetKeyId: keyId }), http),
        { signal },
      );
      return { arn, created: true };
    } catch (error) {
      const isTaken = isGoldKeyError(error) && classifyAwsError(error.cause).name === 'AlreadyExistsException';
      const taken = isTaken ? await findAlias(connection, alias, signal) : undefined;
      // The alias is ours if the answer to our own CreateAlias was lost and the request was retried.
      if (taken === arn) return { arn, created: true };
      if (taken !== undefined) return { arn: taken, created: false, orphan: arn };
      if (!isGoldKeyError(error)) throw error;
      throw new KeyProviderError(
        `The key \`${arn}\` was created, but not its alias \`${alias}\`; point the alias to it, or delete the key, which is unused.`,
        { provider: AWS_KMS, cause: error, retryable: false },
      );
    }
  } finally {
    await connection.close();
  }
}

/** Returns the ARN of the key that an alias points to, or `undefined` if there is no such alias. */
async function findAlias(connection: ReturnType<typeof connectToKms>, alias: string, signal: AbortSignal | undefined) {
  const found = await connection.call(
    { operation: 'DescribeKey', keyId: alias },
    (sdk, client, http) =>
      allowErrors(client.send(new sdk.DescribeKeyCommand({ KeyId: alias }), http), ['NotFoundException']),
    { signal },
  );
  if (found === undefined) return undefined;
  const metadata = readMetadata(found, 'DescribeKey');
  const { Arn: arn, KeyState: state = 'Enabled' } = metadata;
  const { KeyUsage: usage = 'ENCRYPT_DECRYPT', KeySpec: spec = 'SYMMETRIC_DEFAULT' } = metadata;
  if (usage !== 'ENCRYPT_DECRYPT' || spec !== 'SYMMETRIC_DEFAULT') {
    throw new KeyDecryptError(
      `The alias \`${alias}\` points to a key that is not symmetric, for ENCRYPT_DECRYPT (\`${arn}\`); choose another alias.`,
      { provider: AWS_KMS },
    );
  }
  if (state !== 'Enabled') {
    throw new KeyAccessDeniedError(
      `The alias \`${alias}\` points to a key in the state ${state} (\`${arn}\`); enable it, or choose another alias.`,
      { provider: AWS_KMS },
    );
  }
  return arn;
}

function readMetadata({ KeyMetadata: metadata }: { KeyMetadata?: KeyMetadata | undefined }, operation: string) {
  const { Arn } = metadata ?? {};
  if (Arn !== undefined) return { ...metadata, Arn };
  throw new KeyProviderError(`AWS KMS answered ${operation} without the key's ARN.`, { provider: AWS_KMS });
}
