import { DecryptCommand, KMSClient, KMSServiceException } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromKms } from '../../../src/providers/kms/index.js';
import { computeAwsRetryDelay } from '../../../src/aws/failures.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure, hurriedClock, request } from '../loading.js';

const kms = mockClient(KMSClient);
beforeEach(() => kms.reset());

const CIPHERTEXT = Buffer.alloc(180, 7);
const CONTEXT = { service: 'value-of-service' };

/** As the SDK raises it: most names have no class of their own. */
function serviceError(name: string, status: number, message = 'UnknownError'): Error {
  return new KMSServiceException({
    name,
    message,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
}

const load = (): Promise<unknown> =>
  fromKms({ ciphertext: CIPHERTEXT, encryptionContext: CONTEXT, keyId: 'alias/gold', region: 'eu-central-1' }).load(
    request(),
  );

describe('the errors of KMS', () => {
  it.each([
    [
      'AccessDeniedException',
      400,
      'ERR_GOLDKEY_ACCESS_DENIED',
      false,
      1,
      /policy.*kms:Decrypt.*`alias\/gold`.*`service`/,
    ],
    ['InvalidCiphertextException', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /damaged.*`encryptionContext`.*`service`/],
    ['IncorrectKeyException', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /another key.*alias/],
    ['DisabledException', 400, 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /disabled/],
    ['KMSInvalidStateException', 400, 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /pending deletion/],
    [
      'NotFoundException',
      400,
      'ERR_GOLDKEY_NOT_FOUND',
      false,
      1,
      /the Region: the KMS key [^ ]+ does not exist there\./,
    ],
    ['InvalidKeyUsageException', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /symmetric/],
    ['InvalidGrantTokenException', 400, 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /grantTokens/],
    ['KeyUnavailableException', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['KMSInternalException', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['DependencyTimeoutException', 503, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 503/],
    ['ThrottlingException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['LimitExceededException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['ExpiredTokenException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['UnrecognizedClientException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['ValidationException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /`keyId`/],
    ['InvalidSignatureException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /clock/],
    ['DryRunOperationException', 412, 'ERR_GOLDKEY_PROVIDER', true, 1, /DryRunOperationException/],
    ['SomethingNewException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /SomethingNewException/],
    ['UnknownError', 429, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['UnknownError', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['UnknownError', 502, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 502/],
    ['UnknownError', 503, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 503/],
    ['UnknownError', 504, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 504/],
    ['constructor', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /failed with constructor/],
  ] as const)(
    'maps %s with status %i to %s (retryable: %s, requests: %i)',
    async (name, status, code, retryable, requests, says) => {
      kms.on(DecryptCommand).rejects(serviceError(name, status));

      const error = await failure(load());

      expect(error).toMatchObject({ code, retryable, provider: 'aws-kms', cause: { name } });
      expect((error as Error).message).toMatch(says);
      expect((error as Error).message).not.toContain('value-of-service');
      expect(kms.calls()).toHaveLength(requests);
    },
  );

  it('keeps the first line of what was refused: of a signature the others quote the request, session token included', async () => {
    const token = 'IQoJinvented//session+token==';
    const message = `The request signature does not match.\n\nThe Canonical String was\n'POST\nx-amz-security-token:${token}'`;
    kms.on(DecryptCommand).rejects(serviceError('InvalidSignatureException', 400, message));

    const error = await failure(load());

    expect(error).toMatchObject({ cause: { message: 'The request signature does not match.' } });
    assertNoSecret(error, token);
  });

  it.each([
    ['TimeoutError', 'ECONNRESET', 'ERR_GOLDKEY_PROVIDER', /reached \(ECONNRESET\)/],
    ['TimeoutError', 'ETIMEDOUT', 'ERR_GOLDKEY_KEY_TIMEOUT', /VPC endpoint/],
    ['TimeoutError', undefined, 'ERR_GOLDKEY_KEY_TIMEOUT', /in time/],
    ['Error', 'ECONNREFUSED', 'ERR_GOLDKEY_PROVIDER', /reached \(ECONNREFUSED\)/],
    ['Error', 'ENOTFOUND', 'ERR_GOLDKEY_PROVIDER', /DNS/],
    ['Error', 'EAI_AGAIN', 'ERR_GOLDKEY_PROVIDER', /DNS/],
    ['Error', 'ETIMEDOUT', 'ERR_GOLDKEY_KEY_TIMEOUT', /in time/],
    ['Error', 'EPIPE', 'ERR_GOLDKEY_PROVIDER', /network/],
    ['Error', 'EHOSTUNREACH', 'ERR_GOLDKEY_PROVIDER', /VPC endpoint/],
  ])('maps a %s with code %s to %s, after two more tries', async (name, code, expected, says) => {
    kms.on(DecryptCommand).rejects(Object.assign(new Error('socket'), { name }, code === undefined ? {} : { code }));

    const error = await failure(load());

    expect(error).toMatchObject({ code: expected, retryable: true });
    expect((error as Error).message).toMatch(says);
    expect(kms.calls()).toHaveLength(3);
  });

  it.each([
    ['CredentialsProviderError', 'Could not load credentials from any providers', /no AWS credentials/],
    ['Error', 'Region is missing', /AWS_REGION/],
    ['Error', 'Region not accepted: region="" is not a valid hostname component.', /AWS_REGION/],
    ['Error', 'anything else', /the original error is the `cause`/],
    ['AbortError', 'Request aborted', /AbortError/],
    ['no name at all, but a sentence', 'x', /failed with Error/],
  ])('takes a %s (%s) for something that may pass, and does not ask again', async (name, message, says) => {
    kms.on(DecryptCommand).rejects(Object.assign(new Error(message), { name }));

    const error = await failure(load());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(says);
    expect(kms.calls()).toHaveLength(1);
  });

  it('asks once more, at once, when a signature has expired, and then no more', async () => {
    const clock = hurriedClock();
    kms
      .on(DecryptCommand)
      .rejects(serviceError('InvalidSignatureException', 400, 'Signature expired: 1 is now earlier than 2'));
    const keys = fromKms({ ciphertext: CIPHERTEXT, encryptionContext: {}, region: 'eu-central-1' });

    expect(await failure(keys.load(request(clock)))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });

    expect(kms.calls()).toHaveLength(2);
    expect(clock.waits).toEqual([]);
  });

  it('leaves retries to the SDK when its client is the caller’s, or its configuration brings them', async () => {
    kms.on(DecryptCommand).rejects(serviceError('ThrottlingException', 400));
    const own = { ciphertext: CIPHERTEXT, encryptionContext: {} };

    await failure(fromKms({ ...own, client: new KMSClient({ region: 'eu-central-1' }) }).load(request()));
    await failure(fromKms({ ...own, clientConfig: { region: 'eu-central-1', maxAttempts: 4 } }).load(request()));

    expect(kms.calls()).toHaveLength(2);
  });

  it('drops the answer that an SDK error holds on to', async () => {
    const $response = { statusCode: 400, body: 'anything' };
    kms.on(DecryptCommand).rejects(Object.assign(serviceError('DisabledException', 400), { $response }));

    await failure(load());

    expect($response.body).toBeUndefined();
  });

  it('doubles its pauses from a window of 100 ms, 1 s for throttling', () => {
    const throttled = serviceError('ThrottlingException', 400);
    const internal = serviceError('KMSInternalException', 500);
    for (let round = 0; round < 100; round++) {
      for (const [error, retried, window] of [
        [internal, 0, 100],
        [internal, 1, 200],
        [throttled, 0, 1_000],
        [throttled, 1, 2_000],
      ] as const) {
        const pause = computeAwsRetryDelay(error, retried);
        expect(pause).toBeGreaterThanOrEqual(window / 2);
        expect(pause).toBeLessThanOrEqual(window);
      }
    }
  });
});

const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const answer = (keyId: string | undefined, more: object = {}): void => {
  kms
    .on(DecryptCommand)
    .resolves({ Plaintext: Buffer.from('invented-key'), ...(keyId === undefined ? {} : { KeyId: keyId }), ...more });
};
const loadWith = (keyId: string | undefined): Promise<unknown> =>
  fromKms({ ciphertext: CIPHERTEXT, encryptionContext: {}, keyId, region: 'eu-central-1' }).load(request());

describe('an answer of KMS', () => {
  it.each([
    ARN,
    '1234abcd-12ab-34cd-56ef-1234567890ab',
    'alias/gold',
    'arn:aws:kms:eu-central-1:111122223333:alias/gold',
    undefined,
  ])('fits the key `%s`', async (keyId) => {
    answer(ARN);

    expect(await loadWith(keyId)).toMatchObject({ version: expect.any(String) });
    expect(kms.commandCalls(DecryptCommand)[0]?.args[0].input.KeyId).toBe(keyId);
  });

  it.each([
    [ARN, ARN.replace('1234abcd', '99999999')],
    [ARN, undefined],
    ['1234abcd-12ab-34cd-56ef-1234567890ab', ARN.replace('90ab', '90ff')],
    ['34cd-56ef-1234567890ab', ARN],
  ])('from another key than `%s` (%s) is refused and zeroed', async (keyId, answered) => {
    const plaintext = Buffer.from('invented-key');
    answer(answered, { Plaintext: plaintext });

    expect(await failure(loadWith(keyId))).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', retryable: false });
    expect(plaintext.every((byte) => byte === 0)).toBe(true);
  });

  it('from a key whose name has line breaks is refused in one line', async () => {
    answer(`${ARN}\nINFO all is well`);

    const { message } = (await failure(loadWith(ARN))) as Error;

    expect(message).toContain(`used the key [${String(ARN.length + 17)} characters, not shown], not \`${ARN}\``);
    expect(message).not.toContain('\n');
  });

  it.each([
    `arn:${Buffer.from('sk-invented-0001').toString('base64')}`,
    'arn:aws:kms:sk-invented-0001:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    'arn:aws:kms:us-east-1:111122223333:key/sk-invented-0001',
  ])('from %j, which may hide anything, is refused without showing it', async (used) => {
    answer(used);

    const { message } = (await failure(loadWith(ARN))) as Error;

    expect(message).toContain(`used the key [${String(used.length)} characters, not shown], not \`${ARN}\``);
    expect(message).not.toContain(used);
  });

  it('from another key is refused with the name of both', async () => {
    const other = ARN.replace('111122223333', '444455556666');
    answer(other);

    expect(((await failure(loadWith(ARN))) as Error).message).toContain(`used the key \`${other}\`, not \`${ARN}\``);
  });

  const REPLICA = 'arn:aws:kms:us-west-2:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab';

  it.each([REPLICA.replace('us-west-2', 'eu-central-1'), REPLICA.replace('us-west-2', 'ap-south-1')])(
    'of a multi-Region key fits `%s` in every Region',
    async (keyId) => {
      answer(REPLICA);

      expect(await loadWith(keyId)).toMatchObject({ version: expect.any(String) });
    },
  );

  it.each([
    ['of another account', REPLICA.replace('111122223333', '444455556666')],
    ['with another id', REPLICA.replace('90ab', '90ff')],
    ['of another partition', REPLICA.replace('arn:aws:', 'arn:aws-cn:')],
    ['of one Region only', REPLICA.replace('mrk-', '')],
  ])('of a multi-Region key does not fit one %s', async (_, keyId) => {
    answer(REPLICA);

    expect(await failure(loadWith(keyId))).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', retryable: false });
  });

  it('of a key of one Region does not fit the same id in another Region', async () => {
    answer(ARN);

    expect(await failure(loadWith(ARN.replace('eu-central-1', 'us-west-2')))).toMatchObject({
      code: 'ERR_GOLDKEY_DECRYPT',
    });
  });

  it.each([{ Plaintext: undefined }, { Plaintext: new Uint8Array() }])(
    'without a plaintext (%o) is told as such',
    async (more) => {
      answer(ARN, more);

      const error = await failure(loadWith(ARN));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
      expect((error as Error).message).toContain('Recipient');
    },
  );

  it('leaves nothing of the plaintext in the memory of the SDK', async () => {
    const plaintext = Buffer.from('invented-key');
    answer(ARN, { Plaintext: plaintext });

    const loaded = await loadWith(ARN);

    expect(Buffer.from((loaded as { bytes: Uint8Array }).bytes).toString()).toBe('invented-key');
    expect(plaintext.every((byte) => byte === 0)).toBe(true);
  });

  it('that comes after the load was aborted is zeroed', async () => {
    const plaintext = Buffer.from('invented-key');
    const controller = new AbortController();
    let respond: (() => void) | undefined;
    kms
      .on(DecryptCommand)
      .callsFake(() => new Promise((resolve) => (respond = () => resolve({ Plaintext: plaintext, KeyId: ARN }))));
    const keys = fromKms({ ciphertext: CIPHERTEXT, encryptionContext: {}, region: 'eu-central-1' });
    const loading = failure(keys.load(request(hurriedClock(), { signal: controller.signal })));
    await expect.poll(() => kms.calls().length).toBe(1);

    controller.abort(new Error('enough'));
    expect(await loading).toMatchObject({ message: 'enough' });
    respond?.();

    await expect.poll(() => plaintext.every((byte) => byte === 0)).toBe(true);
  });

  it('is asked for with the context and the grant tokens', async () => {
    answer(ARN);
    const grantTokens = ['token'];
    const keys = fromKms({ ciphertext: CIPHERTEXT, encryptionContext: CONTEXT, grantTokens, region: 'eu-central-1' });
    grantTokens.push('later');

    await keys.load(request());

    expect(kms.commandCalls(DecryptCommand)[0]?.args[0].input).toMatchObject({
      CiphertextBlob: new Uint8Array(CIPHERTEXT),
      EncryptionContext: CONTEXT,
      GrantTokens: ['token'],
    });
  });
});
