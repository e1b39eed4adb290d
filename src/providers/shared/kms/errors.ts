import type { AwsCall, AwsErrorMap } from '../../../aws/errors.js';
import {
  KeyAccessDeniedError,
  KeyDecryptError,
  KeyNotFoundError,
  type EncryptionContext,
} from '../../../core/index.js';
import { contextKeys } from '../encryption-context.js';
import { quoteKeyId } from './key-id.js';

/** The name of AWS KMS in errors, events and metrics, and of its cipher in a key ring. */
export const AWS_KMS = 'aws-kms';

/** A call to KMS, for the error that may come of it. */
export interface KmsCall extends AwsCall {
  readonly keyId?: string | undefined;
  readonly context?: EncryptionContext | undefined;
  /** Something odd about the ciphertext, for the message. */
  readonly hint?: string | undefined;
}

const describeKey = ({ keyId }: KmsCall): string =>
  keyId === undefined ? 'the KMS key' : `the KMS key ${quoteKeyId(keyId)}`;
const listContextKeys = ({ context = {} }: KmsCall): string => contextKeys(context);
const adviseOnUsage = (call: KmsCall): string =>
  `check that ${describeKey(call)} is a symmetric key for ENCRYPT_DECRYPT`;
const addHint = ({ hint }: KmsCall): string => (hint === undefined ? '' : `; note that ${hint}`);

export const KMS_ERRORS: AwsErrorMap<KmsCall> = {
  provider: AWS_KMS,
  text: {
    service: 'AWS KMS',
    throttled: () => "the account's request quota in this Region is used up",
    invalid: () => 'check `keyId`, `grantTokens` and `encryptionContext`',
  },
  permanent: {
    AccessDeniedException: [
      KeyAccessDeniedError,
      (call) =>
        `check that the caller's IAM policy and the key's policy allow kms:${call.operation} on ${describeKey(call)}, in this account and Region, and that their conditions match the EncryptionContext (keys given: ${listContextKeys(call)})`,
    ],
    DisabledException: [
      KeyAccessDeniedError,
      (call) => `${describeKey(call)} is disabled; enable it unless that was intended`,
    ],
    KMSInvalidStateException: [
      KeyAccessDeniedError,
      (call) =>
        `check the state of ${describeKey(call)}: it is pending deletion or import, or its custom key store is not connected`,
    ],
    InvalidGrantTokenException: [
      KeyAccessDeniedError,
      () => 'check `grantTokens`: one of them is not valid for this key, caller or operation',
    ],
    NotFoundException: [
      KeyNotFoundError,
      (call) => `check \`keyId\`, the account and the Region: ${describeKey(call)} does not exist there`,
    ],
    IncorrectKeyException: [
      KeyDecryptError,
      (call) =>
        `the ciphertext was encrypted under another key than ${describeKey(call)}; check \`keyId\`, and whether an alias now points to another key${addHint(call)}`,
    ],
    InvalidCiphertextException: [
      KeyDecryptError,
      (call) =>
        `either the ciphertext is damaged or cut short (or from another Region), or \`encryptionContext\` differs from the one it was encrypted with; keys given: ${listContextKeys(call)}${addHint(call)}`,
    ],
    InvalidKeyUsageException: [KeyDecryptError, adviseOnUsage],
    UnsupportedOperationException: [KeyDecryptError, adviseOnUsage],
  },
};
