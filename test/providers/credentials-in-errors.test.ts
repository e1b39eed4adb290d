import { KMSClient } from '@aws-sdk/client-kms';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KeyProvider } from '../../src/core/index.js';
import { fromAzureKeyVault } from '../../src/providers/azure-key-vault/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { fromSecretsManager } from '../../src/providers/secrets-manager/index.js';
import { fromSsm } from '../../src/providers/ssm/index.js';
import { fromVault } from '../../src/providers/vault/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { send, startLoopbackServer, type LoopbackServer } from '../../src/testing/http/loopback-server.js';
import { startAzureKeyVault, type AzureKeyVault } from '../servers/azure-key-vault.js';
import { run } from '../cli/run.js';
import { failure, request } from './loading.js';
import { errors, pauseless, vaultLike, type VaultLike } from './vault/vault-like.js';

// Of the alphabets of the real ones, so that their encodings differ.
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYINVENTED';
const SESSION = 'IQoJb3JpZ2luX2VjEINVENTED//////////wEaCXVz+LWVhc3Q==';
const PASSPHRASE = 'p&ss=phrase "of" the client';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, sessionToken: SESSION };
const ciphertext = Buffer.alloc(99, 7);
const region = 'eu-central-1';

/** Answers as a proxy that quotes the request, in each form that a secret may take. */
let echo: LoopbackServer;
let vault: VaultLike;
let azure: AzureKeyVault;
beforeAll(async () => {
  echo = await startLoopbackServer(0, async ({ headers, body }, response) => {
    const seen = JSON.stringify(headers);
    const forms = [
      seen,
      encodeURIComponent(seen),
      Buffer.from(seen).toString('base64'),
      JSON.stringify(seen),
      String(body),
    ];
    send(
      response,
      400,
      { 'x-echo': encodeURIComponent(seen) },
      JSON.stringify({ __type: 'Odd', message: forms.join(' ') }),
    );
  });
  vault = await vaultLike();
  azure = await startAzureKeyVault();
});
afterEach(() => {
  vault.reset();
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await echo.close();
  await vault[Symbol.asyncDispose]();
  await azure[Symbol.asyncDispose]();
});

/** The error of a load, which must hold something foreign and none of the secrets. */
async function expectClean(keys: KeyProvider, secrets: readonly string[]): Promise<Error> {
  const error = (await failure(keys.load(request(pauseless)))) as Error;
  await keys.close?.();
  expect(error.cause).toBeDefined();
  for (const secret of secrets) {
    assertNoSecret(error, secret);
    assertNoSecret(inspect(error, { depth: 20, showHidden: true }), secret);
    assertNoSecret(JSON.stringify(error.cause), secret);
  }
  return error;
}

describe('a service of AWS that quotes the request', () => {
  const at = {
    region,
    clientConfig: {
      get endpoint() {
        return echo.url;
      },
      credentials,
      maxAttempts: 1,
    },
  };
  const stores: Readonly<Record<string, () => KeyProvider>> = {
    fromKms: () => fromKms({ ...at, ciphertext, encryptionContext: {} }),
    fromKmsLight: () => fromKmsLight({ region, endpoint: echo.url, credentials, ciphertext, encryptionContext: {} }),
    fromSecretsManager: () => fromSecretsManager({ ...at, secretId: 'gold' }),
    fromSsm: () => fromSsm({ ...at, name: 'gold' }),
  };

  it.each(Object.entries(stores))(
    'shows %s the session token and the signature, and no error does',
    async (_, open) => {
      const error = await expectClean(open(), [SECRET, SESSION]);

      expect(inspect(error)).toContain('[REDACTED]');
      expect(inspect(error, { depth: 20 })).not.toMatch(/Signature(?:=|%3D)[\da-f]{64}/);
    },
  );

  it('shows it to a client of the caller, whose credentials are known by their headers alone', async () => {
    const client = new KMSClient({ region, endpoint: echo.url, credentials, maxAttempts: 1 });

    await expectClean(fromKms({ client, ciphertext, encryptionContext: {} }), [SESSION]);
    client.destroy();
  });
});

describe('an error of the AWS SDK, or of what it was given', () => {
  const store = (error: () => unknown, more: object = {}): KeyProvider => {
    const requestHandler = { handle: () => Promise.reject(error() as Error), ...more };
    return fromKms({
      region,
      clientConfig: { credentials, requestHandler, maxAttempts: 1 },
      ciphertext,
      encryptionContext: {},
    });
  };

  it.each([
    ['its text', () => new Error(`sign ${SECRET} failed, see ${Buffer.from(`u:${SESSION}`).toString('base64')}`)],
    ['its cause', () => new Error('proxy', { cause: new Error(`token ${encodeURIComponent(SESSION)}`) })],
    ['the configuration that it holds', () => Object.assign(new Error('odd'), { config: { credentials } })],
    [
      'the request that it holds',
      () => Object.assign(new Error('odd'), { request: { headers: new Headers({ 'x-amz-security-token': SESSION }) } }),
    ],
    [
      'a header of its own',
      () => Object.assign(new Error('odd'), { $response: { headers: { 'x-was': `Bearer ${SESSION}` } } }),
    ],
  ])('holds no credentials in %s', async (_, error) => {
    await expectClean(store(error), [SECRET, SESSION]);
  });

  it('holds no passphrase of a client certificate in the configuration', async () => {
    const agent = { options: { passphrase: PASSPHRASE } };
    const error = (): Error => Object.assign(new Error(`bad decrypt with ${JSON.stringify(PASSPHRASE)}`), { agent });

    await expectClean(store(error, { httpsAgent: agent }), [PASSPHRASE]);
    expect(agent.options.passphrase).toBe(PASSPHRASE);
  });

  it('holds no credentials of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', SESSION);
    const client = { send: () => Promise.reject(new Error(`env: ${SECRET} ${SESSION}`)) };

    await expectClean(fromKms({ client, ciphertext, encryptionContext: {} }), [SECRET, SESSION]);
  });

  it('of a function that brings credentials holds none of those before', async () => {
    const brought = [Promise.resolve(credentials), Promise.reject(new Error(`used: ${SECRET} ${SESSION}`))];
    brought[1]?.catch(() => undefined);
    const bring = () => brought.shift() ?? Promise.resolve(credentials);
    const keys = fromKmsLight({ region, endpoint: echo.url, credentials: bring, ciphertext, encryptionContext: {} });

    await failure(keys.load(request(pauseless)));
    await expectClean(keys, [SECRET, SESSION]);
    expect(brought).toEqual([]);
  });
});

describe('an error on the way to Vault', () => {
  const [TOKEN, ROLE, SECRET_ID] = ['hvs.CAESI-invented+token/4711', 'role-id-0123-4567', 'secret-id-89ab-cdef'];

  it('holds no token that was in use before', async () => {
    vault.on('secret/data/gold', errors(403, 'permission denied'));
    let calls = 0;
    const token = (): string => {
      if (calls++ === 0) return TOKEN;
      throw Object.assign(new Error(`The old one, ${encodeURIComponent(TOKEN)}, is gone.`), {
        headers: { 'X-Vault-Token': TOKEN },
      });
    };

    await expectClean(fromVault({ address: vault.url, auth: { method: 'token', token }, path: 'gold' }), [TOKEN]);
    expect(calls).toBe(2);
  });

  it('holds no role id, secret id or granted token', async () => {
    const auth = { client_token: TOKEN, lease_duration: 60, renewable: false };
    vault.on('auth/approle/login', { status: 200, body: { auth } });
    vault.on('secret/data/gold', errors(403, 'permission denied'));
    let calls = 0;
    const secretId = (): string => {
      if (calls++ === 0) return SECRET_ID;
      throw new Error(`Basic ${Buffer.from(`${ROLE}:${SECRET_ID}`).toString('base64')} with ${TOKEN}`);
    };
    const login = { method: 'approle', roleId: ROLE, secretId } as const;

    await expectClean(fromVault({ address: vault.url, auth: login, path: 'gold' }), [ROLE, SECRET_ID, TOKEN]);
    expect(calls).toBe(2);
  });
});

describe('an error on the way to Azure Key Vault', () => {
  const CLIENT_SECRET = 'aB~8Q~invented+client/secret=';
  const store = (credential: object): KeyProvider =>
    fromAzureKeyVault({ vaultUrl: azure.url, secretName: 'gold', credential });

  it('holds no secret of the credential, as Microsoft Entra may quote it', async () => {
    const body = `grant_type=client_credentials&client_secret=${encodeURIComponent(CLIENT_SECRET)}`;
    const getToken = () =>
      Promise.reject(
        Object.assign(new Error(`AADSTS7000215: ${body}`), { name: 'AuthenticationError', statusCode: 401 }),
      );

    const error = await expectClean(store({ clientSecret: CLIENT_SECRET, getToken }), [CLIENT_SECRET]);

    expect(error.message).toContain('AADSTS7000215');
  });

  it('holds no secret of the environment, nor one that a body shows by its name', async () => {
    vi.stubEnv('AZURE_CLIENT_SECRET', CLIENT_SECRET);
    const other = 'another~secret-0123';
    const getToken = () =>
      Promise.reject(
        Object.assign(new Error(`AADSTS7000215: ${CLIENT_SECRET} {"client_assertion":"${other}"}`), {
          name: 'AuthenticationError',
        }),
      );

    await expectClean(store({ getToken }), [CLIENT_SECRET, other]);
  });

  it('holds no bearer token, which a client of the caller may hold in its request', async () => {
    const token = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.invented.signature';
    const client = {
      vaultUrl: echo.url,
      getSecret: () => Promise.reject(new Error('unused')),
      async *listPropertiesOfSecretVersions() {
        yield await Promise.reject(
          Object.assign(new Error(`odd: ${token}`), { config: { headers: { authorization: `Bearer ${token}` } } }),
        );
      },
    };

    await expectClean(fromAzureKeyVault({ vaultUrl: echo.url, secretName: 'gold', client }), [token]);
  });
});

describe('the command line', () => {
  it('shows none with `--verbose`, whatever the service quotes', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
    vi.stubEnv('AWS_SESSION_TOKEN', SESSION);
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
    const at = ['--endpoint-url', echo.url, '--region', region, '--encryption-context', '{}'];

    const ran = await run(['verify', '--ciphertext', ciphertext.toString('base64'), ...at, '--verbose']);

    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('caused by');
    for (const secret of [SECRET, SESSION]) assertNoSecret(ran.stderr, secret);
  });
});
