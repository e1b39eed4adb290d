import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SecretClient } from '@azure/keyvault-secrets';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import { fromAzureKeyVault } from '../../../src/providers/azure-key-vault/index.js';
import { computeRetryDelay } from '../../../src/providers/azure-key-vault/errors.js';
import { assertNoSecret } from '../../../src/testing/assert-no-secret.js';
import {
  azureFailure,
  startAzureKeyVault,
  type AzureKeyVault,
  type AzureReply,
} from '../../servers/azure-key-vault.js';
import { failure, hurriedClock, request } from '../loading.js';

const NAME = 'metals-api-key';
const KEY = 'sk-invented/+&=0123456789';

let vault: AzureKeyVault;
let printed: Mock<() => boolean>;
beforeAll(async () => {
  vault = await startAzureKeyVault();
  vault.set(NAME, KEY);
});
beforeEach(() => {
  printed = vi.fn<() => boolean>(() => true);
  for (const name of ['log', 'info', 'warn', 'error'] as const) vi.spyOn(console, name).mockImplementation(printed);
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(printed);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vault.reset();
});
afterAll(() => vault[Symbol.asyncDispose]());

const clock = (): ReturnType<typeof hurriedClock> => ({ ...hurriedClock(), now: Date.now });
const load = (): Promise<unknown> =>
  fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential: vault.credential }).load(request(clock()));

/** What the vault says is quoted nowhere: this stands for anything in it. */
const SAID = `anything, with ${KEY} in it`;
const json = azureFailure;
const cut = (response: ServerResponse): void => void response.socket?.resetAndDestroy();
const half = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write(`{"value":"${KEY}`, () => response.socket?.destroy());
};

describe('the errors of Azure Key Vault', () => {
  // What the vault said, to which of our codes, whether retryable, after how many requests beside the challenged one.
  it.each<[string, AzureReply, string, boolean, number, RegExp]>([
    [
      '401, another tenant',
      json(401, 'Unauthorized', `AKV10032: Invalid issuer. ${SAID}`),
      'ACCESS_DENIED',
      false,
      1,
      /tenant/,
    ],
    ['401, clock skew', json(401, 'Unauthorized', `[TokenExpired] ${SAID}`), 'PROVIDER', true, 3, /machine's clock/],
    [
      '401, AKV10046',
      json(401, 'Unauthorized', `AKV10046: Unable to resolve the key. ${SAID}`),
      'PROVIDER',
      true,
      3,
      /try again later/,
    ],
    [
      '401, of a proxy',
      { status: 401, text: SAID, headers: { 'content-type': 'text/html' } },
      'PROVIDER',
      true,
      3,
      /proxy/,
    ],
    [
      '403, policy or role',
      json(403, 'Forbidden', SAID, 'ForbiddenByRbac'),
      'ACCESS_DENIED',
      false,
      1,
      /`list`.*allows this/,
    ],
    [
      '403, of a proxy',
      { status: 403, text: SAID, headers: { 'content-type': 'text/html' } },
      'PROVIDER',
      true,
      3,
      /proxy/,
    ],
    ['403, half of it', { status: 403, text: '{"error":' }, 'PROVIDER', true, 3, /status 403.*proxy/],
    ['404', json(404, 'SecretNotFound', SAID), 'NOT_FOUND', false, 1, /`secretName` and `vaultUrl`/],
    [
      '404, of a proxy',
      { status: 404, text: SAID, headers: { 'content-type': 'text/plain' } },
      'PROVIDER',
      true,
      3,
      /proxy/,
    ],
    ['400', json(400, 'BadParameter', SAID), 'PROVIDER', true, 1, /status 400 \(BadParameter\): this was not expected/],
    ['408', json(408, 'RequestTimeout', SAID), 'PROVIDER', true, 3, /status 408/],
    ['409', json(409, 'Conflict', SAID), 'PROVIDER', true, 1, /status 409/],
    ['429', json(429, 'Throttled', SAID), 'PROVIDER', true, 3, /request limit is used up/],
    ['500', json(500, 'InternalServerError', SAID), 'PROVIDER', true, 3, /the service failed; try again later/],
    [
      '502, a page',
      { status: 502, text: SAID, headers: { 'content-type': 'text/html' } },
      'PROVIDER',
      true,
      3,
      /status 502/,
    ],
    ['503', json(503, 'ServiceUnavailable', SAID), 'PROVIDER', true, 3, /status 503/],
    ['503, half of it', { status: 503, text: '{"error":' }, 'PROVIDER', true, 3, /status 503/],
    ['504, nothing', { status: 504 }, 'PROVIDER', true, 3, /status 504/],
    ['200, no JSON', { status: 200, text: SAID }, 'PROVIDER', true, 3, /is not one of Azure Key Vault/],
    ['200, nothing', { status: 200 }, 'PROVIDER', true, 3, /is not one of Azure Key Vault/],
    ['200, no list', { status: 200, body: { value: KEY } }, 'PROVIDER', true, 3, /is not one of Azure Key Vault/],
    ['200, no id', { status: 200, body: { value: [{}] } }, 'PROVIDER', true, 3, /is not one of Azure Key Vault/],
    ['200, half of it', half, 'PROVIDER', true, 3, /is not one of Azure Key Vault/],
    ['a reset connection', cut, 'PROVIDER', true, 3, /failed with ECONNRESET: .*the network/],
  ])('$0: ERR_GOLDKEY_$2, retryable: $3, requests: $4', async (_, reply, code, retryable, requests, says) => {
    vault.answer(reply);

    const error = (await failure(load())) as Error;

    expect(error).toMatchObject({ code: `ERR_GOLDKEY_${code}`, retryable, provider: 'azure-key-vault' });
    expect(error.message).toMatch(says);
    for (const secret of [KEY, vault.token]) assertNoSecret(error, secret);
    expect(vault.requests.length - 1).toBe(requests);
    expect(printed).not.toHaveBeenCalled();
  });

  it.each([
    ['SecretDisabled', /the version is disabled/],
    ['ForbiddenByFirewall', /firewall does not let/],
    ['ForbiddenByConnection', /private endpoint/],
    ['ForbiddenByPolicy', /`get`.*allows this/],
    [undefined, /`get`.*allows this/],
  ])('a 403 to the reading of a version, with %s, names what to look at', async (inner, says) => {
    const id = `https://gold.vault.azure.net/secrets/${NAME}/a1`;
    const list = { value: [{ id, attributes: { enabled: true, created: 1 } }], nextLink: null };
    const refused = json(403, 'Forbidden', SAID, inner);
    // It is listed once more, because it may have been disabled since.
    vault.answer({ status: 200, body: list }, refused, { status: 200, body: list }, refused);

    const error = (await failure(load())) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false, version: 'a1' });
    expect(error.message).toMatch(says);
    for (const secret of [KEY, vault.token]) assertNoSecret(error, secret);
  });

  it('an answer that holds the key and cannot be read is shown nowhere', async () => {
    const id = `https://gold.vault.azure.net/secrets/${NAME}/a1`;
    const list = { value: [{ id, attributes: { enabled: true, created: 1 } }], nextLink: null };
    vault.answer({ status: 200, body: list }, { status: 200, text: `{"value":"${KEY}",` });

    const error = await failure(load());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, cause: { code: 'PARSE_ERROR' } });
    assertNoSecret(error, KEY);
  });

  it('nobody there: the store is down', async () => {
    await using gone = await startAzureKeyVault();
    await gone.stop();
    const keys = fromAzureKeyVault({ vaultUrl: gone.url, secretName: NAME, credential: gone.credential });

    expect(await failure(keys.load(request(clock())))).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: true,
      message: expect.stringContaining('failed with ECONNREFUSED: ') as string,
    });
  });

  it('a request may take 2 s, the body of its answer included', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const arrivals = new EventEmitter();
    vault.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"value":');
      arrivals.emit('request');
    });
    let arrival = once(arrivals, 'request');
    const loading = failure(load());
    for (let tries = 1; tries <= 3; tries++) {
      await arrival;
      arrival = once(arrivals, 'request');
      await vi.advanceTimersByTimeAsync(2_000);
    }

    expect(await loading).toMatchObject({ name: 'KeyTimeoutError', retryable: true });
    expect(vault.requests).toHaveLength(4);
  });

  it('two transient faults are got over', async () => {
    vault.answer(json(503, 'ServiceUnavailable', SAID), (response) => {
      vault.reset();
      cut(response);
    });

    expect(await load()).toMatchObject({ version: expect.any(String) as string });
  });

  it('a 401 to the list of a client of the caller’s, whose text the SDK drops, may be one that passes', async () => {
    const more = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
    const client = new SecretClient(vault.url, vault.credential, { ...more, retryOptions: { maxRetries: 0 } });
    const keys = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, client });
    vault.answer(json(401, 'Unauthorized', `AKV10046: Unable to resolve the key. ${SAID}`));

    expect(await failure(keys.load(request(clock())))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
  });

  it('a Retry-After of seconds is heeded, one of minutes is handed on', async () => {
    const waits: number[][] = [];
    for (const seconds of ['2', '120']) {
      const counting = clock();
      vault.reset();
      vault.answer({ status: 429, headers: { 'retry-after': seconds }, body: { error: { code: 'Throttled' } } });
      const keys = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, credential: vault.credential });
      const error = await failure(keys.load(request(counting)));
      waits.push(counting.waits);
      expect(error).toMatchObject({ retryAfter: Number(seconds) * 1_000 });
    }

    expect(waits).toEqual([[2_000, 2_000], []]);
  });
});

describe('failures of a client of the caller’s', () => {
  it.each([
    [{ name: 'AbortError' }, 'KeyTimeoutError', /in time/],
    [{ code: 'ETIMEDOUT' }, 'KeyTimeoutError', /in time/],
    [
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'KeyProviderError',
      /with DEPTH_ZERO_SELF_SIGNED_CERT: the TLS certificate/,
    ],
    [{ code: 'not a code' }, 'KeyProviderError', /its error is the `cause`/],
  ])('%j: %s, which may pass', async (more, name, says) => {
    const client = {
      getSecret: () => undefined,
      listPropertiesOfSecretVersions: () => {
        throw Object.assign(new Error('failed'), more);
      },
    };
    const keys = fromAzureKeyVault({ vaultUrl: vault.url, secretName: NAME, client });

    const error = (await failure(keys.load(request(clock())))) as Error;

    expect(error).toMatchObject({ name, retryable: true });
    expect(error.message).toMatch(says);
  });
});

describe('the pauses', () => {
  it('double from a window of 100 ms, 1 s for throttling', () => {
    for (let round = 0; round < 100; round++) {
      for (const [statusCode, retried, window] of [
        [500, 0, 100],
        [500, 1, 200],
        [429, 0, 1_000],
        [429, 1, 2_000],
      ] as const) {
        const pause = computeRetryDelay({ statusCode }, retried, 0);
        expect(pause).toBeGreaterThanOrEqual(window / 2);
        expect(pause).toBeLessThanOrEqual(window);
      }
    }
  });

  it.each([undefined, null, 'a text', 5])('none for %j thrown', (thrown) => {
    expect(computeRetryDelay(thrown, 0, 0)).toBeUndefined();
  });

  it.each([
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, undefined],
    [{ name: 'AbortError' }, 100],
    [{ code: 'ETIMEDOUT' }, 100],
  ])('for %j at most %s ms', (error, most) => {
    const pause = computeRetryDelay(error, 0, 0);

    if (most === undefined) expect(pause).toBeUndefined();
    else expect(pause).toBeLessThanOrEqual(most);
  });
});
