import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  KMSClient,
  NotFoundException,
  AlreadyExistsException,
} from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { kmsCipher } from '../../../src/providers/kms/index.js';
import { createKmsKey } from '../../../src/providers/kms/create-key.js';
import { startFakeKms } from '../../../src/testing/fake-kms/server.js';
import { failure } from '../loading.js';

const CREDENTIALS = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret' };

describe('createKmsKey', () => {
  it('makes a key behind its alias once', async () => {
    await using kms = await startFakeKms();
    const connection = { region: kms.region, clientConfig: { endpoint: kms.url, credentials: CREDENTIALS } };
    const options = { alias: 'alias/another', ...connection };

    const first = await createKmsKey(options);
    const second = await createKmsKey(options);

    expect(first).toEqual({ arn: expect.stringMatching(/^arn:aws:kms:.*:key\//), created: true });
    expect(second).toEqual({ arn: first.arn, created: false });
    expect(kms.requests.map(({ operation }) => operation)).toEqual([
      'DescribeKey',
      'CreateKey',
      'CreateAlias',
      'DescribeKey',
    ]);
    const cipher = kmsCipher({ keyId: 'alias/another', encryptionContext: {}, ...connection });
    expect((await cipher.encrypt('invented-key')).keyId).toBe(first.arn);
    await cipher.close?.();
  });

  it('makes no second key for an answer that was lost', async () => {
    await using kms = await startFakeKms();
    kms.inject('reset', { operation: 'CreateKey' });

    const error = await failure(
      createKmsKey({
        alias: 'alias/x',
        region: kms.region,
        clientConfig: { endpoint: kms.url, credentials: CREDENTIALS },
      }),
    );

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(kms.requests.filter(({ operation }) => operation === 'CreateKey')).toHaveLength(1);
  });

  const metadata = { $metadata: {} };
  const notFound = new NotFoundException({ message: '', ...metadata });
  const taken = new AlreadyExistsException({ message: '', ...metadata });
  const mocked = (): ReturnType<typeof mockClient> => {
    const kms = mockClient(KMSClient);
    kms.on(CreateKeyCommand).resolves({ KeyMetadata: { KeyId: 'ours', Arn: 'arn:ours' } });
    kms.on(CreateAliasCommand).rejects(taken);
    return kms;
  };

  it.each([
    ['another key', 'arn:theirs', { arn: 'arn:theirs', created: false, orphan: 'arn:ours' }],
    ['our own, whose answer was lost', 'arn:ours', { arn: 'arn:ours', created: true }],
  ])('that finds the alias taken by %s says so', async (_, arn, expected) => {
    const kms = mocked();
    kms
      .on(DescribeKeyCommand)
      .rejectsOnce(notFound)
      .resolves({ KeyMetadata: { KeyId: 'x', Arn: arn } });

    expect(await createKmsKey({ alias: 'alias/x', region: 'eu-central-1' })).toEqual(expected);
    kms.restore();
  });

  it('names the key that was left without an alias', async () => {
    const kms = mocked();
    kms.on(DescribeKeyCommand).rejects(notFound);
    kms.on(CreateAliasCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));

    const error = await failure(createKmsKey({ alias: 'alias/x', region: 'eu-central-1' }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    expect((error as Error).message).toContain('arn:ours');
    kms.restore();
  });

  it.each([
    [{ KeyState: 'PendingDeletion' as const }, 'ERR_GOLDKEY_ACCESS_DENIED'],
    [{ KeyUsage: 'SIGN_VERIFY' as const }, 'ERR_GOLDKEY_DECRYPT'],
    [{ KeySpec: 'RSA_2048' as const }, 'ERR_GOLDKEY_DECRYPT'],
  ])('does not hand out a key of %o', async (more, code) => {
    const kms = mocked();
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: 'x', Arn: 'arn:x', ...more } });

    expect(await failure(createKmsKey({ alias: 'alias/x', region: 'eu-central-1' }))).toMatchObject({ code });
    expect(kms.commandCalls(CreateKeyCommand)).toHaveLength(0);
    kms.restore();
  });

  it.each(['', 'gold', 'alias/', 'alias/aws/ebs', 'alias/with space'])('refuses the alias `%s`', async (alias) => {
    expect(await failure(createKmsKey({ alias }))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });
});
