import { nodeCrypto } from '../../core/index.js';
import { decryptBlob, encryptBlob, readMarker } from './ciphertext.js';
import { KmsError, validationError } from './errors.js';
import { createAwsError } from './faults.js';
import { checkUsable, type FakeKey, type FakeKeyStore } from './keys.js';
import type { KmsFields } from './request-fields.js';

/** The longest plaintext that Encrypt takes. */
export const MAX_PLAINTEXT_BYTES = 4096;
const MAX_CIPHERTEXT_BYTES = 6144;
const ALGORITHM = 'SYMMETRIC_DEFAULT';
const DAY_MS = 86_400_000;

/** The operations of the fake, by their name in `x-amz-target`. Each returns its answer, `undefined` for an empty body. */
export const KMS_OPERATIONS: Readonly<
  Record<string, (fields: KmsFields, keys: FakeKeyStore) => Readonly<Record<string, unknown>> | undefined>
> = {
  CreateKey(fields, keys) {
    const spec = fields.getString('KeySpec') ?? fields.getString('CustomerMasterKeySpec') ?? ALGORITHM;
    const usage = fields.getString('KeyUsage') ?? 'ENCRYPT_DECRYPT';
    const origin = fields.getString('Origin') ?? 'AWS_KMS';
    if (spec !== ALGORITHM || usage !== 'ENCRYPT_DECRYPT' || origin !== 'AWS_KMS') {
      const message = 'The fake KMS makes symmetric encryption keys of origin AWS_KMS only.';
      throw new KmsError('UnsupportedOperationException', message);
    }
    const key = keys.create(fields.getString('Description') ?? '', fields.getBoolean('MultiRegion'));
    return { KeyMetadata: describeKey(key) };
  },

  CreateAlias(fields, keys) {
    const name = fields.getRequiredString('AliasName');
    const target = fields.getRequiredString('TargetKeyId');
    if (!/^[a-zA-Z0-9:/_-]{1,256}$/.test(name)) {
      const constraint = 'Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$';
      throw validationError('aliasName', constraint, `'${name}'`);
    }
    if (!/^alias\/./.test(name)) throw new KmsError('ValidationException', 'Invalid identifier');
    if (name.startsWith('alias/aws/')) throw new KmsError('NotAuthorizedException');
    if (target.includes('alias/')) throw new KmsError('ValidationException', 'Aliases must refer to keys. Not aliases');
    keys.addAlias(name, keys.findChangeable(target));
    return undefined;
  },

  DescribeKey: (fields, keys) => ({ KeyMetadata: describeKey(keys.find(fields.getRequiredString('KeyId'))) }),

  EnableKey(fields, keys) {
    keys.findChangeable(fields.getRequiredString('KeyId')).state = 'Enabled';
    return undefined;
  },

  DisableKey(fields, keys) {
    keys.findChangeable(fields.getRequiredString('KeyId')).state = 'Disabled';
    return undefined;
  },

  ScheduleKeyDeletion(fields, keys) {
    const keyId = fields.getRequiredString('KeyId');
    const days = fields.getInteger('PendingWindowInDays') ?? 30;
    if (days < 7 || days > 30) {
      const bound = days < 7 ? 'greater than or equal to 7' : 'less than or equal to 30';
      throw validationError('pendingWindowInDays', `Member must have value ${bound}`, `'${String(days)}'`);
    }
    const key = keys.findChangeable(keyId);
    key.state = 'PendingDeletion';
    key.deletionAt = Date.now() + days * DAY_MS;
    return { KeyId: key.arn, DeletionDate: key.deletionAt / 1000, KeyState: key.state, PendingWindowInDays: days };
  },

  Encrypt(fields, keys) {
    const keyId = fields.getRequiredString('KeyId');
    const plaintext = fields.getBlob('Plaintext', MAX_PLAINTEXT_BYTES);
    checkAlgorithm(fields, 'EncryptionAlgorithm');
    const key = checkUsable(keys.find(keyId));
    const blob = encryptBlob(key, plaintext, fields.getContext());
    plaintext.fill(0);
    checkDryRun(fields);
    return { CiphertextBlob: blob, EncryptionAlgorithm: ALGORITHM, KeyId: key.arn };
  },

  Decrypt(fields, keys) {
    checkAlgorithm(fields, 'EncryptionAlgorithm');
    checkNoRecipient(fields);
    if (fields.getBoolean('DryRun') && fields.getStrings('DryRunModifiers').includes('IGNORE_CIPHERTEXT')) {
      checkUsable(keys.find(fields.getRequiredString('KeyId')));
      checkDryRun(fields);
    }
    const { key, plaintext } = decryptField(fields, keys, 'KeyId', 'EncryptionContext');
    checkDryRun(fields);
    return { EncryptionAlgorithm: ALGORITHM, ...describePlaintext(key, plaintext) };
  },

  ReEncrypt(fields, keys) {
    checkAlgorithm(fields, 'SourceEncryptionAlgorithm');
    checkAlgorithm(fields, 'DestinationEncryptionAlgorithm');
    const destinationKeyId = fields.getRequiredString('DestinationKeyId');
    const source = decryptField(fields, keys, 'SourceKeyId', 'SourceEncryptionContext');
    const destination = checkUsable(keys.find(destinationKeyId));
    const blob = encryptBlob(destination, source.plaintext, fields.getContext('DestinationEncryptionContext'));
    source.plaintext.fill(0);
    checkDryRun(fields);
    return {
      CiphertextBlob: blob,
      DestinationEncryptionAlgorithm: ALGORITHM,
      DestinationKeyMaterialId: destination.materialId,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: ALGORITHM,
      SourceKeyId: source.key.arn,
      SourceKeyMaterialId: source.key.materialId,
    };
  },

  GenerateDataKey(fields, keys) {
    const keyId = fields.getRequiredString('KeyId');
    checkNoRecipient(fields);
    const size = readDataKeySize(fields);
    const key = checkUsable(keys.find(keyId));
    const plaintext = nodeCrypto().randomBytes(size);
    const blob = encryptBlob(key, plaintext, fields.getContext());
    checkDryRun(fields);
    return { CiphertextBlob: blob, ...describePlaintext(key, plaintext) };
  },
};

/** Decrypts `CiphertextBlob`. KMS gives one error, without a message, for a damaged ciphertext and a wrong context. */
function decryptField(
  fields: KmsFields,
  keys: FakeKeyStore,
  keyField: string,
  contextField: string,
): { key: FakeKey; plaintext: Buffer } {
  const blob = fields.getBlob('CiphertextBlob', MAX_CIPHERTEXT_BYTES);
  const context = fields.getContext(contextField);
  const keyId = fields.getString(keyField);
  const named = keyId === undefined ? undefined : checkUsable(keys.find(keyId));
  const marker = readMarker(blob);
  const key = marker && keys.findByMarker(marker);
  if (key !== undefined && named !== undefined && named !== key) throw createAwsError('incorrect-key', named.arn);
  const plaintext = key && decryptBlob(checkUsable(key), blob, context);
  if (key === undefined || plaintext === undefined) throw new KmsError('InvalidCiphertextException');
  return { key, plaintext };
}

function readDataKeySize(fields: KmsFields): number {
  const size = fields.getInteger('NumberOfBytes');
  const spec = fields.getString('KeySpec');
  if ((size === undefined) === (spec === undefined)) {
    throw new KmsError('ValidationException', 'Please specify either number of bytes or key spec.');
  }
  if (spec === 'AES_256') return 32;
  if (spec === 'AES_128') return 16;
  if (spec !== undefined) {
    throw validationError('keySpec', 'Member must satisfy enum value set: [AES_256, AES_128]', `'${spec}'`);
  }
  if (size === undefined || size < 1 || size > 1024) {
    throw validationError('numberOfBytes', 'Member must have value between 1 and 1024', `'${String(size)}'`);
  }
  return size;
}

function checkAlgorithm(fields: KmsFields, name: string): void {
  const algorithm = fields.getString(name) ?? ALGORITHM;
  if (algorithm === ALGORITHM) return;
  const message = `The algorithm ${algorithm} is incompatible with key spec ${ALGORITHM}.`;
  throw new KmsError('InvalidKeyUsageException', message);
}

function checkNoRecipient(fields: KmsFields): void {
  if (!fields.has('Recipient')) return;
  const message = 'The fake KMS does not check attestation documents; leave out `Recipient`.';
  throw new KmsError('UnsupportedOperationException', message);
}

/** Throws KMS's error for a dry run that would have succeeded. */
function checkDryRun(fields: KmsFields): void {
  if (!fields.getBoolean('DryRun')) return;
  const message = 'The request would have succeeded, but the DryRun option is set.';
  throw new KmsError('DryRunOperationException', message, 412);
}

function describePlaintext(key: FakeKey, plaintext: Buffer): Readonly<Record<string, string>> {
  return { KeyId: key.arn, KeyMaterialId: key.materialId, Plaintext: plaintext.toString('base64') };
}

function describeKey(key: FakeKey): Readonly<Record<string, unknown>> {
  return {
    AWSAccountId: key.arn.split(':')[4],
    Arn: key.arn,
    CreationDate: key.createdAt / 1000,
    CurrentKeyMaterialId: key.materialId,
    CustomerMasterKeySpec: ALGORITHM,
    ...(key.deletionAt === undefined ? {} : { DeletionDate: key.deletionAt / 1000 }),
    Description: key.description,
    Enabled: key.state === 'Enabled',
    EncryptionAlgorithms: [ALGORITHM],
    KeyId: key.id,
    KeyManager: 'CUSTOMER',
    KeySpec: ALGORITHM,
    KeyState: key.state,
    KeyUsage: 'ENCRYPT_DECRYPT',
    MultiRegion: key.multiRegion,
    Origin: 'AWS_KMS',
  };
}
