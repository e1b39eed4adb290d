import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { inspect } from 'node:util';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stage } from '../../../src/core/index.js';
import { fromSecretsManager, type FromSecretsManagerOptions } from '../../../src/providers/secrets-manager/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { fakeSecret, secretsFault } from './fake-secret.js';
import { failure, hurriedClock, request, text } from '../loading.js';

const KEY = 'sk-invented/+&=0123456789';
const { versions, mock, reset } = fakeSecret();
afterAll(() => mock.restore());
beforeEach(() => reset({ 'version-1': { stages: ['AWSCURRENT'], text: KEY } }));

const secret = (more: Partial<FromSecretsManagerOptions> = {}) =>
  fromSecretsManager({ secretId: 'gold', region: 'eu-central-1', ...more });
const load = (stage: Stage, more: Partial<FromSecretsManagerOptions> = {}): Promise<unknown> =>
  secret(more).load(request(hurriedClock(), { stage }));

describe('the options of fromSecretsManager', () => {
  it.each([
    ['no secret', { secretId: undefined }, TypeError, /`secretId` must be a non-empty string, got undefined/],
    ['an empty secret', { secretId: '' }, TypeError, /`secretId`/],
    [
      'an ARN of another service',
      { secretId: 'arn:aws:ssm:eu-central-1:1:parameter/a' },
      RangeError,
      /another service/,
    ],
    ['an unknown name', { secretID: 'x' }, TypeError, /`secretID`.*`secretId`/],
    ['a nearly known name', { feld: 'x' }, TypeError, /`feld`.*`field`/],
    ['a field that is no string', { field: 7 }, TypeError, /`field`/],
    ['two Regions', { clientConfig: { region: 'us-east-1' } }, RangeError, /must not differ/],
    ['plain http', { clientConfig: { endpoint: 'http://secrets.example.com' } }, RangeError, /https/],
    ['a client that is none', { client: {} }, TypeError, /SecretsManagerClient/],
  ])('refuse %s at once', (_, more, type, says) => {
    const create = (): unknown => secret(more as object);

    expect(create).toThrow(type);
    expect(create).toThrow(says);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('a load of fromSecretsManager', () => {
  it('reads each stage by its label, under its VersionId', async () => {
    versions.set('version-2', { stages: ['AWSPENDING'], text: 'pending-key-0002' });
    versions.set('version-0', { stages: ['AWSPREVIOUS'], text: 'previous-key-0000' });

    const loaded = await Promise.all((['current', 'pending', 'previous'] as const).map((stage) => load(stage)));

    expect(loaded.map(text)).toEqual([KEY, 'pending-key-0002', 'previous-key-0000']);
    expect(loaded).toMatchObject([{ version: 'version-1' }, { version: 'version-2' }, { version: 'version-0' }]);
    expect(loaded[0]).toMatchObject({ createdAt: 1_000 });
  });

  it.each(['pending', 'previous'] as const)('finds no %s key where nothing has its label', async (stage) => {
    expect(await load(stage)).toBeUndefined();
  });

  it.each([{ text: '' }, { text: undefined }, { binary: new Uint8Array() }, { text: '{"apiKey":""}' }])(
    'takes an AWSPENDING that is empty (%o) for none',
    async (version) => {
      versions.set('version-2', { stages: ['AWSPENDING'], ...version });

      expect(await load('pending', version.text?.startsWith('{') === true ? { field: 'apiKey' } : {})).toBeUndefined();
    },
  );

  it('reads a field of a JSON secret, and binary', async () => {
    versions.set('version-2', { stages: ['AWSPENDING'], text: JSON.stringify({ user: 'a', apiKey: KEY }) });
    versions.set('version-0', { stages: ['AWSPREVIOUS'], binary: Buffer.from(KEY) });

    expect(text(await load('pending', { field: 'apiKey' }))).toBe(KEY);
    expect(text(await load('previous'))).toBe(KEY);
  });

  it('zeroes the bytes that the SDK handed over, also those that come after an abort', async () => {
    const [first, second, third] = [Buffer.from(KEY), Buffer.from(KEY), Buffer.from(KEY)];
    const late: { answer?: (value: object) => void } = {};
    mock
      .on(GetSecretValueCommand)
      .resolvesOnce({ VersionId: 'a', SecretBinary: first })
      .resolvesOnce({ VersionId: 'a', SecretBinary: second })
      .callsFake(() => new Promise((resolve) => (late.answer = resolve)));
    const controller = new AbortController();

    expect(text(await load('current'))).toBe(KEY);
    expect(await secret().load(request(hurriedClock(), { known: ['a'] }))).toEqual({ unchanged: true, version: 'a' });
    const aborted = failure(secret().load(request(hurriedClock(), { signal: controller.signal })));
    await vi.waitFor(() => expect(late.answer).toBeDefined());
    controller.abort(new Error('enough'));
    late.answer?.({ VersionId: 'a', SecretBinary: third });

    expect(await aborted).toMatchObject({ message: 'enough' });
    for (const bytes of [first, second, third])
      await vi.waitFor(() => expect(bytes.every((byte) => byte === 0)).toBe(true));
  });

  it('asks the store about a version that is known, and answers `unchanged` only then', async () => {
    const known = ['version-1'];
    const keys = secret();

    expect(await keys.load(request(undefined, { known }))).toEqual({ unchanged: true, version: 'version-1' });
    expect(await keys.load(request(undefined, { known: ['version-0'] }))).toHaveProperty('bytes');
    mock.on(GetSecretValueCommand).rejects(secretsFault('AccessDeniedException'));
    expect(await failure(keys.load(request(undefined, { known })))).toMatchObject({
      code: 'ERR_GOLDKEY_ACCESS_DENIED',
    });
    expect(mock.calls()).toHaveLength(3);
  });

  it('leaves a client of the caller’s open, and destroys its own', async () => {
    const destroy = vi.spyOn(SecretsManagerClient.prototype, 'destroy');
    const client = new SecretsManagerClient({ region: 'eu-central-1' });
    // Of a Region that no other test uses: clients are shared.
    const [own, callers] = [secret({ region: 'sa-east-1' }), fromSecretsManager({ secretId: 'gold', client })];
    for (const keys of [own, callers]) await keys.load(request());

    await callers.close?.();
    expect(destroy).not.toHaveBeenCalled();
    await own.close?.();
    expect(destroy).toHaveBeenCalledTimes(1);
    destroy.mockRestore();
  });
});

describe('a secret that holds no key', () => {
  const big = 'k'.repeat(5 * 1024 * 1024);
  it.each([
    ['is empty', { text: '' }, undefined, /empty for AWSCURRENT/],
    ['has 5 MB', { text: big }, undefined, /5242880 bytes; at most 65536/],
    ['has 5 MB of JSON', { text: JSON.stringify({ apiKey: big }) }, 'apiKey', /bytes; at most 65536/],
    ['has 5 MB of bytes', { binary: Buffer.from(big) }, undefined, /5242880 bytes/],
    [
      'is JSON and no field is named',
      { text: JSON.stringify({ apiKey: KEY }) },
      undefined,
      /JSON object with the fields `apiKey`, not a key; set `field` to/,
    ],
    ['is text where JSON is expected', { text: KEY }, 'apiKey', /not a JSON object.*`apiKey`/],
    ['is an array', { text: JSON.stringify([KEY]) }, 'apiKey', /not a JSON object/],
    ['is cut short', { text: `{"apiKey":"${KEY}` }, 'apiKey', /not a JSON object/],
    ['has no such field', { text: JSON.stringify({ other: KEY }) }, 'apiKey', /without the field `apiKey`/],
    ['has the field only by inheritance', { text: '{"other":"x"}' }, 'constructor', /without the field/],
    ['has a number in the field', { text: '{"apiKey":1234567890123}' }, 'apiKey', /type number in its field `apiKey`/],
    ['has null in the field', { text: '{"apiKey":null}' }, 'apiKey', /null in its field/],
    ['is binary where JSON is expected', { binary: Buffer.from(KEY) }, 'apiKey', /not a JSON object/],
  ] as const)('because it %s is a KeyFormatError without the key', async (_, version, field, says) => {
    versions.set('version-1', { stages: ['AWSCURRENT'], ...version });

    const error = (await failure(load('current', { field }))) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false, provider: 'aws-secrets-manager' });
    expect(error.message).toMatch(says);
    for (const shown of [error, inspect(error), JSON.stringify(error)]) {
      assertNoSecret(shown, KEY);
      expect(String(shown)).not.toContain('1234567890123');
    }
  });

  it('because its version was deleted is not found', async () => {
    versions.delete('version-1');

    expect(await failure(load('current'))).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
  });

  it('because the answer names no version may be another time', async () => {
    mock.on(GetSecretValueCommand).resolves({ SecretString: KEY, SecretBinary: Buffer.from(KEY) });

    const error = await failure(load('current'));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    assertNoSecret(error, KEY);
  });
});

describe('the errors of Secrets Manager', () => {
  it.each([
    [
      'AccessDeniedException',
      400,
      'ERR_GOLDKEY_ACCESS_DENIED',
      false,
      1,
      /policy.*secretsmanager:GetSecretValue.*`gold`/,
    ],
    ['ResourceNotFoundException', 400, 'ERR_GOLDKEY_NOT_FOUND', false, 1, /`gold` with a value for AWSCURRENT.*Region/],
    ['InvalidRequestException', 400, 'ERR_GOLDKEY_NOT_FOUND', false, 1, /scheduled for deletion/],
    ['DecryptionFailure', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /KMS key of the secret `gold`/],
    ['EncryptionFailure', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /KMS key/],
    ['InvalidParameterException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /`secretId`/],
    ['ValidationException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /`secretId`/],
    ['InternalServiceError', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['ThrottlingException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['LimitExceededException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['UnknownError', 429, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['UnknownError', 503, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 503/],
    ['ExpiredTokenException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['UnrecognizedClientException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['InvalidSignatureException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /clock/],
    ['RequestTimeTooSkewed', 403, 'ERR_GOLDKEY_PROVIDER', true, 2, /clock/],
    ['SomethingNewException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /SomethingNewException/],
  ] as const)(
    '%s with status %i is %s (retryable: %s, requests: %i)',
    async (name, status, code, retryable, requests, says) => {
      const printed = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write'), vi.spyOn(console, 'warn')];
      mock.on(GetSecretValueCommand).rejects(secretsFault(name, status));

      const error = await failure(load('current'));

      expect(error).toMatchObject({ code, retryable, provider: 'aws-secrets-manager', cause: { name } });
      expect((error as Error).message).toMatch(says);
      expect(mock.calls()).toHaveLength(requests);
      for (const spy of printed) expect(spy).not.toHaveBeenCalled();
      for (const spy of printed) spy.mockRestore();
    },
  );

  it.each([
    ['CredentialsProviderError', undefined, 'ERR_GOLDKEY_PROVIDER', /no AWS credentials/],
    ['TimeoutError', undefined, 'ERR_GOLDKEY_KEY_TIMEOUT', /did not answer GetSecretValue in time/],
    ['Error', 'ECONNREFUSED', 'ERR_GOLDKEY_PROVIDER', /reached \(ECONNREFUSED\)/],
    ['Error', 'ENOTFOUND', 'ERR_GOLDKEY_PROVIDER', /DNS/],
  ])('a %s with the code %s is %s, and may pass', async (name, code, expected, says) => {
    mock.on(GetSecretValueCommand).rejects(Object.assign(new Error('x'), { name }, code === undefined ? {} : { code }));

    const error = await failure(load('current'));

    expect(error).toMatchObject({ code: expected, retryable: true });
    expect((error as Error).message).toMatch(says);
  });

  it.each(['AccessDeniedException', 'InvalidRequestException'])(
    '%s of another stage is no missing label',
    async (name) => {
      mock.on(GetSecretValueCommand).rejects(secretsFault(name));

      expect(await failure(load('pending'))).toMatchObject({ retryable: false });
    },
  );

  it('keep nothing of an answer that could not be read', async () => {
    const unread = Object.assign(new SyntaxError(`Unexpected end of ${KEY}`), { $metadata: { httpStatusCode: 200 } });
    mock.on(GetSecretValueCommand).rejects(unread);

    assertNoSecret(await failure(load('current')), KEY);
  });
});
