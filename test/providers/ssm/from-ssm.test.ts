import { GetParameterCommand, PutParameterCommand, SSMClient, SSMServiceException } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { inspect } from 'node:util';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stage } from '../../../src/core/index.js';
import { writeToSsm } from '../../../src/providers/ssm/write.js';
import { fromSsm, type FromSsmOptions } from '../../../src/providers/ssm/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure, hurriedClock, request, text } from '../loading.js';

const KEY = 'sk-invented/+&=0123456789';
const WRITTEN = new Date('2026-11-22T11:30:00.000Z');
const parameter = (more: object = {}): { Parameter: object } => ({
  Parameter: { Type: 'SecureString', Value: KEY, Version: 3, LastModifiedDate: WRITTEN, ...more },
});
const ssm = mockClient(SSMClient);
beforeEach(() => {
  ssm.reset();
  ssm.on(GetParameterCommand).callsFake(() => parameter());
});
afterAll(() => ssm.restore());

const store = (more: Partial<FromSsmOptions> = {}) => fromSsm({ name: '/gold', region: 'eu-central-1', ...more });
const load = (stage: Stage = 'current', more: Partial<FromSsmOptions> = {}): Promise<unknown> =>
  store(more).load(request(hurriedClock(), { stage }));
const fault = (name: string, status = 400): Error =>
  new SSMServiceException({
    name,
    message: 'UnknownError',
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
const asked = (): (string | undefined)[] =>
  ssm.commandCalls(GetParameterCommand).map((call) => call.args[0].input.Name);

describe('the options of fromSsm', () => {
  const arn = 'arn:aws:ssm:eu-central-1:111122223333:parameter/gold';
  it.each([
    ['no name', { name: undefined }, TypeError, /`name` must be a non-empty string, got undefined/],
    ['an unknown name', { label: 'x' }, TypeError, /`label`.*`labels`/],
    ['an ARN of another service', { name: 'arn:aws:kms:eu-central-1:1:key/a' }, RangeError, /another service/],
    ['a reference to a secret', { name: '/aws/reference/secretsmanager/a' }, RangeError, /fromSecretsManager/],
    ['labels that are a string', { labels: 'live' }, TypeError, /`labels`/],
    ['a label of no stage', { labels: { curent: 'live' } }, TypeError, /`curent`.*`current`/],
    ['an empty label', { labels: { current: '' } }, TypeError, /`labels.current`/],
    ['a version as a label', { labels: { current: '3' } }, RangeError, /number goes into `name`/],
    ['a label that the service keeps to itself', { labels: { pending: 'AWSnext' } }, RangeError, /`labels.pending`/],
    ['a label that would select otherwise', { labels: { pending: 'a:b' } }, RangeError, /`labels.pending`/],
    ['labels beside a version', { name: '/gold:3', labels: { pending: 'next' } }, RangeError, /cannot be combined/],
    [
      'labels beside an ARN with a version',
      { name: `${arn}:3`, labels: { current: 'a' } },
      RangeError,
      /cannot be combined/,
    ],
    ['plain http', { clientConfig: { endpoint: 'http://ssm.example.com' } }, RangeError, /https/],
  ])('refuse %s at once', (_, more, type, says) => {
    const create = (): unknown => store(more as object);

    expect(create).toThrow(type);
    expect(create).toThrow(says);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each([
    [{ name: '/gold' }, '/gold'],
    [{ name: '/gold:3' }, '/gold:3'],
    [{ name: arn }, arn],
    [{ name: `${arn}:3` }, `${arn}:3`],
    [{ name: arn, labels: { current: 'live' } }, `${arn}:live`],
  ])('%j make a load ask for %s, decrypted', async (options, expected) => {
    await load('current', options);

    expect(ssm.commandCalls(GetParameterCommand)[0]?.args[0].input).toEqual({ Name: expected, WithDecryption: true });
  });
});

describe('a load of fromSsm', () => {
  it('hands over the key under its version and the moment it was written', async () => {
    const loaded = await load();

    expect(text(loaded)).toBe(KEY);
    expect(loaded).toMatchObject({ version: '3@2026-11-22T11:30:00.000Z', createdAt: WRITTEN.getTime() });
  });

  it('reads stages by their labels, and asks nobody about a stage that has none', async () => {
    const labels = { current: 'live', previous: 'old' };

    await load('current', { labels });
    await load('previous', { labels });

    expect(await load('pending', { labels })).toBeUndefined();
    expect(await load('previous')).toBeUndefined();
    expect(asked()).toEqual(['/gold:live', '/gold:old']);
  });

  it.each(['ParameterNotFound', 'ParameterVersionNotFound'])(
    'takes %s for no key of another stage, and for an error of the current one',
    async (name) => {
      ssm.on(GetParameterCommand).rejects(fault(name));
      const labels = { current: 'live', pending: 'next', previous: 'old' };

      expect(await load('pending', { labels })).toBeUndefined();
      expect(await load('previous', { labels })).toBeUndefined();
      expect(await failure(load('current', { labels }))).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND' });
    },
  );

  it('tells a parameter that was made anew from the one before, though both are version 3', async () => {
    const keys = store();
    const first = await keys.load(request());
    const known = [first?.version ?? ''];

    expect(await keys.load(request(undefined, { known }))).toEqual({ unchanged: true, version: known[0] });
    ssm.on(GetParameterCommand).resolves(parameter({ LastModifiedDate: new Date(WRITTEN.getTime() + 1) }));
    const second = await keys.load(request(undefined, { known }));

    expect(second).toHaveProperty('bytes');
    expect(second?.version).not.toBe(known[0]);
  });

  it('never answers `unchanged` from a version without its date, nor when it is refused', async () => {
    ssm.on(GetParameterCommand).resolves(parameter({ LastModifiedDate: undefined }));
    expect(await store().load(request(undefined, { known: ['3'] }))).toMatchObject({ version: '3', bytes: {} });

    ssm.on(GetParameterCommand).rejects(fault('AccessDeniedException'));
    expect(await failure(store().load(request(undefined, { known: ['3'] })))).toMatchObject({ retryable: false });
  });

  it('ends at once when its signal aborts', async () => {
    ssm.on(GetParameterCommand).callsFake(() => new Promise(() => undefined));
    const controller = new AbortController();
    const loading = failure(store().load(request(hurriedClock(), { signal: controller.signal })));

    controller.abort(new Error('enough'));

    expect(await loading).toMatchObject({ message: 'enough' });
  });

  it('lets go of its client when it is closed, and comes back when it is used again', async () => {
    const destroy = vi.spyOn(SSMClient.prototype, 'destroy');
    const keys = store({ region: 'sa-east-1' });
    await keys.load(request());

    await keys.close?.();

    expect(destroy).toHaveBeenCalledTimes(1);
    expect(text(await keys.load(request()))).toBe(KEY);
    destroy.mockRestore();
  });
});

describe('a parameter that holds no key', () => {
  it.each([
    ['a String', { Type: 'String' }, 'ERR_GOLDKEY_FORMAT', false, /`\/gold` is not a SecureString/],
    ['a StringList', { Type: 'StringList' }, 'ERR_GOLDKEY_FORMAT', false, /is not a SecureString/],
    ['of no type', { Type: undefined }, 'ERR_GOLDKEY_FORMAT', false, /is not a SecureString/],
    ['empty', { Value: '' }, 'ERR_GOLDKEY_FORMAT', false, /`\/gold` is empty/],
    ['of 5 MB', { Value: 'k'.repeat(5 * 1024 * 1024) }, 'ERR_GOLDKEY_FORMAT', false, /5242880 bytes; at most 8192/],
    ['without a value', { Value: undefined }, 'ERR_GOLDKEY_PROVIDER', true, /without a value/],
    ['without a version', { Version: undefined }, 'ERR_GOLDKEY_PROVIDER', true, /without a value or its version/],
  ])('because it is %s is told as such, without the key', async (_, more, code, retryable, says) => {
    ssm.on(GetParameterCommand).resolves(parameter(more));

    const error = (await failure(load())) as Error;

    expect(error).toMatchObject({ code, retryable, provider: 'aws-ssm' });
    expect(error.message).toMatch(says);
    for (const shown of [error, inspect(error), JSON.stringify(error)]) assertNoSecret(shown, KEY);
  });

  it('because its label has nothing in it yet is no candidate', async () => {
    ssm.on(GetParameterCommand).resolves(parameter({ Value: '' }));

    expect(await load('pending', { labels: { pending: 'next' } })).toBeUndefined();
  });
});

describe('the errors of Parameter Store', () => {
  it.each([
    ['AccessDeniedException', 400, 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /ssm:GetParameter on `\/gold`.*kms:Decrypt/],
    ['ParameterNotFound', 400, 'ERR_GOLDKEY_NOT_FOUND', false, 1, /no parameter `\/gold`.*Region/],
    ['ParameterVersionNotFound', 400, 'ERR_GOLDKEY_NOT_FOUND', false, 1, /no such version or label/],
    ['InvalidKeyId', 400, 'ERR_GOLDKEY_DECRYPT', false, 1, /KMS key of the parameter/],
    ['ValidationException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /`name` and `labels`/],
    ['InternalServerError', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['ThrottlingException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /throughput/],
    ['TooManyUpdates', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /TooManyUpdates/],
    ['UnknownError', 429, 'ERR_GOLDKEY_PROVIDER', true, 3, /throughput/],
    ['UnknownError', 502, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 502/],
    ['ExpiredTokenException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['UnrecognizedClientException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['InvalidSignatureException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /clock/],
    ['SomethingNewException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /SomethingNewException/],
  ] as const)(
    '%s with status %i is %s (retryable: %s, requests: %i)',
    async (name, status, code, retryable, requests, says) => {
      const printed = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write'), vi.spyOn(console, 'warn')];
      ssm.on(GetParameterCommand).rejects(fault(name, status));

      const error = await failure(load());

      expect(error).toMatchObject({ code, retryable, provider: 'aws-ssm', cause: { name } });
      expect((error as Error).message).toMatch(says);
      expect(ssm.calls()).toHaveLength(requests);
      for (const spy of printed) expect(spy).not.toHaveBeenCalled();
      for (const spy of printed) spy.mockRestore();
    },
  );

  it.each([
    ['CredentialsProviderError', undefined, 'ERR_GOLDKEY_PROVIDER', /no AWS credentials/],
    ['TimeoutError', undefined, 'ERR_GOLDKEY_KEY_TIMEOUT', /did not answer GetParameter in time/],
    ['Error', 'ECONNREFUSED', 'ERR_GOLDKEY_PROVIDER', /reached \(ECONNREFUSED\)/],
  ])('a %s with the code %s is %s, and may pass', async (name, code, expected, says) => {
    ssm.on(GetParameterCommand).rejects(Object.assign(new Error('x'), { name }, code === undefined ? {} : { code }));

    const error = await failure(load());

    expect(error).toMatchObject({ code: expected, retryable: true });
    expect((error as Error).message).toMatch(says);
  });
});

describe('writing a parameter', () => {
  it('names what it asked for when it is refused, and what it needs', async () => {
    ssm.on(PutParameterCommand).rejects(fault('AccessDeniedException'));

    const error = await failure(writeToSsm('/gold', KEY, { region: 'eu-central-1' }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect((error as Error).message).toMatch(/answered PutParameter .*ssm:PutParameter on `\/gold`.*kms:Encrypt/);
    assertNoSecret(error, KEY);
  });
});
