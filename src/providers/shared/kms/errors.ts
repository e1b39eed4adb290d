import {
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyNotFoundError,
  type EncryptionContext,
  type GoldKeyError,
} from '../../../core/index.js';
import { awsError, type AwsRefusals } from '../../../aws/errors.js';
import { contextKeys } from '../encryption-context.js';

/** The name of AWS KMS in errors, events and metrics, and of its cipher in a key ring. */
export const AWS_KMS = 'aws-kms';

/** What was asked of KMS, for the error that may come of it. */
export interface KmsCall {
  operation: string;
  keyId?: string | undefined;
  context?: EncryptionContext | undefined;
  version?: string | undefined;
  /** What looks odd about the ciphertext. */
  hint?: string | undefined;
}

const key = ({ keyId }: KmsCall): string => (keyId === undefined ? 'the KMS key' : `the KMS key \`${keyId}\``);
const context = (call: KmsCall): string => contextKeys(call.context ?? {});
const hint = (call: KmsCall): string => (call.hint === undefined ? '' : `; note that ${call.hint}`);

const REFUSALS: AwsRefusals<KmsCall> = {
  provider: AWS_KMS,
  words: {
    service: 'AWS KMS',
    throttled: "the account's request quota in this Region is used up",
    invalid: 'check `keyId`, `grantTokens` and `encryptionContext`',
  },
  permanent: {
    AccessDeniedException: [
      KeyAccessDeniedError,
      (call) =>
        `check that the caller's IAM policy and the key's policy allow kms:${call.operation} on ${key(call)}, in this account and Region, and that their conditions fit the EncryptionContext (keys given: ${context(call)})`,
    ],
    DisabledException: [KeyAccessDeniedError, (call) => `${key(call)} is disabled; enable it if that was not meant`],
    KMSInvalidStateException: [
      KeyAccessDeniedError,
      (call) =>
        `check the state of ${key(call)}: it is pending deletion or import, or its custom key store is not connected`,
    ],
    InvalidGrantTokenException: [
      KeyAccessDeniedError,
      () => 'check `grantTokens`: one of them is not valid for this key, caller or operation',
    ],
    NotFoundException: [
      KeyNotFoundError,
      (call) => `check \`keyId\`, the account and the Region: ${key(call)} is not there`,
    ],
    IncorrectKeyException: [
      KeyDecryptError,
      (call) =>
        `the ciphertext was made under another key than ${key(call)}; check \`keyId\`, and whether an alias has been pointed elsewhere${hint(call)}`,
    ],
    InvalidCiphertextException: [
      KeyDecryptError,
      (call) =>
        `either the ciphertext is damaged or cut short (or from another Region), or \`encryptionContext\` differs from the one it was encrypted with; keys given: ${context(call)}${hint(call)}`,
    ],
    InvalidKeyUsageException: [
      KeyDecryptError,
      (call) => `check that ${key(call)} is a symmetric key for ENCRYPT_DECRYPT`,
    ],
    UnsupportedOperationException: [
      KeyDecryptError,
      (call) => `check that ${key(call)} is a symmetric key for ENCRYPT_DECRYPT`,
    ],
  },
};

/** One of our errors for whatever came of a call to KMS; what came is the `cause`. */
export function kmsError(error: unknown, call: KmsCall): GoldKeyError {
  return awsError(error, call, REFUSALS, { version: call.version });
}
