import { isGoldKeyError } from '../../../core/index.js';
import { findKeyArn } from '../../../providers/kms/find-key.js';
import { UsageError } from '../../errors.js';
import type { CliIo } from '../../io.js';
import type { CommandOptions } from '../../options/command-options.js';
import { buildAwsSettings } from '../../options/network.js';
import { chooseKeyTimeout } from '../../options/store.js';

/** The parts of an ARN that other ARNs are made of. */
export interface ArnPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** The ARN of a KMS key or an alias, and its parts. */
export interface KmsArn extends ArnPlace {
  readonly arn: string;
  /** `key/…` or `alias/…`. */
  readonly resource: string;
}

/**
 * Returns the key that `--key-id` names. Only its ARN can stand in a policy, so that KMS is asked for that of an alias or an
 * id; the alias of a key that is yet to be created is taken by its ARN.
 */
export async function resolveKmsArn(io: CliIo, keyId: string, options: CommandOptions): Promise<KmsArn> {
  const given = parseKmsArn(keyId);
  if (given?.resource.startsWith('key/') === true || (given !== undefined && options.for === 'creator')) return given;
  const settings = await buildAwsSettings(io, { ...options, region: options.region ?? given?.region });
  const signal = AbortSignal.timeout(chooseKeyTimeout(io, options));
  try {
    const arn = await findKeyArn({ keyId, signal, ...settings });
    const found = parseKmsArn(arn);
    if (found !== undefined) return found;
  } catch (error) {
    if (!isGoldKeyError(error) && !signal.aborted) throw error;
    throw createArnError(options, error as Error);
  }
  throw createArnError(options);
}

function parseKmsArn(text: string): KmsArn | undefined {
  const form = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):(\d{12}):(key\/[\w-]+|alias\/[\w/-]{1,250})$/;
  const [arn, partition = '', region = '', account = '', resource = ''] = form.exec(text) ?? [];
  return arn === undefined ? undefined : { arn, partition, region, account, resource };
}

function createArnError(options: CommandOptions, cause?: Error): UsageError {
  const form = options.for === 'creator' ? 'alias/NAME' : 'key/ID';
  const failure = cause === undefined ? '' : `: ${cause.message.replace(/\.$/, '')}`;
  const error = new UsageError(
    `--key-id needs the key's ARN, arn:aws:kms:REGION:ACCOUNT:${form}; KMS could not be asked for it${failure}.`,
  );
  if (cause !== undefined) error.cause = cause;
  return error;
}
