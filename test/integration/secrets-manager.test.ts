import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { fromSecretsManager, rotationHandler } from '../../src/providers/secrets-manager/index.js';
import { keyProviderContract } from '../../src/testing/contract/key-provider-contract.js';
import { built, finishedWithout, missing } from '../examples/start-example.js';
import { failure } from '../providers/loading.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { liveThrough, serve, startRelay } from './aws-scene.js';

const OLD = 'sk-invented/old+&=0123456789';
const NEW = 'sk-invented/new+&=9876543210';
const TOKEN = '11111111-2222-3333-4444-555555555555';
const found = await orSkip(startMoto);

const CREATE = `client('secretsmanager').create_secret(Name='gold', SecretString=sys.argv[1])`;
const PUT = `client('secretsmanager').put_secret_value(SecretId='gold', SecretString=sys.argv[1])`;
const PENDING = `
client('secretsmanager').put_secret_value(SecretId='gold', SecretString=sys.argv[1], VersionStages=['AWSPENDING'])`;
const DELETE = `client('secretsmanager').delete_secret(SecretId='gold', RecoveryWindowInDays=7)`;
const BINARY = `client('secretsmanager').create_secret(Name='gold', SecretBinary=sys.argv[1].encode())`;
const VALUES = `
sm = client('secretsmanager')
print(json.dumps([sm.get_secret_value(SecretId='gold', VersionStage=s)['SecretString'] for s in sys.argv[1:]]))`;

describe.skipIf(found.skipped !== undefined)(`Secrets Manager as moto plays it ${found.skipped ?? ''}`, () => {
  const moto = found.server as Moto;
  const anyone = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  const storeAt = (endpoint: string, field?: string) =>
    fromSecretsManager({
      secretId: 'gold',
      field,
      region: moto.region,
      clientConfig: { endpoint, credentials: anyone },
    });
  const load = (stage: 'current' | 'pending' | 'previous', field?: string) =>
    storeAt(moto.url, field).load({ stage, signal: new AbortController().signal });
  const textOf = (loaded: unknown): string => Buffer.from((loaded as { bytes: Uint8Array }).bytes).toString();

  beforeEach(() => moto.reset());
  afterAll(() => moto[Symbol.asyncDispose]());

  it('serves a client through a rotation, a 401, an outage and a withdrawn permission', async () => {
    await moto.python(CREATE, OLD);
    const put = (key: string): Promise<string> => moto.python(PUT, key);
    const [before, after] = await liveThrough({ url: moto.url, storeAt, old: OLD, next: NEW, put });
    expect(after).not.toBe(before);
  });

  it('has the stages, and none of them where there is none', async () => {
    await moto.python(CREATE, OLD);
    expect([await load('pending'), await load('previous')]).toEqual([undefined, undefined]);

    await moto.python(PUT, NEW);
    await moto.python(PENDING, 'sk-invented-pending');

    expect(textOf(await load('current'))).toBe(NEW);
    expect(textOf(await load('previous'))).toBe(OLD);
    expect(textOf(await load('pending'))).toBe('sk-invented-pending');
  });

  it('holds binary, and a secret that is deleted or was never there is not found', async () => {
    expect(await failure(load('current'))).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    await moto.python(BINARY, OLD);
    expect(textOf(await load('current'))).toBe(OLD);
    expect(await failure(load('current', 'apiKey'))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });

    await moto.python(DELETE);

    const gone = await failure(load('current'));
    expect(gone).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    expect((gone as Error).message).toContain('scheduled for deletion');
  });

  it('is rotated by the handler, each step twice, its other fields kept', async () => {
    await moto.python(CREATE, JSON.stringify({ user: 'gold', apiKey: OLD }));
    const client = new SecretsManagerClient({ region: moto.region, endpoint: moto.url, credentials: anyone });
    onTestFinished(() => client.destroy());
    const calls: string[] = [];
    const handler = rotationHandler({
      mintKey: async (current, { rotationId }) => {
        calls.push(`mint ${rotationId} with the current key: ${String(current === OLD)}`);
        return NEW;
      },
      activateKey: async (key) => void calls.push(`activate the new key: ${String(key === NEW)}`),
      testKey: async (key) => void calls.push(`test the new key: ${String(key === NEW)}`),
      field: 'apiKey',
      client,
    });

    for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const) {
      for (let run = 1; run <= 2; run++) await handler({ SecretId: 'gold', ClientRequestToken: TOKEN, Step });
    }

    const twice = (call: string): string[] => [call, call];
    expect(calls).toEqual([
      `mint ${TOKEN} with the current key: true`,
      ...twice('activate the new key: true'),
      ...twice('test the new key: true'),
    ]);
    expect(JSON.parse(await moto.python(VALUES, 'AWSCURRENT', 'AWSPREVIOUS'))).toEqual([
      JSON.stringify({ user: 'gold', apiKey: NEW }),
      JSON.stringify({ user: 'gold', apiKey: OLD }),
    ]);
    expect(await load('current', 'apiKey')).toMatchObject({ version: TOKEN });
  });

  it.skipIf(!built)(`serves examples/stores/secrets-manager.mjs and its rotation ${missing}`, async () => {
    await moto.python(CREATE, JSON.stringify({ apiKey: OLD }));
    await using scene = await serve(storeAt(moto.url), [OLD, NEW]);
    const finished = finishedWithout(OLD, NEW);
    const env = {
      PATH: process.env['PATH'] ?? '',
      ...MOTO_ENV,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.url,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      SECRET_ID: 'gold',
      PRICE_API_URL: scene.api.url,
      NEXT_KEY: NEW,
    };
    const rotate = `
      import { handler } from './examples/stores/secrets-manager-rotation.mjs';
      for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
        await handler({ SecretId: 'gold', ClientRequestToken: '${TOKEN}', Step }, { getRemainingTimeInMillis: () => 9000 });`;

    const before = await finished(['examples/stores/secrets-manager.mjs'], env);
    const rotated = await finished(['--input-type=module', '-e', rotate], env);
    scene.api.revoke(OLD);
    const after = await finished(['examples/stores/secrets-manager.mjs'], env);

    expect(before).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^XAU 2199\.51 with /) });
    expect(rotated).toEqual({ code: 0, stderr: '', stdout: '' });
    expect(after).toEqual({ code: 0, stderr: '', stdout: `XAU 2199.51 with ${TOKEN}\n` });
  });

  keyProviderContract(
    'fromSecretsManager on moto',
    async (key) => {
      await moto.reset();
      await moto.python(CREATE, key);
      const relay = await startRelay(moto.url);
      const provider = storeAt(relay.url);
      return {
        provider,
        rotate: async (successor) => void (await moto.python(PUT, successor)),
        deny: async () => relay.refuse(),
        stop: () => relay.cut(),
        async cleanUp() {
          await provider.close?.();
          await relay.cut();
        },
      };
    },
    { describe, it, expect },
  );
});
