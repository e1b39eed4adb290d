import { nodeCrypto } from '../../core/index.js';
import { markerOf, open, seal } from './ciphertext.js';
import { incorrectKey, invalidCiphertext, invalidMember, KmsRefusal, pendingDeletion } from './errors.js';
import type { KmsFields } from './request-fields.js';
import { type FakeKey, type FakeKeyStore, usable } from './keys.js';

/** Answers one request; `undefined` for an empty body. */
export type KmsOperation = (fields: KmsFields, keys: FakeKeyStore) => Readonly<Record<string, unknown>> | undefined;

/** The most that Encrypt takes. */
export const MAX_PLAINTEXT_BYTES = 4096;
const MAX_CIPHERTEXT_BYTES = 6144;
const ALGORITHM = 'SYMMETRIC_DEFAULT';
const DAY_MS = 86_400_000;

/** What the fake can do, by the name in `x-amz-target`. */
export const KMS_OPERATIONS: Readonly<Record<string, KmsOperation>> = {
  CreateKey(fields, keys) {
    const spec = fields.string('KeySpec') ?? fields.string('CustomerMasterKeySpec') ?? ALGORITHM;
    const usage = fields.string('KeyUsage') ?? 'ENCRYPT_DECRYPT';
    const origin = fields.string('Origin') ?? 'AWS_KMS';
    if (spec !== ALGORITHM || usage !== 'ENCRYPT_DECRYPT' || origin !== 'AWS_KMS') {
      const message = 'The fake KMS makes symmetric encryption keys of origin AWS_KMS only.';
      throw new KmsRefusal('UnsupportedOperationException', message);
    }
    const key = keys.create({
      description: fields.string('Description') ?? '',
      multiRegion: fields.boolean('MultiRegion'),
    });
    return { KeyMetadata: metadata(key) };
  },

  CreateAlias(fields, keys) {
    const name = fields.requiredString('AliasName');
    const target = fields.requiredString('TargetKeyId');
    if (!/^[a-zA-Z0-9:/_-]{1,256}$/.test(name)) {
      throw invalidMember(
        'aliasName',
        'Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$',
        `'${name}'`,
      );
    }
    if (!/^alias\/./.test(name)) throw new KmsRefusal('ValidationException', 'Invalid identifier');
    if (name.startsWith('alias/aws/')) throw new KmsRefusal('NotAuthorizedException');
    if (target.includes('alias/')) {
      throw new KmsRefusal('ValidationException', 'Aliases must refer to keys. Not aliases');
    }
    const key = keys.find(target);
    if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
    keys.addAlias(name, key);
    return undefined;
  },

  DescribeKey: (fields, keys) => ({ KeyMetadata: metadata(keys.find(fields.requiredString('KeyId'))) }),

  EnableKey: (fields, keys) => setState(fields, keys, 'Enabled'),

  DisableKey: (fields, keys) => setState(fields, keys, 'Disabled'),

  ScheduleKeyDeletion(fields, keys) {
    const key = keys.find(fields.requiredString('KeyId'), { aliases: false });
    const days = fields.integer('PendingWindowInDays') ?? 30;
    if (days < 7 || days > 30) {
      const bound = days < 7 ? 'greater than or equal to 7' : 'less than or equal to 30';
      throw invalidMember('pendingWindowInDays', `Member must have value ${bound}`, `'${String(days)}'`);
    }
    if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
    key.state = 'PendingDeletion';
    key.deletionAt = Date.now() + days * DAY_MS;
    return { KeyId: key.arn, DeletionDate: key.deletionAt / 1000, KeyState: key.state, PendingWindowInDays: days };
  },

  Encrypt(fields, keys) {
    const keyId = fields.requiredString('KeyId');
    const plaintext = fields.blob('Plaintext', MAX_PLAINTEXT_BYTES);
    checkAlgorithm(fields, 'EncryptionAlgorithm');
    const key = usable(keys.find(keyId));
    const blob = seal(key, plaintext, fields.context());
    plaintext.fill(0);
    return unlessDry(fields, {
      CiphertextBlob: blob.toString('base64'),
      EncryptionAlgorithm: ALGORITHM,
      KeyId: key.arn,
    });
  },

  Decrypt(fields, keys) {
    checkAlgorithm(fields, 'EncryptionAlgorithm');
    refuseRecipient(fields);
    if (fields.boolean('DryRun') && fields.strings('DryRunModifiers').includes('IGNORE_CIPHERTEXT')) {
      usable(keys.find(fields.requiredString('KeyId')));
      return unlessDry(fields, {});
    }
    const { key, plaintext } = decrypt(fields, keys, 'KeyId', 'EncryptionContext');
    return unlessDry(fields, {
      EncryptionAlgorithm: ALGORITHM,
      KeyId: key.arn,
      KeyMaterialId: key.materialId,
      Plaintext: plaintext.toString('base64'),
    });
  },

  ReEncrypt(fields, keys) {
    checkAlgorithm(fields, 'SourceEncryptionAlgorithm');
    checkAlgorithm(fields, 'DestinationEncryptionAlgorithm');
    const destinationKeyId = fields.requiredString('DestinationKeyId');
    const source = decrypt(fields, keys, 'SourceKeyId', 'SourceEncryptionContext');
    const destination = usable(keys.find(destinationKeyId));
    const blob = seal(destination, source.plaintext, fields.context('DestinationEncryptionContext'));
    source.plaintext.fill(0);
    return unlessDry(fields, {
      CiphertextBlob: blob.toString('base64'),
      DestinationEncryptionAlgorithm: ALGORITHM,
      DestinationKeyMaterialId: destination.materialId,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: ALGORITHM,
      SourceKeyId: source.key.arn,
      SourceKeyMaterialId: source.key.materialId,
    });
  },

  GenerateDataKey(fields, keys) {
    const keyId = fields.requiredString('KeyId');
    refuseRecipient(fields);
    const size = dataKeySize(fields);
    const key = usable(keys.find(keyId));
    const plaintext = nodeCrypto().randomBytes(size);
    return unlessDry(fields, {
      CiphertextBlob: seal(key, plaintext, fields.context()).toString('base64'),
      KeyId: key.arn,
      KeyMaterialId: key.materialId,
      Plaintext: plaintext.toString('base64'),
    });
  },
};

function decrypt(
  fields: KmsFields,
  keys: FakeKeyStore,
  keyField: string,
  contextField: string,
): { key: FakeKey; plaintext: Buffer } {
  const blob = fields.blob('CiphertextBlob', MAX_CIPHERTEXT_BYTES);
  const context = fields.context(contextField);
  const keyId = fields.string(keyField);
  const named = keyId === undefined ? undefined : usable(keys.find(keyId));
  const marker = markerOf(blob);
  const key = marker === undefined ? undefined : keys.byMarker(marker);
  if (key === undefined) throw invalidCiphertext();
  if (named !== undefined && named !== key) throw incorrectKey();
  const plaintext = open(usable(key), blob, context);
  if (plaintext === undefined) throw invalidCiphertext();
  return { key, plaintext };
}

function setState(fields: KmsFields, keys: FakeKeyStore, state: 'Enabled' | 'Disabled'): undefined {
  const key = keys.find(fields.requiredString('KeyId'), { aliases: false });
  if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
  key.state = state;
  return undefined;
}

function dataKeySize(fields: KmsFields): number {
  const size = fields.integer('NumberOfBytes');
  const spec = fields.string('KeySpec');
  if ((size === undefined) === (spec === undefined)) {
    throw new KmsRefusal('ValidationException', 'Please specify either number of bytes or key spec.');
  }
  if (spec !== undefined) {
    if (spec === 'AES_256' || spec === 'AES_128') return spec === 'AES_256' ? 32 : 16;
    throw invalidMember('keySpec', 'Member must satisfy enum value set: [AES_256, AES_128]', `'${spec}'`);
  }
  if (size === undefined || size < 1 || size > 1024) {
    throw invalidMember('numberOfBytes', 'Member must have value between 1 and 1024', `'${String(size)}'`);
  }
  return size;
}

function checkAlgorithm(fields: KmsFields, name: string): void {
  const algorithm = fields.string(name) ?? ALGORITHM;
  if (algorithm === ALGORITHM) return;
  const message = `The algorithm ${algorithm} is incompatible with key spec ${ALGORITHM}.`;
  throw new KmsRefusal('InvalidKeyUsageException', message);
}

function refuseRecipient(fields: KmsFields): void {
  if (!fields.has('Recipient')) return;
  const message = 'The fake KMS checks no attestation documents, so it takes no `Recipient`.';
  throw new KmsRefusal('UnsupportedOperationException', message);
}

/** A dry run that would have succeeded fails in its own way. */
function unlessDry<T>(fields: KmsFields, answer: T): T {
  if (!fields.boolean('DryRun')) return answer;
  const message = 'The request would have succeeded, but the DryRun option is set.';
  throw new KmsRefusal('DryRunOperationException', message, 412);
}

function metadata(key: FakeKey): Readonly<Record<string, unknown>> {
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
