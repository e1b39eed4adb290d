import { inspect } from 'node:util';
import * as sdk from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeKms, startFakeKms } from '../../../src/testing/fake-kms/server.js';
import { catchError, kmsClient, post } from './client.js';

const CONTEXT = { service: 'gold-data-stream', environment: 'test' };
const API_KEY = 'an-invented-api-key-of-32-chars!';

let kms: FakeKms;
let client: sdk.KMSClient;

beforeAll(async () => {
  kms = await startFakeKms();
  client = kmsClient(kms.url);
});
beforeEach(() => {
  kms.reset();
});
afterAll(async () => {
  client.destroy();
  await kms.close();
});

const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64');
const text = (plaintext: Uint8Array | undefined): string => Buffer.from(plaintext ?? []).toString();

async function newKey(): Promise<string> {
  const { KeyMetadata } = await client.send(new sdk.CreateKeyCommand({ Description: 'another' }));
  return KeyMetadata?.Arn ?? '';
}

describe('the fake KMS, through the AWS SDK', () => {
  it('decrypts what encrypt() made, without a KeyId and with each form of one', async () => {
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, CONTEXT));
    const id = kms.keyArn.split('/')[1];
    const alias = 'alias/gold-api-keys';
    for (const KeyId of [undefined, kms.keyArn, id, alias, kms.keyArn.replace(/key\/.*/, alias)]) {
      const input = { CiphertextBlob, EncryptionContext: CONTEXT, ...(KeyId === undefined ? {} : { KeyId }) };
      const answer = await client.send(new sdk.DecryptCommand(input));
      expect(text(answer.Plaintext)).toBe(API_KEY);
      expect(answer).toMatchObject({ KeyId: kms.keyArn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
      expect(answer.KeyMaterialId).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('does not care for the order of the EncryptionContext', async () => {
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, { b: '2', a: '1' }));
    const answer = await client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: { a: '1', b: '2' } }));
    expect(text(answer.Plaintext)).toBe(API_KEY);
  });

  it('decrypts what the SDK encrypted, from 1 to 4,096 bytes', async () => {
    for (const size of [1, 111, 112, 128, 239, 240, 1000, 4096]) {
      const Plaintext = Buffer.alloc(size, 'k');
      const encrypted = await client.send(new sdk.EncryptCommand({ KeyId: 'alias/gold-api-keys', Plaintext }));
      expect(encrypted.KeyId).toBe(kms.keyArn);
      const { CiphertextBlob } = encrypted;
      const answer = await client.send(new sdk.DecryptCommand({ CiphertextBlob }));
      expect(Plaintext.equals(answer.Plaintext ?? new Uint8Array())).toBe(true);
    }
  });

  it('shapes its ciphertexts like those of KMS', () => {
    const blob = Buffer.from(kms.encrypt(API_KEY, CONTEXT), 'base64');
    expect(blob.subarray(0, 5).toString('hex')).toBe('0102020078');
    expect(blob.readUInt32BE(54)).toBe(blob.length - 58);
    expect(blob.length - API_KEY.length).toBeGreaterThanOrEqual(141);
    expect(blob.length - API_KEY.length).toBeLessThanOrEqual(145);
    expect(kms.encrypt(API_KEY, CONTEXT)).not.toBe(kms.encrypt(API_KEY, CONTEXT));
  });

  it('refuses a wrong context, a flipped bit, a cut and an addition alike, without a message', async () => {
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, CONTEXT));
    const damaged = [...CiphertextBlob.keys()].map((index) =>
      CiphertextBlob.map((byte, at) => (at === index ? byte ^ 1 : byte)),
    );
    const inputs: sdk.DecryptCommandInput[] = [
      { CiphertextBlob },
      { CiphertextBlob, EncryptionContext: { ...CONTEXT, more: '' } },
      { CiphertextBlob, EncryptionContext: { ...CONTEXT, service: 'Gold-data-stream' } },
      { CiphertextBlob: CiphertextBlob.subarray(0, -1), EncryptionContext: CONTEXT },
      { CiphertextBlob: Buffer.concat([CiphertextBlob, Buffer.alloc(1)]), EncryptionContext: CONTEXT },
      { CiphertextBlob: Buffer.from('no ciphertext at all'), EncryptionContext: CONTEXT },
      ...damaged.map((blob) => ({ CiphertextBlob: blob, EncryptionContext: CONTEXT })),
    ];
    for (const input of inputs) {
      const error = await catchError(client.send(new sdk.DecryptCommand(input)));
      expect(error).toMatchObject({ name: 'InvalidCiphertextException', $metadata: { httpStatusCode: 400 } });
      expect(error).toBeInstanceOf(sdk.InvalidCiphertextException);
      expect(error.message).toBe('UnknownError');
    }
  });

  it("refuses another fake's ciphertext", async () => {
    await using other = await startFakeKms();
    const CiphertextBlob = bytes(other.encrypt(API_KEY, CONTEXT));
    const error = await catchError(client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT })));
    expect(error.name).toBe('InvalidCiphertextException');
  });

  it('makes keys and aliases, and describes them', async () => {
    const arn = await newKey();
    await client.send(new sdk.CreateAliasCommand({ AliasName: 'alias/mine', TargetKeyId: arn }));
    const { KeyMetadata } = await client.send(new sdk.DescribeKeyCommand({ KeyId: 'alias/mine' }));
    expect(KeyMetadata).toMatchObject({ Arn: arn, Enabled: true, KeyState: 'Enabled', Description: 'another' });
    expect(KeyMetadata?.CreationDate?.getTime()).toBeGreaterThan(Date.now() - 60_000);
    const twice = client.send(new sdk.CreateAliasCommand({ AliasName: 'alias/mine', TargetKeyId: arn }));
    expect(await catchError(twice)).toMatchObject({ name: 'AlreadyExistsException' });
    const wrong = client.send(new sdk.CreateAliasCommand({ AliasName: 'mine', TargetKeyId: arn }));
    expect(await catchError(wrong)).toMatchObject({ name: 'ValidationException' });
    const chained = client.send(new sdk.CreateAliasCommand({ AliasName: 'alias/x', TargetKeyId: 'alias/mine' }));
    expect(await catchError(chained)).toMatchObject({ name: 'ValidationException' });
    const { KeyMetadata: replica } = await client.send(new sdk.CreateKeyCommand({ MultiRegion: true }));
    expect(replica).toMatchObject({ KeyId: expect.stringMatching(/^mrk-/), MultiRegion: true });
    const rsa = client.send(new sdk.CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }));
    expect(await catchError(rsa)).toMatchObject({ name: 'UnsupportedOperationException' });
  });

  it('moves a ciphertext to another key and context without showing the plaintext', async () => {
    const destination = await newKey();
    const moved = await client.send(
      new sdk.ReEncryptCommand({
        CiphertextBlob: bytes(kms.encrypt(API_KEY, CONTEXT)),
        SourceEncryptionContext: CONTEXT,
        DestinationKeyId: destination,
        DestinationEncryptionContext: { moved: 'yes' },
      }),
    );
    expect(moved).toMatchObject({ KeyId: destination, SourceKeyId: kms.keyArn });
    const { CiphertextBlob } = moved;
    const answer = await client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: { moved: 'yes' } }));
    expect(text(answer.Plaintext)).toBe(API_KEY);
  });

  it('generates data keys of the size asked for', async () => {
    const sizes: [Partial<sdk.GenerateDataKeyCommandInput>, number][] = [
      [{ KeySpec: 'AES_256' }, 32],
      [{ KeySpec: 'AES_128' }, 16],
      [{ NumberOfBytes: 64 }, 64],
    ];
    for (const [how, size] of sizes) {
      const made = await client.send(
        new sdk.GenerateDataKeyCommand({ KeyId: kms.keyArn, EncryptionContext: CONTEXT, ...how }),
      );
      const { CiphertextBlob } = made;
      const answer = await client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT }));
      expect(made.Plaintext).toHaveLength(size);
      expect(answer.Plaintext).toEqual(made.Plaintext);
    }
    const neither = client.send(new sdk.GenerateDataKeyCommand({ KeyId: kms.keyArn }));
    expect(await catchError(neither)).toMatchObject({ name: 'ValidationException' });
  });

  it('honours the state of a key until reset()', async () => {
    const KeyId = kms.keyArn;
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, CONTEXT));
    const decrypt = (): Promise<sdk.DecryptCommandOutput> =>
      client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT }));

    await client.send(new sdk.DisableKeyCommand({ KeyId }));
    expect(await catchError(decrypt())).toBeInstanceOf(sdk.DisabledException);
    await client.send(new sdk.EnableKeyCommand({ KeyId }));
    expect(text((await decrypt()).Plaintext)).toBe(API_KEY);

    const scheduled = await client.send(new sdk.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    expect(scheduled).toMatchObject({ KeyId, KeyState: 'PendingDeletion', PendingWindowInDays: 7 });
    expect(scheduled.DeletionDate?.getTime()).toBeGreaterThan(Date.now() + 6 * 86_400_000);
    const refused = await catchError(decrypt());
    expect(refused).toBeInstanceOf(sdk.KMSInvalidStateException);
    expect(refused.message).toContain('is pending deletion');
    const enable = client.send(new sdk.EnableKeyCommand({ KeyId }));
    expect(await catchError(enable)).toMatchObject({ name: 'KMSInvalidStateException' });

    kms.reset();
    expect(text((await decrypt()).Plaintext)).toBe(API_KEY);
  });

  it('tells a wrong key from an unknown one', async () => {
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, CONTEXT));
    const decrypt = (KeyId: string): Promise<unknown> =>
      client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT, KeyId }));
    expect(await catchError(decrypt(await newKey()))).toBeInstanceOf(sdk.IncorrectKeyException);
    const unknown = [
      'alias/nobody',
      '00000000-0000-0000-0000-000000000000',
      kms.keyArn.replace('us-east-1', 'eu-west-1'),
      kms.keyArn.replace('111122223333', '444455556666'),
      `key/${kms.keyArn.split('/')[1] ?? ''}`,
    ];
    for (const KeyId of unknown) expect(await catchError(decrypt(KeyId))).toBeInstanceOf(sdk.NotFoundException);
  });

  it("holds to KMS's limits", async () => {
    const tooLong = client.send(new sdk.EncryptCommand({ KeyId: kms.keyArn, Plaintext: Buffer.alloc(4097) }));
    expect(await catchError(tooLong)).toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('less than or equal to 4096'),
    });
    const tooBig = client.send(new sdk.DecryptCommand({ CiphertextBlob: Buffer.alloc(6145) }));
    expect(await catchError(tooBig)).toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('less than or equal to 6144'),
    });
    const empty = client.send(new sdk.EncryptCommand({ KeyId: kms.keyArn, Plaintext: Buffer.alloc(0) }));
    expect(await catchError(empty)).toMatchObject({ name: 'ValidationException' });
    const none = client.send(new sdk.DescribeKeyCommand({ KeyId: undefined }));
    expect(await catchError(none)).toMatchObject({ name: 'ValidationException' });
  });

  it('answers a dry run that would succeed with DryRunOperationException, any other with its real error', async () => {
    const CiphertextBlob = bytes(kms.encrypt(API_KEY, CONTEXT));
    const good = client.send(new sdk.DecryptCommand({ CiphertextBlob, EncryptionContext: CONTEXT, DryRun: true }));
    const error = await catchError(good);
    expect(error).toBeInstanceOf(sdk.DryRunOperationException);
    expect(error).toMatchObject({ $metadata: { httpStatusCode: 412 } });
    const bad = client.send(new sdk.DecryptCommand({ CiphertextBlob, DryRun: true }));
    expect(await catchError(bad)).toMatchObject({ name: 'InvalidCiphertextException' });
    const permission = client.send(
      new sdk.DecryptCommand({ KeyId: kms.keyArn, DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }),
    );
    expect(await catchError(permission)).toMatchObject({ name: 'DryRunOperationException' });
  });

  it('gives every answer a request id, and logs it with operation, time and status', async () => {
    const { requests } = kms;
    const answer = await client.send(new sdk.DescribeKeyCommand({ KeyId: kms.keyArn }));
    await catchError(client.send(new sdk.DescribeKeyCommand({ KeyId: 'alias/nobody' })));
    expect(requests).toEqual([
      { operation: 'DescribeKey', requestId: answer.$metadata.requestId, at: expect.any(Number), status: 200 },
      {
        operation: 'DescribeKey',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        at: expect.any(Number),
        status: 400,
      },
    ]);
    kms.reset();
    expect(requests).toEqual([]);
  });

  it('shows no plaintext in its log or when printed', async () => {
    const Plaintext = Buffer.from(API_KEY);
    const { CiphertextBlob } = await client.send(new sdk.EncryptCommand({ KeyId: kms.keyArn, Plaintext }));
    await client.send(new sdk.DecryptCommand({ CiphertextBlob }));
    const shown = inspect(kms, { depth: 20, showHidden: true }) + JSON.stringify(kms);
    expect(shown).toContain('Decrypt');
    expect(shown).not.toContain(API_KEY);
    expect(shown).not.toContain(Buffer.from(API_KEY).toString('base64'));
  });
});

describe('the fake KMS, on the wire', () => {
  it('refuses an operation it does not know, and never logs what stands in its place', async () => {
    const answer = await post(kms.url, 'TrentService.GetPublicKey', '{}');
    expect(answer).toMatchObject({ status: 400, body: { __type: 'UnknownOperationException' } });
    expect(answer.requestId).toBe(kms.requests[0]?.requestId);
    await post(kms.url, 'constructor', '{}');
    await post(kms.url, 'TrentService.toString', '{}');
    await post(kms.url, `TrentService.${API_KEY}`, '{}');
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['GetPublicKey', '', 'toString', '']);
    expect(kms.requests.every(({ status }) => status === 400)).toBe(true);
  });

  it('refuses what it cannot read with SerializationException', async () => {
    const bodies = [
      '{"KeyId":',
      '[]',
      '{"CiphertextBlob":17}',
      '{"CiphertextBlob":"not base64 at all"}',
      `{"CiphertextBlob":"${kms.encrypt(API_KEY, {})}","EncryptionContext":{"a":1}}`,
    ];
    for (const body of bodies) {
      const answer = await post(kms.url, 'TrentService.Decrypt', body);
      expect(answer).toMatchObject({ status: 400, body: { __type: 'SerializationException' } });
    }
  });

  it('answers EnableKey with an empty body', async () => {
    const answer = await post(kms.url, 'TrentService.EnableKey', JSON.stringify({ KeyId: kms.keyArn }));
    expect(answer).toMatchObject({ status: 200, text: '' });
  });
});
