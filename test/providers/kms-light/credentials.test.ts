import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AwsCredentials } from '../../../src/providers/kms-light/index.js';
import { buildKmsUrl, findKmsEndpoint } from '../../../src/providers/shared/kms/endpoint.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { startFakeKms } from '../../../src/testing/fake-kms/server.js';
import { temporaryFolder } from '../../cli/run.js';
import { CONTEXT, CREDENTIALS, KEY, lightScene, load } from './scene.js';
import { failure, text } from '../loading.js';

const scene = lightScene();
const TOKEN = 'IQoJinvented//token01==';
const CONTAINER = '/v2/credentials/invented-credentials-id';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

function environment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(`AWS_${name}`, value);
}

const inEnvironment = {
  ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
};

/** A container's endpoint of credentials. */
async function container(answer: () => { status: number; body: object | string }): Promise<{
  readonly asked: string[];
  close(): void;
}> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status, body } = answer();
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  environment({ CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${String(port)}${CONTAINER}` });
  return { asked, close: () => server.close() };
}

const issued = (expiresIn: number): { status: number; body: object } => ({
  status: 200,
  body: {
    AccessKeyId: CREDENTIALS.accessKeyId,
    SecretAccessKey: CREDENTIALS.secretAccessKey,
    Token: TOKEN,
    Expiration: new Date(Date.now() + expiresIn).toISOString(),
  },
});

describe('who signs', () => {
  it('is in the environment of a Lambda, with its region, and no SDK is looked at', async () => {
    environment({ ...inEnvironment, SESSION_TOKEN: TOKEN, REGION: scene.kms.region });
    const client = vi.spyOn(KMSClient.prototype, 'send');

    expect(text(await load(scene.light({ credentials: undefined, region: undefined })))).toBe(KEY);
    expect(client).not.toHaveBeenCalled();
  });

  it('is read anew at each load', async () => {
    const provider = scene.light({ credentials: undefined });
    environment({ ...inEnvironment, ACCESS_KEY_ID: 'AKIAANOTHER' });
    expect(await failure(load(provider))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });

    environment(inEnvironment);

    expect(text(await load(provider))).toBe(KEY);
  });

  it('is told by a container, and asked again only shortly before the end', async () => {
    const life = [3_600_000, 200_000, 3_600_000];
    const endpoint = await container(() => issued(life.shift() ?? 0));
    const first = scene.light({ credentials: undefined });
    await load(first);
    await load(first);
    expect(endpoint.asked).toEqual([CONTAINER]);

    const second = scene.light({ credentials: undefined });
    await load(second);
    await load(second);

    expect(endpoint.asked).toHaveLength(3);
    endpoint.close();
  });

  it('is asked of a container twice more when that fails for a moment', async () => {
    const faults = [500, 503];
    const endpoint = await container(() => {
      const status = faults.shift();
      return status === undefined ? issued(3_600_000) : { status, body: 'no' };
    });

    expect(text(await load(scene.light({ credentials: undefined })))).toBe(KEY);
    expect(endpoint.asked).toHaveLength(3);
    endpoint.close();
  });

  it('credentials that were refused are asked for again', async () => {
    const endpoint = await container(() => issued(3_600_000));
    const provider = scene.light({ credentials: undefined });
    await load(provider);
    scene.kms.inject('expired-token');

    expect(await failure(load(provider))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    await load(provider);

    expect(endpoint.asked).toHaveLength(2);
    endpoint.close();
  });

  it('is told by a function, once while its expiration is far', async () => {
    const asked: number[] = [];
    const credentials = (): Promise<AwsCredentials> => {
      asked.push(asked.length);
      return Promise.resolve({ ...CREDENTIALS, sessionToken: TOKEN, expiration: new Date(Date.now() + 3_600_000) });
    };
    const provider = scene.light({ credentials });

    await load(provider);
    await load(provider);

    expect(asked).toHaveLength(1);
  });

  it('a function is not asked again because the service has no time', async () => {
    let asked = 0;
    const credentials = (): Promise<AwsCredentials> => {
      asked++;
      return Promise.resolve({ ...CREDENTIALS, expiration: new Date(Date.now() + 3_600_000) });
    };
    scene.kms.inject('throttling');

    expect(text(await load(scene.light({ credentials })))).toBe(KEY);
    expect([asked, scene.kms.requests.length]).toEqual([1, 2]);
  });

  it.each(['2999-01-01T00:00:00Z', 32_472_144_000_000, null, {}])(
    'an expiration of %j is refused at the first load, and a Date of another realm or that is none is not',
    async (expiration) => {
      const told = (value: unknown) => () => Promise.resolve({ ...CREDENTIALS, expiration: value as Date });
      const error = await failure(load(scene.light({ credentials: told(expiration) })));
      expect((error as Error).message).toContain('a Date as `expiration`');
      expect(() => scene.light({ credentials: { ...CREDENTIALS, expiration: expiration as Date } })).toThrow(/a Date/);

      for (const date of [runInNewContext('new Date(32472144000000)'), new Date(Number.NaN)]) {
        const provider = scene.light({ credentials: told(date) });
        for (let time = 0; time < 3; time++) expect(text(await load(provider))).toBe(KEY);
      }
    },
  );

  it.each(['eu-west-1.evil.example/', 'eu-west-1#', 'a@b', 'eu\nwest', '-', 'EU-WEST-1'])(
    'a region of %j in the environment is sent nothing',
    async (region) => {
      environment({ ...inEnvironment, REGION: region });

      const error = await failure(load(scene.light({ region: undefined, endpoint: undefined })));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: expect.stringContaining('AWS_REGION') });
    },
  );

  it('a function that fails, or gives something else, is an error a key in use outlives', async () => {
    const broken = scene.light({ credentials: () => Promise.reject(new Error('vault sealed')) });
    const error = await failure(load(broken));
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).cause).toMatchObject({ message: 'vault sealed' });

    const other = scene.light({ credentials: () => Promise.resolve({ secret: 'invented-secret-1' } as never) });
    const second = await failure(load(other));
    expect(second).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    assertNoSecret(second, 'invented-secret-1');
  });

  it('a profile that is named is looked up by the SDK, before the environment', async () => {
    const file = join(folder.path, 'credentials');
    const [id, secret] = [CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey];
    await writeFile(
      file,
      `[gold]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\nregion=${scene.kms.region}\n`,
    );
    environment({ ...inEnvironment, SECRET_ACCESS_KEY: 'not-this-one', PROFILE: 'gold' });
    environment({ SHARED_CREDENTIALS_FILE: file, CONFIG_FILE: file, EC2_METADATA_DISABLED: 'true' });

    expect(text(await load(scene.light({ credentials: undefined, region: undefined })))).toBe(KEY);
  });

  it('where nobody does, the SDK’s chain says so, and a key in use serves on', async () => {
    const none = join(folder.path, 'none');
    environment({ SHARED_CREDENTIALS_FILE: none, CONFIG_FILE: none, EC2_METADATA_DISABLED: 'true' });

    const error = await failure(load(scene.light({ credentials: undefined })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toContain('there are no AWS credentials to sign with');
  });

  it('without a region nothing is guessed', async () => {
    const none = join(folder.path, 'none');
    environment({ SHARED_CREDENTIALS_FILE: none, CONFIG_FILE: none, EC2_METADATA_DISABLED: 'true' });

    const error = await failure(load(scene.light({ region: undefined, endpoint: undefined })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toContain('No AWS Region is set for AWS KMS');
  });
});

describe('where KMS is', () => {
  const REGIONS = (
    'us-east-1 eu-central-1 ap-southeast-7 us-gov-west-1 cn-north-1 cn-northwest-1 us-iso-east-1 us-isob-east-1 ' +
    'us-isof-south-1 eu-isoe-west-1 eusc-de-east-1 xx-new-1'
  ).split(' ');

  it.each(REGIONS)('in %s the SDK finds it at the same addresses', (region) => {
    const client = new KMSClient({ region, credentials: CREDENTIALS });
    const { endpointProvider } = client.config as unknown as {
      endpointProvider(parameters: object): { url: URL };
    };
    for (const [fips, dualStack] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const { url } = endpointProvider({ Region: region, UseFIPS: fips, UseDualStack: dualStack });
      expect(buildKmsUrl(region, { fips, dualStack })).toBe(url.href);
    }
    client.destroy();
  });

  it.each([
    [{}, 'https://kms.eu-west-1.amazonaws.com/'],
    [{ USE_FIPS_ENDPOINT: 'true' }, 'https://kms-fips.eu-west-1.amazonaws.com/'],
    [{ USE_DUALSTACK_ENDPOINT: 'true' }, 'https://kms.eu-west-1.api.aws/'],
    [{ USE_FIPS_ENDPOINT: 'false' }, 'https://kms.eu-west-1.amazonaws.com/'],
    [{ ENDPOINT_URL: 'https://one.example' }, 'https://one.example/'],
    [{ ENDPOINT_URL: 'https://one.example', ENDPOINT_URL_KMS: 'https://two.example/kms' }, 'https://two.example/kms'],
    [{ ENDPOINT_URL: 'http://127.0.0.1:4566' }, 'http://127.0.0.1:4566/'],
    [
      { ENDPOINT_URL: 'https://one.example', IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'https://kms.eu-west-1.amazonaws.com/',
    ],
  ])('with %j it is at %s', (variables, expected) => {
    environment(variables as Record<string, string>);

    expect(findKmsEndpoint('eu-west-1').href).toBe(expected);
  });

  it.each(['http://kms.example', 'kms.example', 'file:///kms'])('not at %s, for good', async (url) => {
    environment({ ENDPOINT_URL_KMS: url });

    expect(await failure(load(scene.light({ endpoint: undefined })))).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: false,
    });
  });

  it('is asked at the endpoint that a variable names, with no option at all', async () => {
    await using other = await startFakeKms({ credentials: CREDENTIALS, region: 'eu-north-1' });
    environment({ ...inEnvironment, ENDPOINT_URL_KMS: other.url, REGION: 'eu-north-1' });

    const loaded = await load(
      scene.light({
        ciphertext: other.encrypt(KEY, CONTEXT),
        endpoint: undefined,
        region: undefined,
        credentials: undefined,
      }),
    );

    expect(text(loaded)).toBe(KEY);
    expect(other.requests).toHaveLength(1);
  });
});
