import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awsService } from '../../src/aws/client.js';
import type { AwsCall } from '../../src/aws/errors.js';
import type { KeyProvider } from '../../src/core/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms, kmsCipher } from '../../src/providers/kms/index.js';
import { KMS_ERRORS } from '../../src/providers/shared/kms/errors.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { fromSsm } from '../../src/providers/ssm/index.js';
import { dynamoDbRing } from '../../src/rotation/stores/dynamodb/index.js';
import { startFakeKms, type FakeKms } from '../../src/testing/fake-kms/server.js';
import { temporaryFolder } from '../cli/run.js';
import { load } from '../providers/kms-light/scene.js';
import { failure, text } from '../providers/loading.js';

const KEY = 'invented-key-4711';
const CONTEXT = { service: 'gold-data-stream' };
const GOOD = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret-access-key' };
const OLD = { accessKeyId: 'AKIAOUTDATED', secretAccessKey: 'outdated-secret-access-key' };
const REFUSED = { code: 'ERR_GOLDKEY_PROVIDER', retryable: true, message: expect.stringContaining('credentials') };

const opened: (() => unknown)[] = [];
let kms: FakeKms;
let folder: string;
beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, '');
  const made = await temporaryFolder();
  folder = made.path;
  kms = await startFakeKms({ credentials: GOOD });
  opened.push(
    () => made[Symbol.asyncDispose](),
    () => kms.close(),
  );
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of opened.splice(0).toReversed()) await close();
});

/** A profile of static credentials without an end, as the tools of many companies write and renew them. */
async function writeProfile({ accessKeyId, secretAccessKey }: typeof GOOD): Promise<void> {
  const file = join(folder, 'credentials');
  const lines = ['[gold]', `aws_access_key_id = ${accessKeyId}`, `aws_secret_access_key = ${secretAccessKey}`, ''];
  await writeFile(file, lines.join('\n'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'));
  vi.stubEnv('AWS_PROFILE', 'gold');
}

/** The endpoint of a container. Its credentials have an hour to go. */
async function startContainer(): Promise<{ credentials: typeof GOOD; asked: number }> {
  const container = { credentials: OLD, asked: 0 };
  const server = createServer((_, response) => {
    container.asked++;
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = container.credentials;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token: 'invented-token', Expiration }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  opened.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://127.0.0.1:${String(port)}/role`);
  return container;
}

const stores: Readonly<Record<string, (more?: object) => KeyProvider>> = {
  fromKms: (more = { clientConfig: { endpoint: kms.url } }) =>
    fromKms({ ciphertext: kms.encrypt(KEY, CONTEXT), encryptionContext: CONTEXT, region: kms.region, ...more }),
  fromKmsLight: () =>
    fromKmsLight({
      ciphertext: kms.encrypt(KEY, CONTEXT),
      encryptionContext: CONTEXT,
      region: kms.region,
      endpoint: kms.url,
    }),
};
function open(name: string, more?: object): KeyProvider {
  const provider = stores[name]?.(more) as KeyProvider;
  opened.push(() => provider.close?.());
  return provider;
}

describe.each(Object.keys(stores))('credentials that AWS refused %s', (name) => {
  it('are read again from a profile that was renewed', async () => {
    await writeProfile(OLD);
    const provider = open(name);
    expect(await failure(load(provider))).toMatchObject(REFUSED);

    await writeProfile(GOOD);

    expect(text(await load(provider))).toBe(KEY);
  });

  it('are found in a profile that was written after a first load without any', async () => {
    await writeProfile(OLD);
    await rm(join(folder, 'credentials'));
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    const provider = open(name);
    expect(await failure(load(provider))).toMatchObject(REFUSED);

    await writeProfile(GOOD);

    expect(text(await load(provider))).toBe(KEY);
  });

  it('are asked for again at the endpoint of the container', async () => {
    const container = await startContainer();
    const provider = open(name);
    expect(await failure(load(provider))).toMatchObject(REFUSED);
    const before = container.asked;

    container.credentials = GOOD;

    expect(text(await load(provider))).toBe(KEY);
    expect(container.asked).toBeGreaterThan(before);
  });

  it.each(['expired-token', 'access-denied'] as const)('are asked for again after %s', async (fault) => {
    const container = await startContainer();
    container.credentials = GOOD;
    const provider = open(name);
    await load(provider);
    const before = container.asked;
    kms.inject(fault, { times: 1 });
    await failure(load(provider));

    await load(provider);

    expect(container.asked).toBe(before + 1);
  });

  it('that were not refused are kept', async () => {
    const container = await startContainer();
    container.credentials = GOOD;
    const provider = open(name);
    await load(provider);
    const before = container.asked;
    kms.inject('http-503', { times: 3 });
    await failure(load(provider));

    await load(provider);

    expect(container.asked).toBe(before);
  });
});

describe('a client of the SDK whose credentials were refused', () => {
  it('is dropped by every store that shares it', async () => {
    await writeProfile(OLD);
    const [first, second] = [open('fromKms'), open('fromKms')];
    await failure(load(second));
    await failure(load(first));

    await writeProfile(GOOD);

    expect(text(await load(first))).toBe(KEY);
    expect(text(await load(second))).toBe(KEY);
  });

  it('is dropped when a cipher encrypts, too', async () => {
    await writeProfile(OLD);
    const cipher = kmsCipher({
      keyId: kms.keyArn,
      encryptionContext: CONTEXT,
      region: kms.region,
      clientConfig: { endpoint: kms.url },
    });
    opened.push(() => cipher.close?.());
    expect(await failure(cipher.encrypt(KEY))).toMatchObject(REFUSED);

    await writeProfile(GOOD);

    expect(await cipher.encrypt(KEY)).toMatchObject({ keyId: kms.keyArn });
  });

  it('is destroyed once the calls in flight on it have ended, and not before', async () => {
    const clients: { destroyed: boolean; middlewareStack: { add(): void }; destroy(): void }[] = [];
    const connect = awsService<object, (typeof clients)[number], AwsCall>({
      errors: KMS_ERRORS,
      clientType: 'KMSClient',
      load: () => Promise.resolve({}),
      createClient() {
        const client = { destroyed: false, middlewareStack: { add: () => undefined }, destroy: () => undefined };
        clients.push(Object.assign(client, { destroy: () => void (client.destroyed = true) }));
        return client;
      },
    });
    const [first, second] = [connect({}), connect({})];
    let finish: (answer: string) => void = () => undefined;
    const inFlight = second.call(
      { operation: 'Decrypt' },
      () => new Promise<string>((resolve) => void (finish = resolve)),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error(), { name: 'ExpiredTokenException' }));
    await failure(first.call({ operation: 'Decrypt' }, refuse));
    await Promise.all([first.close(), second.close()]);
    expect(clients).toMatchObject([{ destroyed: false }]);

    finish('done');

    expect(await inFlight).toBe('done');
    expect(clients).toMatchObject([{ destroyed: true }]);
    expect(await second.call({ operation: 'Decrypt' }, () => Promise.resolve('again'))).toBe('again');
    expect(clients).toMatchObject([{ destroyed: true }, { destroyed: false }]);
    await second.close();
    expect(clients).toMatchObject([{ destroyed: true }, { destroyed: true }]);
  });

  it('of the caller is never replaced', async () => {
    const send = vi.fn(() => Promise.reject(Object.assign(new Error('old'), { name: 'ExpiredTokenException' })));
    const client = Object.assign(new KMSClient({ region: kms.region, credentials: OLD }), { send });
    const destroy = vi.spyOn(client, 'destroy');
    const provider = open('fromKms', { client });

    for (let round = 0; round < 2; round++) await failure(load(provider));

    expect(send).toHaveBeenCalledTimes(2);
    expect(destroy).not.toHaveBeenCalled();
  });
});

/** A stand-in for a service that refuses all credentials but the good ones. */
async function startService(answer: object): Promise<{ endpoint: string }> {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      const isGood = incoming.headers.authorization?.includes(GOOD.accessKeyId) === true;
      response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(isGood ? answer : { __type: 'UnrecognizedClientException', message: 'old' }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  opened.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` };
}

describe('the other services', () => {
  it.each<
    [string, object, (clientConfig: object) => { work: () => Promise<unknown>; close?: (() => unknown) | undefined }]
  >([
    [
      'Secrets Manager',
      { SecretString: KEY, VersionId: 'v1', VersionStages: ['AWSCURRENT'] },
      (clientConfig) => {
        const store = fromSecretsManager({ secretId: 'gold', clientConfig });
        return { work: () => load(store), close: store.close };
      },
    ],
    [
      'Parameter Store',
      { Parameter: { Name: 'gold', Type: 'SecureString', Value: KEY, Version: 1 } },
      (clientConfig) => {
        const store = fromSsm({ name: '/gold', clientConfig });
        return { work: () => load(store), close: store.close };
      },
    ],
    [
      'DynamoDB',
      {},
      (clientConfig) => {
        const ring = dynamoDbRing({ tableName: 'rings', name: 'gold', clientConfig });
        return { work: () => ring.read(), close: ring.close };
      },
    ],
  ])('%s looks for credentials again after a refusal', async (_, answer, connect) => {
    await writeProfile(OLD);
    const { work, close } = connect({ ...(await startService(answer)), region: 'eu-central-1' });
    opened.push(() => close?.());
    expect(await failure(work())).toMatchObject(REFUSED);

    await writeProfile(GOOD);

    await expect(work()).resolves.not.toThrow();
  });
});
