import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { systemClock, type Clock, type KeyProvider, type LoadedKey } from '../../../src/core/index.js';
import { fromKmsLight, type FromKmsLightOptions } from '../../../src/providers/kms-light/index.js';
import { startFakeKms, type FakeKms } from '../../../src/testing/fake-kms/server.js';
import { request } from '../loading.js';

export const KEY = 'invented-key-4711';
export const CONTEXT = { service: 'gold-data-stream', environment: 'test' };
export const CREDENTIALS = { accessKeyId: 'AKIAINVENTED', secretAccessKey: 'invented-secret-access-key' };

/** What the tests of `fromKmsLight` stand on: a KMS that checks signatures, and no variable of AWS set. */
export interface LightScene {
  readonly kms: FakeKms;
  /** Closes what it is given after the test. */
  opened<P extends KeyProvider>(provider: P): P;
  light(more?: Partial<FromKmsLightOptions>): KeyProvider;
}

export function lightScene(): LightScene {
  let kms: FakeKms | undefined;
  const providers: KeyProvider[] = [];
  const scene: LightScene = {
    get kms() {
      if (kms === undefined) throw new Error('There is no KMS before the first test.');
      return kms;
    },
    opened(provider) {
      providers.push(provider);
      return provider;
    },
    light: (more = {}) =>
      scene.opened(
        fromKmsLight({
          ciphertext: scene.kms.encrypt(KEY, CONTEXT),
          encryptionContext: CONTEXT,
          region: scene.kms.region,
          endpoint: scene.kms.url,
          credentials: CREDENTIALS,
          ...more,
        }),
      ),
  };
  beforeAll(async () => {
    kms = await startFakeKms({ credentials: CREDENTIALS });
  });
  beforeEach(() => {
    scene.kms.reset();
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, '');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    for (const provider of providers.splice(0)) await provider.close?.();
  });
  afterAll(() => kms?.close());
  return scene;
}

/** Pauses take no time; the second for a connection and the two for an answer are real. */
const pauseless: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  setTimeout: (callback, ms, options) =>
    systemClock.setTimeout(callback, ms === 1_000 || ms >= 2_000 ? ms : 0, options),
};

export const load = (provider: KeyProvider): Promise<LoadedKey> =>
  provider.load(request(pauseless)) as Promise<LoadedKey>;
