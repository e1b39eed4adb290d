import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { AwsConnectionOptions } from '../../aws/client.js';
import {
  checkOptionalString,
  invalidRange,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyProviderError,
} from '../../core/index.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { connectToKms, type KmsConnection } from './client.js';

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
    const { KeyMetadata: metadata } = await connection.call(
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
    const arn = readArn(metadata, 'CreateKey');
    try {
      await connection.call(
        { operation: 'CreateAlias', keyId: alias },
        (sdk, client, http) =>
          client.send(new sdk.CreateAliasCommand({ AliasName: alias, TargetKeyId: metadata?.KeyId ?? arn }), http),
        { signal },
      );
      return { arn, created: true };
    } catch (error) {
      const taken = isAlreadyThere(error) ? await findAlias(connection, alias, signal) : undefined;
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
async function findAlias(
  connection: KmsConnection,
  alias: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let metadata: KeyMetadata | undefined;
  try {
    ({ KeyMetadata: metadata } = await connection.call(
      { operation: 'DescribeKey', keyId: alias },
      (sdk, client, http) => client.send(new sdk.DescribeKeyCommand({ KeyId: alias }), http),
      { signal },
    ));
  } catch (error) {
    if (isGoldKeyError(error, 'ERR_GOLDKEY_NOT_FOUND')) return undefined;
    throw error;
  }
  const arn = readArn(metadata, 'DescribeKey');
  const {
    KeyState: state = 'Enabled',
    KeyUsage: usage = 'ENCRYPT_DECRYPT',
    KeySpec: spec = 'SYMMETRIC_DEFAULT',
  } = metadata ?? {};
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

function readArn(metadata: KeyMetadata | undefined, operation: string): string {
  if (metadata?.Arn !== undefined) return metadata.Arn;
  throw new KeyProviderError(`AWS KMS answered ${operation} without the key's ARN.`, { provider: AWS_KMS });
}

function isAlreadyThere(error: unknown): boolean {
  return isGoldKeyError(error) && (error.cause as Partial<Error> | undefined)?.name === 'AlreadyExistsException';
}
