import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { KeyProvider } from '../../src/core/index.js';
import { fromKms } from '../../src/providers/kms/index.js';
import { failure, request, text } from './loading.js';
import { CONTEXT, CREDENTIALS, KEY, lightScene, load } from './kms-light/scene.js';

const scene = lightScene();
/** Finds every name on this machine, as the network of a compose file does. */
const lookup: LookupFunction = (_, { all }, found) => {
  if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
};
const composeAgent = (): Agent => new Agent({ lookup, keepAlive: true });
const composeUrl = (): string => scene.kms.url.replace('127.0.0.1', 'localstack');

const withSdk = (more: { dangerouslyAllowHttp?: boolean }, clientConfig: object = {}): KeyProvider =>
  scene.opened(
    fromKms({
      ciphertext: scene.kms.encrypt(KEY, CONTEXT),
      encryptionContext: CONTEXT,
      region: scene.kms.region,
      clientConfig: {
        endpoint: composeUrl(),
        credentials: CREDENTIALS,
        requestHandler: { httpAgent: composeAgent() },
        ...clientConfig,
      },
      ...more,
    }),
  );

describe('an endpoint over plain http beside loopback', () => {
  it('serves with `dangerouslyAllowHttp`', async () => {
    const light = scene.light({ endpoint: composeUrl(), agent: composeAgent(), dangerouslyAllowHttp: true });

    expect(text(await load(light))).toBe(KEY);
    expect(text(await withSdk({ dangerouslyAllowHttp: true }).load(request()))).toBe(KEY);
  });

  it('is refused at once without it, by a message that names the option', () => {
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(/dangerouslyAllowHttp/),
    });

    expect(() => scene.light({ endpoint: composeUrl() })).toThrow(refused);
    expect(() => withSdk({})).toThrow(refused);
    expect(() => withSdk({ dangerouslyAllowHttp: false })).toThrow(refused);
  });

  it('is refused by a load if a function gives it, also beside a store of the same settings that may', async () => {
    const endpoint = (): Promise<object> =>
      Promise.resolve({
        protocol: 'http:',
        hostname: 'localstack',
        path: '/',
        port: Number(new URL(scene.kms.url).port),
      });
    const clientConfig = { endpoint, requestHandler: { httpAgent: composeAgent() } };

    expect(text(await withSdk({ dangerouslyAllowHttp: true }, clientConfig).load(request()))).toBe(KEY);
    expect(await failure(withSdk({}, clientConfig).load(request()))).toMatchObject({
      name: 'KeyProviderError',
      retryable: false,
      message: expect.stringMatching(/plain http at `localstack`.*`dangerouslyAllowHttp`/),
    });
  });

  it('must still be a URL of http or https', () => {
    expect(() => scene.light({ endpoint: 'ftp://localstack:21', dangerouslyAllowHttp: true })).toThrow(RangeError);
    expect(() => withSdk({ dangerouslyAllowHttp: true }, { endpoint: 'localstack' })).toThrow(RangeError);
  });
});

describe('an agent of the caller', () => {
  it('sends the requests, and is left open when the store is closed', async () => {
    const agent = composeAgent();
    const first = scene.light({ agent });
    await load(first);
    const sockets = (): number => Object.values(agent.freeSockets).flat().length;

    await first.close?.();

    expect(sockets()).toBe(1);
    expect(text(await load(scene.light({ agent })))).toBe(KEY);
    expect(sockets()).toBe(1);
    agent.destroy();
  });

  it.each([['an agent'], [{}], [null]])('must be one: %j is refused', (agent) => {
    expect(() => scene.light({ agent: agent as never })).toThrow(/`agent` must be an Agent of node:https/);
  });
});
