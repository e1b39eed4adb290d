import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyProvider, LoadedKey } from '../../../src/core/index.js';
import { fromKms, kmsCipher, type FromKmsOptions } from '../../../src/providers/kms/index.js';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { failure, hurriedClock, request, text } from '../loading.js';

const KEY = 'invented-key-4711';
const CONTEXT = { service: 'gold-data-stream', environment: 'test' };
const CREDENTIALS = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret' };

let kms: FakeKms;
beforeAll(async () => {
  kms = await startFakeKms({ credentials: CREDENTIALS });
});
beforeEach(() => kms.reset());
afterAll(() => kms.close());

const clientConfig = (): object => ({ endpoint: kms.url, credentials: CREDENTIALS });
const provider = (more: Partial<FromKmsOptions> = {}): KeyProvider =>
  fromKms({
    ciphertext: kms.encrypt(KEY, CONTEXT),
    encryptionContext: CONTEXT,
    region: kms.region,
    clientConfig: clientConfig(),
    ...more,
  });

const elsewhere = (): Promise<object> =>
  Promise.resolve({ protocol: 'http:', hostname: '192.0.2.1', path: '/', port: undefined });

describe('fromKms over the wire', () => {
  it('hands over the key that was encrypted, with the version of its ciphertext', async () => {
    const ciphertext = kms.encrypt(KEY, CONTEXT);

    const loaded = await provider({ ciphertext, keyId: kms.keyArn }).load(request());

    expect(text(loaded)).toBe(KEY);
    expect(loaded?.version).toMatch(/^c-[0-9a-f]{8}$/);
    expect(kms.requests.map(({ operation }) => operation)).toEqual(['Decrypt']);
  });

  it('hands the key over in memory of its own', async () => {
    const loaded = (await provider().load(request())) as LoadedKey;

    expect(loaded.bytes.buffer.byteLength).toBe(KEY.length);
  });

  it.each([
    ['bytes', (base64: string) => Buffer.from(base64, 'base64')],
    ['base64 with a newline', (base64: string) => `${base64}\n`],
    ['a function', (base64: string) => () => base64],
    ['an async function', (base64: string) => () => Promise.resolve(base64)],
  ])('takes the ciphertext as %s', async (_, shape) => {
    expect(text(await provider({ ciphertext: shape(kms.encrypt(KEY, CONTEXT)) }).load(request()))).toBe(KEY);
  });

  it('takes the key as ARN, id and alias', async () => {
    for (const keyId of [kms.keyArn, kms.keyArn.split('/')[1], 'alias/gold-api-keys']) {
      expect(text(await provider({ keyId }).load(request()))).toBe(KEY);
    }
  });

  it('works with the client of the caller and leaves it open', async () => {
    const client = new KMSClient({ region: kms.region, endpoint: kms.url, credentials: CREDENTIALS });
    const keys = fromKms({ ciphertext: kms.encrypt(KEY, CONTEXT), encryptionContext: CONTEXT, client });

    await keys.load(request());
    await keys.close?.();

    expect(text(await keys.load(request()))).toBe(KEY);
    client.destroy();
  });

  it('asks again twice after a transient fault, after some 100 and 200 ms', async () => {
    const clock = hurriedClock();
    kms.inject('internal', { times: 2 });

    expect(text(await provider().load(request(clock)))).toBe(KEY);

    expect(kms.requests).toHaveLength(3);
    expect(clock.waits).toHaveLength(2);
    expect(clock.waits[0]).toBeGreaterThanOrEqual(50);
    expect(clock.waits[0]).toBeLessThanOrEqual(100);
    expect(clock.waits[1]).toBeLessThanOrEqual(200);
  });

  it('waits about a second when it is throttled', async () => {
    const clock = hurriedClock();
    kms.inject('throttling');

    expect(text(await provider().load(request(clock)))).toBe(KEY);

    expect(clock.waits[0]).toBeGreaterThanOrEqual(500);
    expect(clock.waits[0]).toBeLessThanOrEqual(1_000);
  });

  it.each([
    ['throttling', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['internal', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['dependency-timeout', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['key-unavailable', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['http-503', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['reset', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['truncated', 3, 'ERR_GOLDKEY_PROVIDER', true],
    ['expired-token', 1, 'ERR_GOLDKEY_PROVIDER', true],
    ['access-denied', 1, 'ERR_GOLDKEY_ACCESS_DENIED', false],
    ['disabled', 1, 'ERR_GOLDKEY_ACCESS_DENIED', false],
    ['pending-deletion', 1, 'ERR_GOLDKEY_ACCESS_DENIED', false],
    ['incorrect-key', 1, 'ERR_GOLDKEY_DECRYPT', false],
  ] as const)('answers the fault %s after %i requests with %s', async (fault, requests, code, retryable) => {
    kms.inject(fault, { times: Infinity });

    const error = await failure(provider().load(request()));

    expect(error).toMatchObject({ code, retryable, provider: 'aws-kms', version: expect.stringMatching(/^c-/) });
    expect(kms.requests).toHaveLength(requests);
  });

  it('keeps nothing of an answer that it could not read', async () => {
    const { createServer } = process.getBuiltinModule('node:http');
    const plaintext = Buffer.from(KEY).toString('base64');
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      // The parser quotes what it stumbles over.
      response.end(`{"Plaintext":${plaintext}}`);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const config = { ...clientConfig(), endpoint: `http://127.0.0.1:${String(port)}` };

    const error = await failure(provider({ clientConfig: config }).load(request()));

    server.close();
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    const { inspect } = process.getBuiltinModule('node:util');
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(plaintext.slice(0, 8));
  });

  it('names both causes and the keys of a context that does not fit, and no value', async () => {
    const error = await failure(
      provider({ encryptionContext: { ...CONTEXT, environment: 'elsewhere' } }).load(request()),
    );

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', retryable: false });
    const { message } = error as Error;
    expect(message).toContain('damaged');
    expect(message).toContain('`encryptionContext` differs');
    expect(message).toContain('`service`, `environment`');
    expect(message).not.toContain('elsewhere');
    expect(message).not.toContain('gold-data-stream');
  });

  it('says of a ciphertext cut short that its header promises more', async () => {
    const whole = Buffer.from(kms.encrypt(KEY, CONTEXT), 'base64');

    const error = await failure(provider({ ciphertext: whole.subarray(0, -9) }).load(request()));

    expect((error as Error).message).toMatch(/says that \d+ bytes follow its header, and \d+ do/);
  });

  it('finds no key where there is none', async () => {
    const keyId = kms.keyArn.replace(/[^/]*$/, '00000000-0000-0000-0000-000000000000');

    expect(await failure(provider({ keyId }).load(request()))).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND' });
  });

  it('takes a wrong secret for a fault that may pass', async () => {
    const config = { endpoint: kms.url, credentials: { ...CREDENTIALS, secretAccessKey: 'another' } };

    const error = await failure(provider({ clientConfig: config }).load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(kms.requests).toHaveLength(1);
  });

  it('ends a hung request with the reason of the signal', async () => {
    kms.inject('slow');
    const controller = new AbortController();
    const loading = failure(provider().load(request(hurriedClock(), { signal: controller.signal })));
    await expect.poll(() => kms.requests.length).toBe(1);

    controller.abort(new Error('enough'));

    expect(await loading).toMatchObject({ message: 'enough' });
  });

  it('ends a search for credentials that does not end by itself', async () => {
    let asked: (() => void) | undefined;
    const asking = new Promise<void>((resolve) => (asked = resolve));
    const credentials = (): Promise<never> => {
      asked?.();
      return new Promise(() => undefined);
    };
    const controller = new AbortController();
    const config = { ...clientConfig(), credentials };
    const loading = failure(
      provider({ clientConfig: config }).load(request(hurriedClock(), { signal: controller.signal })),
    );
    await asking;

    controller.abort(new Error('enough'));

    expect(await loading).toMatchObject({ message: 'enough' });
    expect(kms.requests).toHaveLength(0);
  });

  it('makes no request for a signal that has aborted', async () => {
    const signal = AbortSignal.abort(new Error('before'));

    expect(await failure(provider().load(request(hurriedClock(), { signal })))).toMatchObject({ message: 'before' });
    expect(kms.requests).toHaveLength(0);
  });

  it('sends nothing over plain http to another machine, wherever the endpoint comes from', async () => {
    const error = await failure(provider({ clientConfig: { ...clientConfig(), endpoint: elsewhere } }).load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    expect((error as Error).message).toContain('192.0.2.1');
  });

  it('signs again at once when a frozen request has expired', async () => {
    const clock = hurriedClock();
    // The SDK's own clock correction starts from an offset that makes the first signature too old.
    const loaded = await provider({ clientConfig: { ...clientConfig(), systemClockOffset: -3_600_000 } }).load(
      request(clock),
    );

    expect(text(loaded)).toBe(KEY);
    expect(kms.requests.map(({ status }) => status)).toEqual([400, 200]);
    expect(clock.waits).toEqual([]);
  });
});

const cipher = (): ReturnType<typeof kmsCipher> =>
  kmsCipher({
    keyId: 'alias/gold-api-keys',
    encryptionContext: CONTEXT,
    region: kms.region,
    clientConfig: clientConfig(),
  });

describe('kmsCipher over the wire', () => {
  it('decrypts what it encrypted and names the key by its ARN', async () => {
    const keys = cipher();

    const encrypted = await keys.encrypt(KEY);
    const plain = await keys.decrypt(encrypted.ciphertext);

    expect(Buffer.from(plain).toString()).toBe(KEY);
    expect(encrypted).toMatchObject({ keyId: kms.keyArn, encryptionContext: CONTEXT });
    expect(encrypted.fingerprint).toMatch(/^[0-9a-f]{8}$/);
    expect(Math.abs(encrypted.createdAt - Date.now())).toBeLessThan(60_000);
    expect(plain.buffer.byteLength).toBe(KEY.length);
    await keys.close?.();
  });

  it('binds further pairs, without which nothing opens', async () => {
    const keys = cipher();
    const bind = { 'goldkey:ring': 'gold' };

    const { ciphertext, encryptionContext } = await keys.encrypt(KEY, { bind });

    expect(encryptionContext).toEqual({ ...CONTEXT, ...bind });
    expect(Buffer.from(await keys.decrypt(ciphertext, { bind })).toString()).toBe(KEY);
    expect(await failure(keys.decrypt(ciphertext))).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT' });
  });

  it.each([0, 4_097])('refuses a key of %i bytes without asking KMS', async (length) => {
    expect(await failure(cipher().encrypt('k'.repeat(length)))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    expect(kms.requests).toHaveLength(0);
  });

  it('encrypts 4,096 bytes, and decrypts a ciphertext of any length between', async () => {
    const keys = cipher();
    for (const length of [1, 8, 4_096]) {
      const { ciphertext } = await keys.encrypt('k'.repeat(length), { raw: true });
      expect(await keys.decrypt(ciphertext)).toHaveLength(length);
    }
  });
});
