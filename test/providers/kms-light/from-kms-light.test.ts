import { createServer, type Server } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { GoldDataClient, type KeyProvider } from '../../../src/core/index.js';
import { fromKms, type FromKmsOptions } from '../../../src/providers/kms/index.js';
import { fromKmsLight } from '../../../src/providers/kms-light/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { KmsLightClient } from '../../../src/providers/kms-light/client.js';
import { KMS_FAULTS } from '../../../src/testing/fake-kms/faults.js';
import { manualClock } from '../../../src/testing/manual-clock.js';
import { CONTEXT, CREDENTIALS, KEY, lightScene, load } from './scene.js';
import { RecentCredentials } from '../../../src/util/recent-credentials.js';
import { failure, request, text } from '../loading.js';

const scene = lightScene();
const { light, opened } = scene;

const withSdk = (more: Partial<FromKmsOptions> = {}): KeyProvider =>
  opened(
    fromKms({
      ciphertext: scene.kms.encrypt(KEY, CONTEXT),
      encryptionContext: CONTEXT,
      region: scene.kms.region,
      clientConfig: { endpoint: scene.kms.url, credentials: CREDENTIALS },
      ...more,
    }),
  );

/** All that a caller can tell of a failed load. */
async function told(provider: KeyProvider): Promise<Record<string, unknown>> {
  const before = scene.kms.requests.length;
  const error = (await failure(load(provider))) as Error & Record<string, unknown>;
  assertNoSecret(error, KEY);
  assertNoSecret(error, CREDENTIALS.secretAccessKey);
  const { name, message, code, retryable, provider: of } = error;
  return { name, message, code, retryable, of, requests: scene.kms.requests.length - before };
}

async function serving(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describe('fromKmsLight over the wire', () => {
  it('hands over the key that was encrypted, with the version fromKms gives it, in memory of its own', async () => {
    const ciphertext = scene.kms.encrypt(KEY, CONTEXT);

    const loaded = await load(light({ ciphertext, keyId: scene.kms.keyArn }));

    expect(text(loaded)).toBe(KEY);
    expect(loaded.version).toBe((await load(withSdk({ ciphertext }))).version);
    expect(loaded.bytes.buffer.byteLength).toBe(KEY.length);
    expect(scene.kms.requests.map(({ operation, status }) => [operation, status])).toEqual([
      ['Decrypt', 200],
      ['Decrypt', 200],
    ]);
  });

  it('takes the key as ARN, id and alias', async () => {
    for (const keyId of [scene.kms.keyArn, scene.kms.keyArn.split('/')[1], 'alias/gold-api-keys']) {
      expect(text(await load(light({ keyId })))).toBe(KEY);
    }
  });

  it('signs what a context of any characters makes of the body', async () => {
    const encryptionContext = { 'ключ "1"': 'Zürich\n/+&= 😀', empty: '' };
    const ciphertext = scene.kms.encrypt(KEY, encryptionContext);

    expect(text(await load(light({ ciphertext, encryptionContext })))).toBe(KEY);
  });

  it.each([
    ['', '/'],
    ['/kms', '/kms/'],
    ['/kms/', '/kms/'],
    ['/a b', '/a%20b/'],
  ])('an endpoint with the path %j is asked at %j, as the SDK does', async (path, expected) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((incoming, response) => {
      asked.push(incoming.url);
      response.writeHead(400).end('{"__type":"DisabledException"}');
    });
    const endpoint = `${await serving(server)}${path}`;

    await failure(load(light({ endpoint })));
    await failure(load(withSdk({ clientConfig: { endpoint, credentials: CREDENTIALS } })));

    server.close();
    expect(asked).toEqual([expected, expected]);
  });

  it('has a current key and no other', async () => {
    expect(await light().load({ ...request(), stage: 'previous' })).toBeUndefined();
    expect(scene.kms.requests).toEqual([]);
  });

  it('serves a client through a rotation', async () => {
    let ciphertext = scene.kms.encrypt(KEY, CONTEXT);
    let good = KEY;
    const gold = new GoldDataClient({
      keyProvider: light({ ciphertext: () => ciphertext }),
      fetchPrice: (_, { apiKey }) =>
        apiKey === good ? Promise.resolve(2000) : Promise.reject(Object.assign(new Error('no'), { status: 401 })),
    });
    expect(await gold.getPrice()).toBe(2000);

    good = 'invented-key-4712';
    ciphertext = scene.kms.encrypt(good, CONTEXT);

    expect(await gold.getPrice()).toBe(2000);
    expect(gold.status().counts).toMatchObject({ repairs: 1, loads: 2 });
    expect(scene.kms.requests).toHaveLength(2);
    await gold.close();
  });
});

describe('the errors of fromKmsLight are those of fromKms', () => {
  it.each(KMS_FAULTS.filter((fault) => fault !== 'slow'))('for the fault %s', async (fault) => {
    scene.kms.inject(fault, { times: Infinity });

    const expected = await told(withSdk({ keyId: 'alias/gold-api-keys' }));

    expect(await told(light({ keyId: 'alias/gold-api-keys' }))).toEqual(expected);
    expect(expected).toMatchObject({ of: 'aws-kms' });
  });

  it.each([
    ['another context', () => ({ encryptionContext: { ...CONTEXT, environment: 'elsewhere' } })],
    ['no such key', () => ({ keyId: scene.kms.keyArn.replace(/[^/]*$/, '00000000-0000-0000-0000-000000000000') })],
    ['no such alias', () => ({ keyId: 'alias/none' })],
    ['a ciphertext cut short', () => ({ ciphertext: scene.kms.encrypt(KEY, CONTEXT).slice(0, -12) })],
    ['an unset variable', () => ({ ciphertext: undefined })],
    ['a plaintext key', () => ({ ciphertext: KEY })],
  ])('for %s', async (_, more) => {
    const expected = await told(withSdk(more()));

    expect(await told(light(more()))).toEqual(expected);
  });

  it('for a wrong secret, and for a KMS that is not there', async () => {
    const credentials = { ...CREDENTIALS, secretAccessKey: 'another-secret' };
    const sdk = { endpoint: scene.kms.url, credentials };
    expect(await told(light({ credentials }))).toEqual(await told(withSdk({ clientConfig: sdk })));

    const endpoint = 'http://127.0.0.1:9';
    expect(await told(light({ endpoint }))).toEqual(
      await told(withSdk({ clientConfig: { endpoint, credentials: CREDENTIALS } })),
    );
  });

  it.each([
    ['a plaintext without quotes', 200, `{"Plaintext":${Buffer.from(KEY).toString('base64')}}`],
    ['a page under 200', 200, '<html>proxy</html>'],
    ['a page under 403', 403, '<html>blocked</html>'],
    ['an empty body under 400', 400, ''],
    ['no plaintext', 200, '{"KeyId":"x"}'],
    ['JSON that is no object', 200, '7'],
  ])('for an answer of %s, of which nothing is kept', async (_, status, body) => {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body);
    });
    const endpoint = await serving(server);

    const error = await failure(load(light({ endpoint })));

    server.close();
    const sdk = await failure(load(withSdk({ clientConfig: { endpoint, credentials: CREDENTIALS } })));
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(sdk).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(Buffer.from(KEY).toString('base64', 0, 6));
  });

  it.each([
    'aW52 ZW50ZW5',
    'aW52ZW50ZW5',
    'aW52ZW50ZW5*',
    'aW52ZW50Z===',
    'aW52ZW50Z-_=',
    'aW52ZW50ZŁ50',
    'aW52ZW50ZR==',
  ])('for a plaintext of %j, which is not read as something else', async (plaintext) => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ Plaintext: plaintext })));

    const error = await failure(load(light({ endpoint: await serving(server) })));

    server.close();
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: expect.stringContaining('not its JSON') });
    assertNoSecret(error, plaintext);
  });

  it('for a refused signature, whose message quotes the session token', async () => {
    const sessionToken = 'IQoJinvented//token01==';
    const message = `The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:${sessionToken}'`;
    const server = createServer((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ __type: 'InvalidSignatureException', message }));
    });

    const error = (await failure(
      load(light({ endpoint: await serving(server), credentials: { ...CREDENTIALS, sessionToken } })),
    )) as Error;

    server.close();
    expect(error.cause).toMatchObject({ message: 'The request signature we calculated does not match.' });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(sessionToken);
  });

  it('for an error told in a header alone', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(400, { 'x-amzn-errortype': 'com.amazonaws.kms#AccessDeniedException:http://x/' }).end();
    });
    const endpoint = await serving(server);

    const error = await failure(load(light({ endpoint })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect(await failure(load(withSdk({ clientConfig: { endpoint, credentials: CREDENTIALS } })))).toMatchObject({
      message: (error as Error).message,
    });
    server.close();
  });

  it('for an answer that Node’s parser stumbles over, which quotes it', async () => {
    const plaintext = Buffer.from(KEY).toString('base64');
    const server = createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{"Plaintext":"${plaintext}"}`);
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

    for (const provider of [light({ endpoint }), withSdk({ clientConfig: { endpoint, credentials: CREDENTIALS } })]) {
      const error = (await failure(load(provider))) as Error;
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
      expect(error.cause).toMatchObject({ code: expect.stringMatching(/^HPE_/) });
      expect(error.cause).not.toHaveProperty('rawPacket');
      assertNoSecret(error, KEY);
    }
    server.close();
  });

  it('a body without end is not read to its end', async () => {
    let cut = 0;
    const server = createServer((_request, response) => {
      response.writeHead(200);
      response.on('close', () => cut++);
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536, 32), more);
      };
      more();
    });

    const error = await failure(load(light({ endpoint: await serving(server) })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    await expect.poll(() => cut).toBe(3);
    server.close();
  });
});

describe('time and fromKmsLight', () => {
  it('a hung request ends with the reason of the signal', async () => {
    scene.kms.inject('slow');
    const controller = new AbortController();
    const loading = failure(light().load(request(manualClock(), { signal: controller.signal })));
    await expect.poll(() => scene.kms.requests.length).toBe(1);

    controller.abort(new Error('enough'));

    expect(await loading).toMatchObject({ message: 'enough' });
  });

  it('a request without answer is given up after two seconds, and made three times', async () => {
    scene.kms.inject('slow', { times: 3 });
    const clock = manualClock();
    const loading = failure(light().load(request(clock)));

    for (const requests of [1, 2, 3]) {
      await expect.poll(() => scene.kms.requests.length).toBe(requests);
      // The pause before it took up to 200 ms of the last step.
      await clock.advance(1_600);
      expect(scene.kms.requests).toHaveLength(requests);
      await clock.advance(800);
    }

    expect(await loading).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true });
    expect(scene.kms.requests).toHaveLength(3);
  });

  it('a connection that is not made within a second is given up', async () => {
    // A TLS handshake that never comes.
    const silent = createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
    });
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const clock = manualClock();
    const endpoint = `https://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
    let connections = 0;
    silent.on('connection', () => connections++);
    const loading = failure(light({ endpoint }).load(request(clock)));

    for (const count of [1, 2, 3]) {
      await expect.poll(() => connections).toBe(count);
      await clock.advance(1_000);
      await clock.advance(400);
    }

    expect(await loading).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true });
    silent.close();
  });

  it.each([-3_600_000, 3_600_000])('a clock that is %i ms off is corrected by the answer’s, at once', async (off) => {
    const real = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => real() + off);
    // The service keeps the right time: its own reading of the clock is the one in between.
    const server = createServer((incoming, response) => {
      vi.mocked(Date.now).mockImplementation(real);
      void relay(incoming, response, () => vi.mocked(Date.now).mockImplementation(() => real() + off));
    });
    const endpoint = await serving(server);

    const loaded = await load(light({ endpoint }));

    server.close();
    expect(text(loaded)).toBe(KEY);
    expect(scene.kms.requests.map(({ status }) => status)).toEqual([400, 200]);
  });
});

describe('the connections of fromKmsLight', () => {
  it('are kept, and shared by those of one endpoint', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((incoming, response) => {
      sockets.add(incoming.socket);
      void relay(incoming, response, () => undefined);
    });
    const endpoint = await serving(server);
    const [first, second] = [light({ endpoint }), light({ endpoint })];

    await load(first);
    await load(second);
    await first.close?.();
    await load(second);

    expect(sockets.size).toBe(1);
    expect(scene.kms.requests).toHaveLength(3);
    server.close();
  });

  it('one that the server closed while it was idle costs no failed load', async () => {
    let serverSide: { destroy(): void } | undefined;
    const server = createServer((incoming, response) => {
      serverSide = incoming.socket;
      void relay(incoming, response, () => undefined);
    });
    const provider = light({ endpoint: await serving(server) });
    await load(provider);

    serverSide?.destroy();

    expect(text(await load(provider))).toBe(KEY);
    server.close();
  });

  it('stay those of the others when one is closed twice', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((incoming, response) => {
      sockets.add(incoming.socket);
      void relay(incoming, response, () => undefined);
    });
    const endpoint = await serving(server);
    const [first, second] = [light({ endpoint }), light({ endpoint })];
    await Promise.all([load(first), load(second)]);
    sockets.clear();

    await Promise.all([first.close?.(), first.close?.()]);
    await load(second);
    await load(second);

    expect(sockets.size).toBe(1);
    server.close();
  });

  it('one that a load opens after close() ends with its answer', async () => {
    const open = new Set<unknown>();
    const server = createServer((incoming, response) => void relay(incoming, response, () => undefined));
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    let give = (): void => undefined;
    const given = new Promise<void>((resolve) => (give = resolve));
    const credentials = vi.fn(() => given.then(() => CREDENTIALS));
    const provider = light({ endpoint: await serving(server), credentials });
    const loading = load(provider);
    await expect.poll(() => credentials.mock.calls.length).toBe(1);

    await provider.close?.();
    give();

    expect(text(await loading)).toBe(KEY);
    await expect.poll(() => open.size).toBe(0);
    server.close();
  });

  it('are not lost to a search for the region that failed meanwhile', async () => {
    const open = new Set<unknown>();
    const server = createServer((incoming, response) => void relay(incoming, response, () => undefined));
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    const none = 'none-of-these';
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', none);
    vi.stubEnv('AWS_CONFIG_FILE', none);
    const endpoint = new URL(await serving(server));
    const kms = new KmsLightClient({
      region: undefined,
      endpoint,
      credentials: CREDENTIALS,
      recent: new RecentCredentials(),
    });
    const ciphertext = Buffer.from(scene.kms.encrypt(KEY, CONTEXT), 'base64');
    const decrypt = (): Promise<unknown> =>
      kms.decrypt({ CiphertextBlob: ciphertext, EncryptionContext: CONTEXT }, manualClock(), undefined);
    const lost = failure(decrypt());
    const closed = kms.close();
    vi.stubEnv('AWS_REGION', scene.kms.region);

    const found = decrypt();
    // The SDK, which looks for the first, reads the variable later.
    vi.stubEnv('AWS_REGION', '');
    expect(await lost).toBeInstanceOf(Error);
    await found;
    await closed;
    expect(open.size).toBe(1);
    await kms.close();

    await expect.poll(() => open.size).toBe(0);
    server.close();
  });

  it('end with the last user, who may come back', async () => {
    const provider = light();
    await load(provider);
    await provider.close?.();

    expect(text(await load(provider))).toBe(KEY);
  });
});

describe('the options of fromKmsLight', () => {
  it.each([
    [{ client: {} }, /client/],
    [{ clientConfig: {} }, /clientConfig/],
    [{ endpoint: 'http://kms.example' }, /https URL/],
    [{ endpoint: 'kms' }, /https URL/],
    [{ endpoint: 7 }, /string/],
    [{ region: 'eu-central-1.evil.example/' }, /Region/],
    [{ keyId: 'arn:aws:s3:::bucket' }, /another service/],
    [{ grantTokens: 'x' }, /grantTokens/],
    [{ credentials: {} }, /`credentials` must be/],
    [{ credentials: { accessKeyId: 'AKIA', secretAccessKey: 'with space' } }, /visible ASCII/],
    [{ credentials: 'AKIA' }, /`credentials` must be/],
    [{ encryptionContext: undefined }, /encryptionContext/],
    [{ cipherText: 'x' }, /`ciphertext`/],
  ])('%j is refused at once', (more, message) => {
    const make = (): unknown => fromKmsLight({ ciphertext: 'x', encryptionContext: {}, ...(more as object) });

    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('are copied', async () => {
    const credentials = { ...CREDENTIALS };
    const provider = light({ credentials });
    credentials.secretAccessKey = 'changed';

    expect(text(await load(provider))).toBe(KEY);
  });

  it('grant tokens go along', async () => {
    const bodies: unknown[] = [];
    const server = createServer((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk) => (body += String(chunk)));
      incoming.on('end', () => {
        bodies.push(JSON.parse(body));
        response.end('{}');
      });
    });

    await failure(load(light({ endpoint: await serving(server), grantTokens: ['one'], keyId: 'alias/x' })));

    server.close();
    expect(bodies).toEqual([
      { CiphertextBlob: expect.any(String), EncryptionContext: CONTEXT, KeyId: 'alias/x', GrantTokens: ['one'] },
    ]);
  });
});

/** Passes a request on to the KMS, its Host header as it was signed. */
async function relay(
  incoming: import('node:http').IncomingMessage,
  response: import('node:http').ServerResponse,
  after: () => void,
): Promise<void> {
  const { request: ask } = await import('node:http');
  const onward = ask(
    new URL(scene.kms.url),
    { method: incoming.method, headers: incoming.headers, path: incoming.url, agent: false },
    (answer) => {
      after();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    },
  );
  incoming.pipe(onward);
}
