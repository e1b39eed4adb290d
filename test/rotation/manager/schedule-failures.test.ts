import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError, type KeyCipher } from '../../../src/index.js';
import type { KeyRotationManager, RingStore } from '../../../src/rotation/index.js';
import type { RotationOptions } from '../../../src/rotation/ring/types.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure, NEW, OLD, ringOf, statesOf } from '../rings.js';
import { DAY, heardOn, HOUR, NAME, ringScene, type RingScene } from '../scene.js';

const PLAN = { every: HOUR, jitter: 0, maxAge: 90 * DAY, canary: [10], dwell: HOUR, overlap: DAY };

/** The messages on the channel of failed turns from now on. */
const published = (): Array<{ ring: string; error: unknown }> => heardOn('goldkey:rotation-failed');

interface Scheduled {
  readonly scene: RingScene;
  readonly cipher: KeyCipher & { fault: (() => unknown) | undefined; encrypted: number };
  readonly minted: string[];
  readonly manager: KeyRotationManager;
  readonly end: Promise<void>;
  /** Lets a turn begin and end. */
  turn(): Promise<void>;
  stop(): Promise<void>;
}

/** A key that is due, with a schedule whose cipher fails on demand. */
async function scheduled(
  onError?: (error: unknown) => void,
  more: (scene: RingScene) => Partial<RotationOptions> = () => ({}),
  fault?: () => unknown,
): Promise<Scheduled> {
  const scene = await ringScene();
  await scene.manager().init(OLD);
  await scene.clock.advance(90 * DAY);
  const cipher: Scheduled['cipher'] = {
    ...scene.cipher,
    fault,
    encrypted: 0,
    encrypt(...args) {
      cipher.encrypted++;
      return cipher.fault === undefined ? scene.cipher.encrypt(...args) : Promise.reject(cipher.fault() as Error);
    },
  };
  const minted: string[] = [];
  let turns = 0;
  const options = more(scene);
  const ring: RingStore = {
    ...(options.ring ?? scene.store),
    lease: () => Promise.resolve({ fence: 1, release: () => Promise.resolve(void turns++) }),
  };
  const generate = ({ rotationId }: { rotationId: string }) => {
    minted.push(rotationId);
    return Promise.resolve({ key: NEW });
  };
  const stop = new AbortController();
  const manager = scene.manager({ cipher, generate, ...options, ring });
  const end = manager.schedule({ ...PLAN, signal: stop.signal, ...(onError !== undefined && { onError }) });
  end.catch(() => undefined);
  const finished = async (count: number): Promise<void> => {
    await vi.waitUntil(() => turns >= count, { timeout: 10_000, interval: 1 });
    // The pause begins.
    for (let each = 0; each < 5; each++) await new Promise((resolve) => setImmediate(resolve));
  };
  await finished(1);
  return {
    scene,
    cipher,
    minted,
    manager,
    end,
    async turn() {
      const before = turns;
      await scene.clock.advance(HOUR);
      await finished(before + 1);
    },
    stop() {
      stop.abort();
      return end;
    },
  };
}

const down = (): Error => new KeyProviderError('AWS KMS could not be reached (ECONNREFUSED).', { provider: 'aws-kms' });
const expired = (): Error => new KeyProviderError('The AWS credentials have expired.', { provider: 'aws-kms' });

describe('a schedule whose cipher does not work', () => {
  it.each([
    ['the key service cannot be reached', down],
    ['the credentials have expired', expired],
    ['the cipher is of another package and rejects with no error', () => 'no error at all'],
  ])('tells each turn and mints nothing while %s', async (_, fault) => {
    const messages = published();
    const told: unknown[] = [];
    const { scene, minted, turn, stop } = await scheduled((error) => void told.push(error), undefined, fault);
    await turn();
    await turn();
    await stop();

    expect(told).toHaveLength(3);
    expect(messages).toEqual(told.map((error) => ({ ring: NAME, error })));
    expect(minted).toEqual([]);
    expect((await ringOf(scene)).revision).toBe(1);
  });

  it('takes the step once it works again', async () => {
    const told: unknown[] = [];
    const { scene, cipher, minted, turn, stop } = await scheduled((error) => void told.push(error), undefined, down);
    cipher.fault = undefined;
    await turn();
    await stop();

    expect(told).toHaveLength(1);
    expect(minted).toHaveLength(1);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });

  it('ends when it is denied for good, and tells that too', async () => {
    const messages = published();
    const denied = (): Error => new KeyAccessDeniedError('Not for this role.', { provider: 'aws-kms' });
    const { end, minted } = await scheduled(undefined, undefined, denied);

    const error = await failure(end);

    expect(error).toMatchObject({ name: 'KeyAccessDeniedError' });
    expect(messages).toEqual([{ ring: NAME, error }]);
    expect(minted).toEqual([]);
  });
});

describe('a key that was minted and could not be stored', () => {
  it('is not minted again: the next turn stores it', async () => {
    const messages = published();
    // The sample, then the key.
    const { scene, cipher, minted, turn, stop } = await scheduled(undefined, ({ cipher: working }) => {
      let calls = 0;
      return {
        cipher: {
          ...working,
          encrypt: (...args) => (++calls % 2 === 0 && calls < 9 ? Promise.reject(down()) : working.encrypt(...args)),
        },
      };
    });
    for (let each = 0; each < 4; each++) await turn();
    await stop();

    expect(cipher.encrypted).toBe(0);
    expect(minted).toHaveLength(1);
    expect(messages).toHaveLength(4);
    const { versions } = await ringOf(scene);
    expect(versions['v2']).toMatchObject({ state: 'pending', rotationId: minted[0] });
    const bytes = await scene.cipher.decrypt(versions['v2']?.ciphertext ?? '', { bind: { 'goldkey:ring': NAME } });
    expect(Buffer.from(bytes).toString()).toBe(NEW);
  });

  it('is not minted again when the store failed, and not shown by what is told', async () => {
    const messages = published();
    const told: unknown[] = [];
    let writes = 0;
    const { scene, minted, turn, stop } = await scheduled(
      (error) => void told.push(error),
      ({ store }) => ({
        ring: {
          ...store,
          // The intent is written, the key is not.
          write: (...args) =>
            ++writes > 1 && writes < 4
              ? Promise.reject(new Error(`no room for ${NEW} or ${Buffer.from(NEW).toString('base64')}`))
              : store.write(...args),
        },
      }),
    );
    await turn();
    await turn();
    await stop();

    expect(minted).toHaveLength(1);
    expect(told).toHaveLength(2);
    for (const shown of [...told, ...messages]) {
      assertNoSecret(shown, NEW);
      expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain(NEW);
    }
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });

  it('is kept while the schedule runs, and no longer', async () => {
    let calls = 0;
    const failing = ({ cipher }: RingScene): Partial<RotationOptions> => ({
      // The sample, then the key, until the schedule has ended.
      cipher: {
        ...cipher,
        encrypt: (...args) => (++calls % 2 === 0 && calls < 5 ? Promise.reject(down()) : cipher.encrypt(...args)),
      },
    });
    const { manager, minted, turn, stop } = await scheduled(() => undefined, failing);
    await turn();
    await stop();
    const whileItRan = minted.length;

    await manager.stage();

    expect(whileItRan).toBe(1);
    expect(minted).toEqual([minted[0], minted[0]]);
  });

  it('is asked for under the same id after a restart', async () => {
    const broken = ({ cipher }: RingScene): Partial<RotationOptions> => {
      let calls = 0;
      return {
        cipher: { ...cipher, encrypt: (...args) => (++calls > 1 ? Promise.reject(down()) : cipher.encrypt(...args)) },
      };
    };
    const { scene, minted, stop } = await scheduled(() => undefined, broken);
    await stop();
    const again: string[] = [];

    await scene
      .manager({ generate: ({ rotationId }) => Promise.resolve({ key: (again.push(rotationId), NEW) }) })
      .stage();

    expect(again).toEqual(minted);
    expect(minted).toHaveLength(1);
  });

  it('is not kept once the ring no longer wants it, nor when no cipher takes it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const ids: string[] = [];
    let isBroken = true;
    const { encrypt } = scene.cipher;
    const keys = ['k'.repeat(5_000), NEW, 'third-key-5555555555'];
    const manager = scene.manager({
      generate: ({ rotationId }) => Promise.resolve({ key: keys[ids.push(rotationId) - 1] ?? '' }),
      cipher: {
        ...scene.cipher,
        encrypt: (key, options) =>
          isBroken && Buffer.from(key).toString() === NEW ? Promise.reject(down()) : encrypt(key, options),
      },
    });

    const tooLong = await failure(manager.stage());
    const unstored = await failure(manager.stage());
    await manager.revert();
    isBroken = false;
    await manager.stage();

    expect([tooLong['code'], unstored['code']]).toEqual(['ERR_GOLDKEY_FORMAT', 'ERR_GOLDKEY_PROVIDER']);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(2);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected', v3: 'pending' });
    expect(inspect(manager, { depth: 20, showHidden: true })).not.toContain(NEW);
  });
});

describe('what a schedule is told with', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('from the listener');
      },
    ],
    ['rejects', () => Promise.reject(new Error('from the listener'))],
  ])('may fail: an `onError` that %s ends nothing', async (_, onError) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const { scene, cipher, turn, stop } = await scheduled(onError, undefined, down);
    await turn();
    cipher.fault = undefined;
    await turn();
    await stop();

    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
    expect(rejections).toEqual([]);
  });

  it('is a warning where nobody listens, which names the kind of the error only', async () => {
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => spy.mockRestore());
    const { stop } = await scheduled(undefined, undefined, () => new Error(`cannot encrypt ${NEW}`));
    await stop();

    expect(spy.mock.calls.map(([message]) => String(message))).toEqual([
      'A turn of `schedule` for the key ring `gold` failed (Error); set `onError` to see why.',
    ]);
  });

  it('is no warning where `onError` is set', async () => {
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => spy.mockRestore());
    const { stop } = await scheduled(() => undefined, undefined, down);
    await stop();

    expect(spy).not.toHaveBeenCalled();
  });
});
