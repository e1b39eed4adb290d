import { classifyAwsError } from '../../../aws/failures.js';
import { isGoldKeyError, tryOrUndefined, type GoldKeyError } from '../../../core/index.js';
import { connectToKms, type KmsKey } from '../../../providers/kms/client.js';
import { describeKmsKey, tryKmsCall } from '../../../providers/kms/dry-run.js';
import { ciphertextBytes } from '../../../providers/shared/ciphertext.js';
import { AWS_KMS } from '../../../providers/shared/kms/errors.js';
import { checkKeyId } from '../../../providers/shared/kms/key-id.js';
import { RING_BINDING } from '../../../rotation/ring/decrypt-version.js';
import { readCiphertextSource, requireContext } from '../../options/command-options.js';
import { openRing } from '../../options/ring-url.js';
import { fail, ok, unknown, type Finding } from './check.js';
import { formatCommand } from './repair.js';
import { openSettings } from './service.js';
import type { Setup } from './setup.js';

/** Stands for an ARN that the user has to look up. */
const PLACEHOLDER = 'arn:aws:kms:REGION:ACCOUNT:key/ID';

type Key = Pick<KmsKey, 'connection' | 'keyId'>;

async function withKey<T>(setup: Setup, use: (key: Key) => Promise<T>): Promise<T> {
  const keyId = checkKeyId(setup.options.keyId);
  const connection = connectToKms(await openSettings(setup));
  try {
    return await use({ connection, keyId });
  } finally {
    await connection.close();
  }
}

/** Checks that the KMS key encrypts and decrypts, is enabled and stays. */
export async function checkKeyState(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { options, facts } = setup;
  try {
    const metadata = await withKey(setup, (key) => describeKmsKey(key, signal));
    const { Arn: arn = '', KeyState: state = 'Enabled', KeySpec: spec = 'SYMMETRIC_DEFAULT' } = metadata;
    const { KeyUsage: usage = 'ENCRYPT_DECRYPT', DeletionDate: end } = metadata;
    facts.keyArn = arn;
    const repair = (verb: string): string => formatCommand(`aws kms ${verb}`, { ...options, keyId: arn });
    const usable = repair('enable-key');
    if (usage !== 'ENCRYPT_DECRYPT' || spec !== 'SYMMETRIC_DEFAULT') {
      return fail(`${arn} is a key of ${spec} for ${usage}, not a symmetric one.`, createKey(setup));
    }
    if (state === 'Disabled') return fail(`${arn} is disabled.`, usable);
    if (state === 'PendingDeletion') {
      const when = end === undefined ? '' : ` on ${end.toISOString().slice(0, 10)}`;
      return fail(`${arn} will be deleted${when}.`, `${repair('cancel-key-deletion')} && ${usable}`);
    }
    if (state === 'Enabled') return ok(`${arn} is enabled`);
    return fail(`${arn} is in the state ${state}.`, repair('describe-key'));
  } catch (error) {
    if (!isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED')) throw error;
    if (isDisabled(error)) return fail('The KMS key is disabled.', repairPermission(setup, error));
    // A reader does without it.
    return unknown('The caller may not describe the key (kms:DescribeKey).', formatPolicy(setup, 'doctor'));
  }
}

/** Returns the command that repairs a key that does not exist. */
export function repairKey(setup: Setup, error: unknown): string | undefined {
  return isGoldKeyError(error, 'ERR_GOLDKEY_NOT_FOUND') ? createKey(setup) : undefined;
}

function createKey({ options }: Setup): string {
  const { keyId = '' } = options;
  const alias = keyId.startsWith('alias/') ? keyId : 'alias/gold-api-keys';
  return formatCommand(`goldkey create-key --alias ${alias}`, options);
}

/** Checks by dry runs that the caller may decrypt, with `--writer` also encrypt. */
export async function checkPermission(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { run, options } = setup;
  const { ring, writer } = options;
  const given = requireContext(options);
  const context = ring === undefined ? given : { ...given, [RING_BINDING]: (await openRing(run.io, options)).name };
  const text = ring === undefined ? await readCiphertext(setup) : undefined;
  const ciphertext = tryOrUndefined(() => ciphertextBytes(text, AWS_KMS));
  const operations = writer === true ? (['Decrypt', 'Encrypt'] as const) : (['Decrypt'] as const);
  const answers = await withKey(setup, (key) =>
    Promise.all(
      operations.map((operation) =>
        tryKmsCall(key, { operation, context, ciphertext, signal }).catch((error: unknown) => {
          // A denied caller gets no other answer; all else is for the checks of the key and of the context.
          if (isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED')) throw error;
          return undefined;
        }),
      ),
    ),
  );
  const names = operations.map((operation) => `kms:${operation}`).join(' and ');
  if (answers.every((answer) => answer === true)) return ok(`${names} would be allowed`);
  return unknown(`The service tells nothing about ${names} without the call itself.`);
}

/** Returns the command that prints the policy which is lacking, or enables a key that the caller may not describe. */
export function repairPermission(setup: Setup, error?: unknown): string | undefined {
  if (!isGoldKeyError(error, 'ERR_GOLDKEY_ACCESS_DENIED')) return undefined;
  if (isDisabled(error)) return formatCommand('aws kms enable-key', setup.options);
  return formatPolicy(setup, error.message.includes('kms:Encrypt') ? 'writer' : 'reader');
}

function isDisabled(error: GoldKeyError): boolean {
  return classifyAwsError(error.cause).name === 'DisabledException';
}

function formatPolicy({ options, facts }: Setup, role: string): string {
  const { keyId } = options;
  const isArn = keyId === undefined || (keyId.startsWith('arn:') && keyId.includes(':key/'));
  // Without the ARN, `policy` would ask KMS for it, which takes a permission that lacks too.
  const { keyArn = isArn ? keyId : PLACEHOLDER } = facts;
  return formatCommand(`goldkey policy --for ${role}`, { ...options, keyId: keyArn });
}

async function readCiphertext({ run, options }: Setup): Promise<string> {
  const source = await readCiphertextSource(run.io, options);
  return typeof source === 'string' ? source : source();
}
