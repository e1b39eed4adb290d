import { DecryptCommand, DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeKms, type KmsFault, startFakeKms } from '../../../src/testing/fake-kms/server.js';
import { catchError, kmsClient } from './client.js';

const API_KEY = 'an-invented-api-key';

let kms: FakeKms;
let client: KMSClient;

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

function decrypt(options: { abortSignal?: AbortSignal } = {}, from: KMSClient = client): Promise<unknown> {
  const CiphertextBlob = Buffer.from(kms.encrypt(API_KEY, {}), 'base64');
  return from.send(new DecryptCommand({ CiphertextBlob }), options);
}

/** Resolves when the fake has got a request. */
async function requestSeen(): Promise<void> {
  while (kms.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe('an injected fault', () => {
  const documented: [KmsFault, string, number][] = [
    ['throttling', 'ThrottlingException', 400],
    ['internal', 'KMSInternalException', 500],
    ['dependency-timeout', 'DependencyTimeoutException', 503],
    ['key-unavailable', 'KeyUnavailableException', 500],
    ['access-denied', 'AccessDeniedException', 400],
    ['disabled', 'DisabledException', 400],
    ['pending-deletion', 'KMSInvalidStateException', 400],
    ['incorrect-key', 'IncorrectKeyException', 400],
    ['expired-token', 'ExpiredTokenException', 400],
  ];
  for (const [fault, name, httpStatusCode] of documented) {
    it(`'${fault}' reaches the SDK as ${name} with HTTP ${String(httpStatusCode)}, once`, async () => {
      kms.inject(fault);
      const error = await catchError(decrypt());
      expect(error).toMatchObject({ name, $metadata: { httpStatusCode, requestId: kms.requests[0]?.requestId } });
      expect(error.message).not.toBe('');
      expect(error.message).not.toBe('UnknownError');
      await decrypt();
      expect(kms.requests.map(({ status }) => status)).toEqual([httpStatusCode, 200]);
    });
  }

  it("'access-denied' names the operation and the key", async () => {
    kms.inject('access-denied');
    expect((await catchError(decrypt())).message).toContain(`kms:Decrypt on resource: ${kms.keyArn}`);
  });

  it("'http-503' reaches the SDK as HTTP 503 with a body that is no JSON", async () => {
    kms.inject('http-503');
    const error = await catchError(decrypt());
    expect(error).toMatchObject({ $metadata: { httpStatusCode: 503 } });
    kms.inject('http-503');
    const response = await fetch(kms.url, { method: 'POST', body: '{}' });
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toMatch(/^<html>/);
  });

  it("'reset' cuts the connection with ECONNRESET", async () => {
    kms.inject('reset');
    expect(await catchError(decrypt())).toMatchObject({ code: 'ECONNRESET' });
    expect(kms.requests).toMatchObject([{ operation: 'Decrypt', status: 0 }]);
    await decrypt();
  });

  it("'truncated' cuts the body of a real answer", async () => {
    kms.inject('truncated');
    expect(await catchError(decrypt())).toBeInstanceOf(Error);
    expect(kms.requests).toMatchObject([{ status: 200 }]);
    kms.inject('truncated');
    const response = await fetch(kms.url, { method: 'POST', body: '{}' });
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    await expect(response.text()).rejects.toThrow();
    await decrypt();
  });

  it("'slow' is never answered; the client may leave", async () => {
    kms.inject('slow');
    const leaving = new AbortController();
    const waiting = catchError(decrypt({ abortSignal: leaving.signal }));
    await requestSeen();
    leaving.abort();
    expect((await waiting).name).toBe('AbortError');
    expect(kms.requests).toMatchObject([{ status: 0 }]);
  });

  it("'slow' ends with reset()", async () => {
    kms.inject('slow');
    const waiting = catchError(decrypt());
    await requestSeen();
    // One turn, in which the fake takes the fault up.
    await new Promise((resolve) => setImmediate(resolve));
    kms.reset();
    expect(await waiting).toMatchObject({ code: 'ECONNRESET' });
    await decrypt();
  });

  it('lasts for `times` requests, and for ever with Infinity', async () => {
    kms.inject('throttling', { times: 2 });
    await catchError(decrypt());
    await catchError(decrypt());
    await decrypt();
    kms.inject('internal', { times: Infinity });
    for (let i = 0; i < 5; i++) expect((await catchError(decrypt())).name).toBe('KMSInternalException');
    kms.reset();
    await decrypt();
  });

  it('meets only the operation it is meant for, in the order of injection', async () => {
    kms.inject('internal', { operation: 'Decrypt' });
    kms.inject('throttling');
    const describeKey = client.send(new DescribeKeyCommand({ KeyId: kms.keyArn }));
    expect((await catchError(describeKey)).name).toBe('ThrottlingException');
    expect((await catchError(decrypt())).name).toBe('KMSInternalException');
    await decrypt();
  });

  it("is what the SDK's own retries see", async () => {
    const retrying = kmsClient(kms.url, { maxAttempts: 2 });
    kms.inject('internal');
    await decrypt({}, retrying);
    expect(kms.requests.map(({ status }) => status)).toEqual([500, 200]);
    retrying.destroy();
  });

  it('is refused with the names there are when it is not one of them', () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const inject = kms.inject as (...args: unknown[]) => void;
    expect(() => {
      inject('throttled');
    }).toThrow(expect.objectContaining({ name: 'TypeError', code, message: expect.stringContaining("'throttling'") }));
    const options: unknown[] = [{ times: 0 }, { times: 1.5 }, { times: 'once' }, { operation: 'Sign' }, { count: 1 }];
    for (const how of options) {
      expect(() => {
        inject('slow', how);
      }).toThrow(expect.objectContaining({ code }));
    }
  });
});

describe('startFakeKms', () => {
  it('refuses options it does not know, and values out of range', async () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const wrong: object[] = [
      { prot: 1 },
      { port: -1 },
      { port: 70_000 },
      { latency: 1.5 },
      { region: '' },
      { credentials: { accessKeyId: 'only' } },
      { credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' } },
    ];
    for (const options of wrong) await expect(startFakeKms(options)).rejects.toMatchObject({ code });
  });

  it('takes a region and a port, and rejects when the port is taken', async () => {
    await using first = await startFakeKms({ region: 'eu-central-1' });
    expect(first.region).toBe('eu-central-1');
    expect(first.keyArn).toMatch(/^arn:aws:kms:eu-central-1:\d{12}:key\/[0-9a-f-]{36}$/);
    const port = Number(new URL(first.url).port);
    await expect(startFakeKms({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
    await using second = await startFakeKms({ port });
    expect(second.url).toBe(`http://127.0.0.1:${String(port)}`);
  });

  it('answers only after `latency`', async () => {
    await using slow = await startFakeKms({ latency: 40 });
    const from = performance.now();
    await fetch(slow.url, { method: 'POST', body: '{}' });
    expect(performance.now() - from).toBeGreaterThanOrEqual(35);
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('refuses to encrypt what KMS would not', () => {
    const code = 'ERR_INVALID_ARG_VALUE';
    const encrypt = kms.encrypt as (...args: unknown[]) => string;
    expect(() => encrypt('', {})).toThrow(expect.objectContaining({ name: 'RangeError', code }));
    expect(() => encrypt('k'.repeat(4097), {})).toThrow(expect.objectContaining({ code }));
    expect(() => encrypt(API_KEY)).toThrow(expect.objectContaining({ name: 'TypeError', code }));
    expect(() => encrypt(API_KEY, { a: 1 })).toThrow(expect.objectContaining({ code }));
  });
});

describe('closing a fake KMS', () => {
  it('ends held, delayed and idle connections at once, and may be done twice', async () => {
    const delayed = await startFakeKms({ latency: 600_000 });
    const held = await startFakeKms();
    held.inject('slow');
    const fakes = [delayed, held];
    const waiting = fakes.map((fake) => catchError(fetch(fake.url, { method: 'POST', body: '{}' })));
    while (fakes.some((fake) => fake.requests.length === 0)) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([delayed.close(), held.close(), held.close(), delayed[Symbol.asyncDispose]()]);
    for (const error of await Promise.all(waiting)) expect(error.name).toBe('TypeError');
    await expect(fetch(held.url)).rejects.toThrow();
  });
});
