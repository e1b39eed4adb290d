import { describe, expect, it } from 'vitest';
import { GoldDataClient, KeyAccessDeniedError } from '../../../src/index.js';
import { fromKeyRing } from '../../../src/rotation/index.js';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { NAME, ringScene } from '../scene.js';

/** A price API's mint: one key per id, however often it is asked. */
class Mint {
  readonly asked: string[] = [];
  readonly minted = new Map<string, string>();
  down: Error | undefined;

  readonly generate = async ({ rotationId }: { rotationId: string }) => {
    this.asked.push(rotationId);
    await Promise.resolve();
    if (this.down !== undefined) throw this.down;
    const key = this.minted.get(rotationId) ?? `minted-key-${String(this.minted.size + 1).padStart(6, '0')}`;
    this.minted.set(rotationId, key);
    return { key, metadata: { rotation_id: rotationId } };
  };
}

describe('a key that is minted', () => {
  it('is asked for under an id that was written before', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    let seen: unknown;
    const generate = async ({ rotationId }: { rotationId: string }) => {
      const { versions, rollout } = await ringOf(scene);
      seen = { ...versions['v2'], sameId: versions['v2']?.rotationId === rotationId, rollout };
      return { key: NEW };
    };

    await scene.manager({ generate }).stage();

    expect(seen).toMatchObject({ state: 'pending', keyId: '', fingerprint: '', sameId: true, rollout: undefined });
    expect(seen).not.toHaveProperty('ciphertext');
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });

  it('leaves an intent when the mint fails, and the next run asks for the same id', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const mint = new Mint();
    mint.down = new Error('503');

    const error = await failure(scene.manager({ generate: mint.generate }).stage());
    const between = await scene.manager().status();
    mint.down = undefined;
    const done = await scene.manager({ generate: mint.generate }).stage();

    expect(error).toMatchObject({ name: 'RotationError', step: 'stage', retryable: true, cause: { message: '503' } });
    expect(between).toMatchObject({ pending: 'v2', percent: 0 });
    expect(between.nextStep).toMatch(/^stage: v2 was being minted/);
    expect(done).toEqual({ version: 'v2' });
    expect(new Set(mint.asked).size).toBe(1);
    expect(mint.minted.size).toBe(1);
  });

  it('fails with an error of goldkey as the mint threw it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const denied = new KeyAccessDeniedError('Not for this role.', { provider: 'mint' });

    expect(await failure(scene.manager({ generate: () => Promise.reject(denied) }).stage())).toBe(denied);
  });

  it('is needed by init where it is given no key', async () => {
    const scene = await ringScene();

    expect(await failure(scene.manager().init())).toMatchObject({ name: 'RotationError', step: 'init' });
  });

  it('is no reason for readers to fail while it is being minted', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const mint = new Mint();
    mint.down = new Error('503');
    await failure(scene.manager({ generate: mint.generate }).stage());
    const gold = new GoldDataClient({
      keyProvider: fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher }),
      clock: scene.clock,
      fetchPrice: (_: string, { apiKey }) => Promise.resolve(apiKey),
    });

    expect(await gold.getPrice()).toBe(OLD);
    await gold.close();
  });

  it('can be neither put on trial nor promoted while it is being minted', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const mint = new Mint();
    mint.down = new Error('503');
    await failure(scene.manager({ generate: mint.generate }).stage());

    for (const [step, work] of [
      ['canary', () => scene.manager().canary(10)],
      ['promote', () => scene.manager().promote({ force: true })],
    ] as const) {
      expect(await failure(work())).toMatchObject({ name: 'RotationError', step, version: 'v2' });
    }
  });

  it('is not asked for again once it is staged', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const mint = new Mint();
    const manager = scene.manager({ generate: mint.generate });
    await manager.stage();
    const before = await ringOf(scene);

    expect(await manager.stage()).toEqual({ version: 'v2' });

    expect(mint.asked).toHaveLength(1);
    expect(await ringOf(scene)).toEqual(before);
  });

  it('takes the place of a given key only with `force`, and a given key that of an intent', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    const mint = new Mint();
    mint.down = new Error('503');
    const manager = scene.manager({ generate: mint.generate });

    const refused = await failure(manager.stage());
    await failure(manager.stage(undefined, { force: true }));
    const given = await failure(manager.stage(THIRD));
    await manager.stage(THIRD, { force: true });

    expect(refused).toMatchObject({ name: 'RotationError', step: 'stage', version: 'v2' });
    expect(given).toMatchObject({ name: 'RotationError', step: 'stage', version: 'v3' });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected', v3: 'rejected', v4: 'pending' });
  });

  it('carries what came with it, and the id, into the ring', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const mint = new Mint();

    await scene.manager({ generate: mint.generate }).stage(undefined, { metadata: { rotated_by: 'ops' } });

    const version = (await ringOf(scene)).versions['v2'];
    expect(version?.rotationId).toBe(mint.asked[0]);
    expect(version?.metadata).toEqual({ rotated_by: 'ops', rotation_id: mint.asked[0] });
  });

  it('can be the first of a ring: the id is the same after a crash', async () => {
    const scene = await ringScene();
    const mint = new Mint();
    mint.down = new Error('503');
    await failure(scene.manager({ generate: mint.generate }).init());
    mint.down = undefined;

    await scene.manager({ generate: mint.generate }).init();
    await scene.manager({ generate: mint.generate }).init();

    expect(new Set(mint.asked).size).toBe(1);
    expect(mint.asked).toHaveLength(2);
    expect(await statesOf(scene)).toEqual({ v1: 'current' });
  });

  it.each([[undefined], [null], [{}], [{ key: 7 }], ['a-key-0123456789']])('is refused as %j', async (answer) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    const error = await failure(scene.manager({ generate: () => Promise.resolve(answer as never) }).stage());

    expect(error['code']).toBe('ERR_INVALID_ARG_VALUE');
    expect((await scene.manager().status()).pending).toBe('v2');
  });

  it.each([
    ['a value of type string', NEW],
    ['undefined', undefined],
    ['null', null],
    ['an instance of Buffer', Buffer.from(NEW)],
  ])('that `generate` did not wrap in an object (%s) is refused in its name', async (what, answer) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);

    const error = await failure(scene.manager({ generate: (() => Promise.resolve(answer)) as never }).stage());

    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toBe(`\`generate\` must resolve to an object with the \`key\` that it minted, got ${what}.`);
  });
});
