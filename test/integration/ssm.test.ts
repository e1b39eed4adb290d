import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { fromSsm, type FromSsmOptions } from '../../src/providers/ssm/index.js';
import { assertNoSecret } from '../../src/testing/index.js';
import { keyProviderContract } from '../../src/testing/contract/key-provider-contract.js';
import { failure } from '../providers/loading.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { built, finishedWithout, missing } from '../examples/start-example.js';
import { liveThrough, serve, startRelay } from './aws-scene.js';

const OLD = 'sk-invented/old+&=0123456789';
const NEW = 'sk-invented/new+&=9876543210';
const found = await orSkip(startMoto);

const PUT = `
client('ssm').put_parameter(Name='/gold', Value=sys.argv[1], Type=sys.argv[2], Overwrite=True)`;
const LABEL = `
client('ssm').label_parameter_version(Name='/gold', ParameterVersion=int(sys.argv[1]), Labels=[sys.argv[2]])`;
const DELETE = `client('ssm').delete_parameter(Name='/gold')`;

describe.skipIf(found.skipped !== undefined)(`Parameter Store as moto plays it ${found.skipped ?? ''}`, () => {
  const moto = found.server as Moto;
  const anyone = { accessKeyId: 'testing', secretAccessKey: 'testing' };
  const storeAt = (endpoint: string, more: Partial<FromSsmOptions> = {}) =>
    fromSsm({ name: '/gold', region: moto.region, clientConfig: { endpoint, credentials: anyone }, ...more });
  const put = (key: string, type = 'SecureString'): Promise<string> => moto.python(PUT, key, type);
  const load = (more?: Partial<FromSsmOptions>, stage: 'current' | 'pending' | 'previous' = 'current') =>
    storeAt(moto.url, more).load({ stage, signal: new AbortController().signal });
  const textOf = (loaded: unknown): string => Buffer.from((loaded as { bytes: Uint8Array }).bytes).toString();

  beforeEach(() => moto.reset());
  afterAll(() => moto[Symbol.asyncDispose]());

  it('serves a client through a rotation, a 401, an outage and a withdrawn permission', async () => {
    await put(OLD);
    const versions = await liveThrough({ url: moto.url, storeAt, old: OLD, next: NEW, put });
    expect(versions).toEqual([expect.stringMatching(/^1@\d{4}-/), expect.stringMatching(/^2@\d{4}-/)]);
  });

  it('has stages by their labels, and versions by their numbers', async () => {
    for (const key of [OLD, NEW, 'sk-invented-pending']) await put(key);
    await moto.python(LABEL, '1', 'old');
    await moto.python(LABEL, '2', 'live');
    const labels = { current: 'live', pending: 'next', previous: 'old' };

    expect(textOf(await load({ labels }))).toBe(NEW);
    expect(textOf(await load({ labels }, 'previous'))).toBe(OLD);
    expect(await load({ labels }, 'pending')).toBeUndefined();
    await moto.python(LABEL, '3', 'next');
    expect(textOf(await load({ labels }, 'pending'))).toBe('sk-invented-pending');
    expect(textOf(await load({ name: '/gold:1' }))).toBe(OLD);
    expect(textOf(await load())).toBe('sk-invented-pending');
    expect(await failure(load({ name: '/gold:9' }))).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
  });

  it('shows a parameter that was deleted and made anew as a new one, though it is version 1 again', async () => {
    await put(OLD);
    const first = await load();
    await moto.python(DELETE);
    expect(await failure(load())).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    await put(NEW);

    const known = [first?.version ?? ''];
    const second = await storeAt(moto.url).load({ stage: 'current', signal: new AbortController().signal, known });

    expect(textOf(second)).toBe(NEW);
    expect(second?.version).toMatch(/^1@/);
  });

  it('refuses a key that lies there in the clear', async () => {
    await put(OLD, 'String');

    const error = await failure(load());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false });
    assertNoSecret(error, OLD);
  });

  it.skipIf(!built)(`serves examples/stores/ssm.mjs ${missing}`, async () => {
    await put(OLD);
    await moto.python(LABEL, '1', 'live');
    await using scene = await serve(storeAt(moto.url), [OLD]);

    const ran = await finishedWithout(OLD)(['examples/stores/ssm.mjs'], {
      PATH: process.env['PATH'] ?? '',
      ...MOTO_ENV,
      AWS_ENDPOINT_URL_SSM: moto.url,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      PARAMETER: '/gold',
      PRICE_API_URL: scene.api.url,
    });

    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^XAU 2199\.51 with 1@\S+Z\n$/) });
  });

  keyProviderContract(
    'fromSsm on moto',
    async (key) => {
      await moto.reset();
      await put(key);
      const relay = await startRelay(moto.url);
      const provider = storeAt(relay.url);
      return {
        provider,
        rotate: async (successor) => void (await put(successor)),
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
