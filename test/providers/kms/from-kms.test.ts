import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KeyProvider } from '../../../src/core/index.js';
import { fromKms, kmsCipher, type FromKmsOptions } from '../../../src/providers/kms/index.js';
import { failure, hurriedClock, request, text } from '../loading.js';

const CIPHERTEXT = Buffer.alloc(180, 7).toString('base64');
const valid: FromKmsOptions = { ciphertext: CIPHERTEXT, encryptionContext: {}, region: 'eu-central-1' };
const withOption =
  (more: object): (() => KeyProvider) =>
  () =>
    fromKms({ ...valid, ...more });

/** Equal each time, and never the same object. */
const sharedConfig = (): object => ({
  endpoint: 'https://shared.example.com',
  requestHandler: { requestTimeout: 900 },
});

const kms = mockClient(KMSClient);
beforeEach(() => {
  kms.reset();
  kms.on(DecryptCommand).callsFake(() => ({ Plaintext: Buffer.from('invented-key'), KeyId: 'arn:aws:kms:key/1' }));
});

describe('the options of fromKms', () => {
  it.each([
    ['an unknown name', { cipherText: 'x' }, TypeError, /`cipherText`.*`ciphertext`/],
    ['a nearly known name', { keyID: 'x' }, TypeError, /`keyId`/],
    ['a number as ciphertext', { ciphertext: 7 }, TypeError, /`ciphertext`/],
    ['no context', { encryptionContext: undefined }, TypeError, /`encryptionContext` is required.*`\{\}`/],
    ['an array as context', { encryptionContext: ['a'] }, TypeError, /an array/],
    [
      'a context with an unset value',
      { encryptionContext: { stage: undefined } },
      TypeError,
      /`encryptionContext.stage`.*undefined/,
    ],
    ['a context over 8 KB', { encryptionContext: { a: 'x'.repeat(8_200) } }, RangeError, /8192/],
    ['half a surrogate pair in a context', { encryptionContext: { a: '\ud800' } }, RangeError, /Unicode/],
    ['an empty key id', { keyId: '' }, TypeError, /`keyId`/],
    [
      'an ARN of another service',
      { keyId: 'arn:aws:secretsmanager:eu-central-1:1:secret:x' },
      RangeError,
      /another service/,
    ],
    ['an empty region', { region: '' }, TypeError, /`region`/],
    ['two regions', { clientConfig: { region: 'us-east-1' } }, RangeError, /must not differ/],
    ['grant tokens that are no array', { grantTokens: 'token' }, TypeError, /`grantTokens`/],
    ['an empty version', { version: '' }, TypeError, /`version`/],
    ['a client that is none', { region: undefined, client: {} }, TypeError, /`client`/],
    [
      'a client and a clientConfig',
      { client: new KMSClient({ region: 'eu-central-1' }), clientConfig: {} },
      TypeError,
      /`client` brings/,
    ],
    ['a configuration that is an instance', { clientConfig: new Map() }, TypeError, /`clientConfig`/],
    ['an endpoint over plain http', { clientConfig: { endpoint: 'http://kms.example.com' } }, RangeError, /https/],
    ['a URL over plain http', { clientConfig: { endpoint: new URL('http://kms.example.com') } }, RangeError, /https/],
    [
      'an address that only looks like loopback',
      { clientConfig: { endpoint: 'http://127.0.0.1.example.com' } },
      RangeError,
      /https/,
    ],
    ['an endpoint that is no URL', { clientConfig: { endpoint: 'kms' } }, RangeError, /https/],
  ])('refuse %s at once', (_, more, type, says) => {
    const create = withOption(more);

    expect(create).toThrow(type);
    expect(create).toThrow(says);
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each(['https://vpce.example.com', 'http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:1'])(
    'take the endpoint %s',
    (endpoint) => {
      expect(withOption({ clientConfig: { endpoint } })).not.toThrow();
    },
  );

  it('show no value that was put into the wrong place', () => {
    expect(withOption({ ciphertext: Symbol('invented-key') })).toThrow(
      expect.not.stringContaining('invented-key') as unknown as Error,
    );
    expect(withOption({ encryptionContext: { a: ['invented-key'] } })).toThrow(/an array/);
  });

  it('are copied', async () => {
    const context: Record<string, string> = { service: 'a' };
    const ciphertext = Buffer.from(CIPHERTEXT, 'base64');
    const keys = fromKms({ ...valid, ciphertext, encryptionContext: context });
    context['service'] = 'b';
    ciphertext.fill(0);

    await keys.load(request());

    const { input } = kms.commandCalls(DecryptCommand)[0]?.args[0] ?? {};
    expect(input).toMatchObject({ EncryptionContext: { service: 'a' } });
    expect(input?.CiphertextBlob?.[0]).toBe(7);
  });
});

describe('a load of fromKms', () => {
  it('knows no stage but the current one, and asks nobody about it', async () => {
    const keys = fromKms(valid);

    expect(await keys.load(request(undefined, { stage: 'pending' }))).toBeUndefined();
    expect(await keys.load(request(undefined, { stage: 'previous' }))).toBeUndefined();
    expect(kms.calls()).toHaveLength(0);
  });

  it('decrypts again although its version is known, so that a revocation takes effect', async () => {
    const keys = fromKms(valid);
    const loaded = await keys.load(request());

    const again = await keys.load(request(undefined, { known: [loaded?.version ?? ''] }));

    expect(again).toHaveProperty('bytes');
    expect(kms.calls()).toHaveLength(2);
  });

  it('reads a ciphertext function each time and tells a new ciphertext by its version', async () => {
    let ciphertext = Buffer.alloc(180, 1);
    const keys = fromKms({ ...valid, ciphertext: () => ciphertext });

    const first = await keys.load(request());
    ciphertext = Buffer.alloc(180, 2);
    const second = await keys.load(request(undefined, { known: [first?.version ?? ''] }));

    expect(second).toHaveProperty('bytes');
    expect(second?.version).not.toBe(first?.version);
  });

  it('carries the version it was given', async () => {
    expect((await fromKms({ ...valid, version: 'v7' }).load(request()))?.version).toBe('v7');
  });

  it('says that a variable may be unset', async () => {
    for (const ciphertext of [undefined, () => undefined, () => Promise.resolve(undefined)]) {
      const error = await failure(fromKms({ ...valid, ciphertext }).load(request()));
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
      expect((error as Error).message).toContain('may be unset');
    }
    expect(kms.calls()).toHaveLength(0);
  });

  it('takes a ciphertext function that fails for a fault that may pass', async () => {
    const cause = new Error('config server down');
    const ciphertext = (): never => {
      throw cause;
    };

    expect(await failure(fromKms({ ...valid, ciphertext }).load(request()))).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: true,
      cause,
    });
  });

  it('does not wait for a ciphertext function after its signal has aborted', async () => {
    const controller = new AbortController();
    const keys = fromKms({ ...valid, ciphertext: () => new Promise<string>(() => undefined) });
    const loading = failure(keys.load(request(hurriedClock(), { signal: controller.signal })));

    controller.abort(new Error('enough'));

    expect(await loading).toMatchObject({ message: 'enough' });
  });
});

describe('the clients of fromKms and kmsCipher', () => {
  afterEach(() => vi.restoreAllMocks());

  it('are shared when region and configuration are equal, and destroyed with their last user', async () => {
    const destroy = vi.spyOn(KMSClient.prototype, 'destroy');
    const first = fromKms({ ...valid, clientConfig: sharedConfig() });
    const second = fromKms({
      ...valid,
      clientConfig: { ...sharedConfig(), region: 'eu-central-1' },
      region: undefined,
    });
    const other = fromKms({ ...valid, clientConfig: { endpoint: 'https://other.example.com' } });

    for (const keys of [first, first, second, other]) await keys.load(request());
    const clients = new Set(kms.calls().map((call) => call.thisValue as KMSClient));
    expect(clients.size).toBe(2);

    await first.close?.();
    await first.close?.();
    expect(destroy).not.toHaveBeenCalled();
    await second.close?.();
    expect(destroy).toHaveBeenCalledTimes(1);
    await other.close?.();
    expect(destroy).toHaveBeenCalledTimes(2);
  });

  it('are not shared when a function in the configuration is another one', async () => {
    const one = fromKms({
      ...valid,
      clientConfig: { credentials: () => Promise.resolve({ accessKeyId: 'a', secretAccessKey: 'b' }) },
    });
    const two = fromKms({
      ...valid,
      clientConfig: { credentials: () => Promise.resolve({ accessKeyId: 'a', secretAccessKey: 'b' }) },
    });

    await one.load(request());
    await two.load(request());

    expect(kms.call(0).thisValue).not.toBe(kms.call(1).thisValue);
    await one.close?.();
    await two.close?.();
  });

  it('come back when a provider is used again after it was closed', async () => {
    const keys = fromKms(valid);

    await keys.load(request());
    await keys.close?.();

    expect(text(await keys.load(request()))).toBe('invented-key');
    await keys.close?.();
  });

  it('time out, and do not retry by themselves', async () => {
    const keys = fromKms({ ...valid, clientConfig: { requestHandler: { connectionTimeout: 77 } } });
    await keys.load(request());
    const { config } = kms.call(0).thisValue as KMSClient;
    // The handler's options are resolved by its first request; its configuration is settled before.
    const handler = (config.requestHandler as unknown as { configProvider: Promise<object> }).configProvider;

    expect(await config.maxAttempts()).toBe(1);
    expect(await handler).toMatchObject({ connectionTimeout: 77, requestTimeout: 2_000, throwOnRequestTimeout: true });
    await keys.close?.();
  });

  it('are not needed to close', async () => {
    await fromKms(valid).close?.();
    await kmsCipher({ keyId: 'alias/x', encryptionContext: {} }).close?.();
  });
});

describe('kmsCipher', () => {
  const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd';
  const context = { service: 'gold' };
  const stored = { cipher: 'aws-kms', keyId: ARN, encryptionContext: context };
  const cipher = (keyId: string): ReturnType<typeof kmsCipher> =>
    kmsCipher({ keyId, encryptionContext: context, region: 'eu-central-1' });

  it('needs a key id and a context', () => {
    expect(() => kmsCipher({ encryptionContext: {} } as never)).toThrow(/`keyId`/);
    expect(() => kmsCipher({ keyId: ARN } as never)).toThrow(/`encryptionContext`/);
    expect(() => kmsCipher({ keyId: ARN, encryptionContext: {}, ciphertext: 'x' } as never)).toThrow(/`ciphertext`/);
  });

  it.each([ARN, '1234abcd', 'alias/gold', 'arn:aws:kms:eu-central-1:111122223333:alias/gold'])(
    'pinned to %s accepts its own ciphertexts',
    (keyId) => {
      expect(cipher(keyId).accepts(stored)).toBe(true);
      expect(cipher(keyId).accepts({ ...stored, encryptionContext: { ...context, 'goldkey:ring': 'gold' } })).toBe(
        true,
      );
    },
  );

  it.each([
    ['another cipher', { cipher: 'local' }],
    ['another key', { keyId: ARN.replace('1234', '9999') }],
    ['another account', { keyId: ARN.replace('1111', '9999') }],
    ['a missing pair', { encryptionContext: {} }],
    ['another value', { encryptionContext: { service: 'silver' } }],
    ['a further pair', { encryptionContext: { ...context, more: 'x' } }],
  ])('accepts no ciphertext with %s', (_, more) => {
    expect(cipher(ARN).accepts({ ...stored, ...more })).toBe(false);
  });

  it('lets no binding change what is pinned, and knows no other option', async () => {
    const { ciphertext } = valid;
    expect(await failure(cipher(ARN).encrypt('invented-key', { bind: { service: 'silver' } }))).toBeInstanceOf(
      RangeError,
    );
    expect(await failure(cipher(ARN).decrypt(ciphertext as string, { bnd: {} } as never))).toBeInstanceOf(TypeError);
    expect(await failure(cipher(ARN).encrypt(7 as never))).toBeInstanceOf(TypeError);
    expect(kms.calls()).toHaveLength(0);
  });
});
