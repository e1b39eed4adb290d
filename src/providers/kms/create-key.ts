import type { KeyMetadata } from '@aws-sdk/client-kms';
import {
  invalidRange,
  isGoldKeyError,
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyProviderError,
  checkOptionalString,
  systemClock,
} from '../../core/index.js';
import { callKms, kmsLink, type KmsLink, type KmsSend } from './client.js';
import type { KmsConnectionOptions } from './options.js';
import { AWS_KMS } from '../shared/kms/errors.js';

/** What {@link createKmsKey} makes. */
export interface CreateKmsKeyOptions extends KmsConnectionOptions {
  /** `alias/…`; it names the key from then on. */
  alias: string;
  signal?: AbortSignal | undefined;
}

/** The key behind the alias. */
export interface CreatedKmsKey {
  arn: string;
  /** False: the alias was there before, or another process was faster. */
  created: boolean;
  /** ARN of a key that was made here and lost the race for the alias. Nothing uses it, and it costs money until deleted. */
  orphan?: string | undefined;
}

/**
 * The KMS key of an alias, made if the alias does not exist. Safe to run twice, also at once: the alias decides, and
 * nothing is ever deleted or pointed elsewhere. Internal: the command line's `create-key`.
 */
export async function createKmsKey(options: CreateKmsKeyOptions): Promise<CreatedKmsKey> {
  const { signal } = options;
  const alias = checkOptionalString('alias', options.alias) ?? '';
  if (!/^alias\/[\w/-]{1,250}$/.test(alias) || alias.startsWith('alias/aws/')) {
    throw invalidRange(
      '`alias` must be `alias/` and letters, digits, `/`, `_` or `-`, and not begin with `alias/aws/`.',
    );
  }
  const link = kmsLink(options);
  try {
    const there = await keyOfAlias(link, alias, signal);
    if (there !== undefined) return { arn: there, created: false };
    // Not repeated on a failure: a lost answer would leave a second key behind.
    const { KeyMetadata: made } = await call(link, 'CreateKey', alias, signal, 0, (sdk, client, http) =>
      client.send(
        new sdk.CreateKeyCommand({
          Description: `goldkey: encrypts API keys (${alias})`,
          KeySpec: 'SYMMETRIC_DEFAULT',
          KeyUsage: 'ENCRYPT_DECRYPT',
          Tags: [{ TagKey: 'created-by', TagValue: 'goldkey' }],
        }),
        http,
      ),
    );
    const arn = arnOf(made, 'CreateKey');
    try {
      await call(link, 'CreateAlias', alias, signal, 2, (sdk, client, http) =>
        client.send(new sdk.CreateAliasCommand({ AliasName: alias, TargetKeyId: made?.KeyId ?? arn }), http),
      );
      return { arn, created: true };
    } catch (error) {
      const taken = isAlreadyThere(error) ? await keyOfAlias(link, alias, signal) : undefined;
      // Our own CreateAlias, whose answer was lost and which was then sent again, is no race.
      if (taken === arn) return { arn, created: true };
      if (taken !== undefined) return { arn: taken, created: false, orphan: arn };
      if (!isGoldKeyError(error)) throw error;
      throw new KeyProviderError(
        `The key \`${arn}\` was made, but not its alias \`${alias}\`; point the alias to it, or delete the key: nothing uses it.`,
        { provider: AWS_KMS, cause: error, retryable: false },
      );
    }
  } finally {
    await link.close();
  }
}

/** The ARN of the key that an alias stands for; `undefined` when there is no such alias. */
async function keyOfAlias(link: KmsLink, alias: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  let metadata: KeyMetadata | undefined;
  try {
    const answer = await call(link, 'DescribeKey', alias, signal, 2, (sdk, client, http) =>
      client.send(new sdk.DescribeKeyCommand({ KeyId: alias }), http),
    );
    metadata = answer.KeyMetadata;
  } catch (error) {
    if (isGoldKeyError(error, 'ERR_GOLDKEY_NOT_FOUND')) return undefined;
    throw error;
  }
  const arn = arnOf(metadata, 'DescribeKey');
  const { KeyState: state, KeyUsage: usage, KeySpec: spec } = metadata ?? {};
  if ((usage ?? 'ENCRYPT_DECRYPT') !== 'ENCRYPT_DECRYPT' || (spec ?? 'SYMMETRIC_DEFAULT') !== 'SYMMETRIC_DEFAULT') {
    throw new KeyDecryptError(
      `The alias \`${alias}\` stands for a key that is not symmetric, for ENCRYPT_DECRYPT (\`${arn}\`); choose another alias.`,
      { provider: AWS_KMS },
    );
  }
  if ((state ?? 'Enabled') !== 'Enabled') {
    throw new KeyAccessDeniedError(
      `The alias \`${alias}\` stands for a key in the state ${String(state)} (\`${arn}\`); enable it, or choose another alias.`,
      { provider: AWS_KMS },
    );
  }
  return arn;
}

function call<T>(
  link: KmsLink,
  operation: string,
  alias: string,
  signal: AbortSignal | undefined,
  retries: number,
  send: KmsSend<T>,
): Promise<T> {
  return callKms(link, { operation, keyId: alias }, send, { signal, clock: systemClock, retries });
}

function arnOf(metadata: KeyMetadata | undefined, operation: string): string {
  if (metadata?.Arn !== undefined) return metadata.Arn;
  throw new KeyProviderError(`AWS KMS answered ${operation} without the key's ARN.`, { provider: AWS_KMS });
}

function isAlreadyThere(error: unknown): boolean {
  return isGoldKeyError(error) && (error.cause as Partial<Error> | undefined)?.name === 'AlreadyExistsException';
}
