import { describe, expect, it } from 'vitest';
import type { KeyCipher } from '../../../src/index.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { counted } from '../fleet.js';
import { failure, NEW, OLD, ringOf, statesOf, THIRD } from '../rings.js';
import { DAY, ringScene } from '../scene.js';

const refuses =
  (...keys: string[]) =>
  (key: string): Promise<void> =>
    keys.includes(key) ? Promise.reject(new Error(`401 for ${key}`)) : Promise.resolve();

describe('a probe that refuses the key', () => {
  it('leaves a staged key rejected, and says so without the key', async () => {
    const scene = await ringScene();
    const manager = scene.manager({ probe: refuses(NEW) });
    await manager.init(OLD);

    const error = await failure(manager.stage(NEW));

    expect(error).toMatchObject({ name: 'RotationError', step: 'stage', version: 'v2' });
    expect((error.cause as Error).message).toMatch(/^401 for /);
    assertNoSecret(error, NEW);
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
    expect(await ringOf(scene)).not.toHaveProperty('rollout');
  });

  it('changes nothing at promote, retire and revert', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    const staged = await ringOf(scene);

    const promote = await failure(scene.manager({ probe: refuses(NEW) }).promote({ force: true }));
    expect(await ringOf(scene)).toEqual(staged);
    await scene.manager().promote();
    const promoted = await ringOf(scene);
    const retire = await failure(scene.manager({ probe: refuses(NEW) }).retire({ force: true }));
    const revert = await failure(scene.manager({ probe: refuses(OLD) }).revert());

    expect(await ringOf(scene)).toEqual(promoted);
    expect([promote, retire, revert].map(({ name, step }) => [name, step])).toEqual([
      ['RotationError', 'promote'],
      ['RotationError', 'retire'],
      ['RotationError', 'revert'],
    ]);
    for (const error of [promote, retire, revert]) assertNoSecret(error, NEW);
  });

  it('is asked for the key that the step relies on', async () => {
    const scene = await ringScene();
    const asked: string[] = [];
    const manager = scene.manager({ probe: (key) => Promise.resolve(void asked.push(key)) });

    await manager.init(OLD);
    await manager.stage(NEW);
    await manager.promote();
    await manager.revert();
    await manager.retire();

    expect(asked).toEqual([NEW, NEW, OLD, OLD]);
  });

  it('is asked again when stage is, in case it was never reached', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);

    const error = await failure(scene.manager({ probe: refuses(NEW) }).stage(NEW));

    expect(error).toMatchObject({ step: 'stage', version: 'v2' });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
  });

  it('leaves the key rejected also when somebody else changed the ring while it was asked', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const probe = async (): Promise<void> => {
      await scene.manager().canary(10);
      throw new Error('401');
    };

    const error = await failure(scene.manager({ probe }).stage(NEW));

    expect(error).toMatchObject({ name: 'RotationError', step: 'stage' });
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'rejected' });
  });

  it('does not undo a promotion that somebody else made while it was asked', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const probe = async (): Promise<void> => {
      await scene.manager().promote();
      throw new Error('401');
    };

    const error = await failure(scene.manager({ probe }).stage(NEW));

    expect(error).toMatchObject({ name: 'RingConflictError' });
    expect(await statesOf(scene)).toEqual({ v1: 'previous', v2: 'current' });
  });

  it('is given the signal of the caller, or one that never aborts', async () => {
    const scene = await ringScene();
    const given: AbortSignal[] = [];
    const manager = scene.manager({ probe: (_, { signal }) => Promise.resolve(void given.push(signal)) });
    const { signal } = new AbortController();
    await manager.init(OLD);

    await manager.stage(NEW, { signal });
    await manager.promote();

    expect(given[0]).toBe(signal);
    expect(given[1]?.aborted).toBe(false);
  });

  it('decides nothing when the caller gave up on it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const giveUp = new AbortController();
    const probe = (): Promise<never> => {
      giveUp.abort(new Error('the operator pressed ^C'));
      return Promise.reject(new Error('aborted'));
    };

    const error = await failure(scene.manager({ probe }).stage(NEW, { signal: giveUp.signal }));

    expect(error.message).toBe('the operator pressed ^C');
    expect(await statesOf(scene)).toEqual({ v1: 'current', v2: 'pending' });
  });
});

describe('a key that a step is given', () => {
  const encodings = {
    raw: NEW,
    'raw inside other text': `the new one is ${NEW}!`,
    base64: Buffer.from(NEW).toString('base64'),
    'Basic auth': `Basic ${Buffer.from(`gold:${NEW}`).toString('base64')}`,
    hex: Buffer.from(NEW).toString('hex'),
    'hex in capitals': Buffer.from(NEW).toString('hex').toUpperCase(),
  };

  it.each(Object.entries(encodings))('is refused when its metadata hold it: %s', async (_, note) => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const before = await ringOf(scene);

    for (const metadata of [{ note }, { [note]: 'x' }]) {
      const error = await failure(scene.manager().stage(NEW, { metadata }));
      expect(error).toMatchObject({ name: 'RotationError', step: 'stage' });
      assertNoSecret(error, NEW);
    }
    expect(await ringOf(scene)).toEqual(before);
  });

  it('is refused when its metadata hold it URL-encoded, by init as well', async () => {
    const scene = await ringScene();
    const key = 'key/with+signs=0123456789';

    const error = await failure(scene.manager().init(key, { metadata: { note: encodeURIComponent(key) } }));

    expect(error).toMatchObject({ name: 'RotationError', step: 'init' });
    assertNoSecret(error, key);
    expect(await scene.store.read()).toBeUndefined();
  });

  it('is refused when the metadata that came with the minted key hold it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const generate = () => Promise.resolve({ key: NEW, metadata: { response: JSON.stringify({ key: NEW }) } });

    const error = await failure(scene.manager({ generate }).stage());

    expect(error).toMatchObject({ name: 'RotationError', step: 'stage' });
    assertNoSecret(error, NEW);
    expect(JSON.stringify(await ringOf(scene))).not.toContain(NEW);
  });

  it.each([[null], ['text'], [['a']], [{ a: 1 }]])(
    'is refused with %j as metadata, minted with or given',
    async (metadata) => {
      const scene = await ringScene();
      await scene.manager().init(OLD);
      const notes = metadata as unknown as Record<string, string>;

      const given = await failure(scene.manager().stage(NEW, { metadata: notes }));
      const minted = await failure(
        scene.manager({ generate: () => Promise.resolve({ key: NEW, metadata: notes }) }).stage(),
      );

      expect(given['code']).toBe('ERR_INVALID_ARG_VALUE');
      expect(minted['code']).toBe('ERR_INVALID_ARG_VALUE');
    },
  );

  it.each(['short', 'has a space in it', 'umlaut-ä-0123456', 'control-\u0001-012345', '', 'x'.repeat(5_000)])(
    'is a KeyFormatError when no client would take it: %.20s',
    async (key) => {
      const scene = await ringScene();
      const init = await failure(scene.manager().init(key));
      await scene.manager().init(OLD);
      const stage = await failure(scene.manager().stage(key));
      const minted = await failure(scene.manager({ generate: () => Promise.resolve({ key }) }).stage());

      for (const error of [init, stage, minted]) {
        expect(error).toMatchObject({ name: 'KeyFormatError', code: 'ERR_GOLDKEY_FORMAT' });
        if (key.length >= 8 && !/[^\u0020-\u007e]/u.test(key)) assertNoSecret(error, key);
      }
    },
  );

  it.each([null, 7, {}])('is a TypeError when it is %j', async (key) => {
    const scene = await ringScene();

    expect(await failure(scene.manager().init(key as unknown as string))).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('may end in a newline, and may be bytes, which stay as they were', async () => {
    const scene = await ringScene();
    const bytes = Buffer.from(`${NEW}\r\n`);
    await scene.manager().init(`${OLD}\n`);

    await scene.manager().stage(bytes);

    const { versions } = await ringOf(scene);
    const opened = await scene.cipher.decrypt(versions['v2']?.ciphertext ?? '', { bind: { 'goldkey:ring': 'gold' } });
    expect(Buffer.from(opened).toString()).toBe(NEW);
    expect(bytes.toString()).toBe(`${NEW}\r\n`);
  });

  it('is told from the pending one without a decryption', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.manager().stage(NEW);
    const cipher = counted(scene.cipher);

    const error = await failure(scene.manager({ cipher }).stage(THIRD));

    expect(error).toMatchObject({ name: 'RotationError', version: 'v2' });
    expect(cipher.opened).toEqual([]);
  });

  it('is not written when it does not decrypt to what was encrypted', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    const before = await ringOf(scene);
    const broken: KeyCipher = { ...scene.cipher, decrypt: () => Promise.resolve(new TextEncoder().encode(THIRD)) };

    const error = await failure(scene.manager({ cipher: broken }).stage(NEW));

    expect(error).toMatchObject({ name: 'RotationError', step: 'stage' });
    assertNoSecret(error, NEW);
    expect(await ringOf(scene)).toEqual(before);
  });
});

/** A cipher that keeps what it was given to encrypt, and what it gave out. */
function keeping(cipher: KeyCipher): { cipher: KeyCipher; held: Uint8Array[]; seen: string[] } {
  const held: Uint8Array[] = [];
  const seen: string[] = [];
  const keep = (bytes: Uint8Array): void => {
    held.push(bytes);
    seen.push(Buffer.from(bytes).toString('latin1'));
  };
  return {
    held,
    seen,
    cipher: {
      ...cipher,
      encrypt(key, options) {
        if (typeof key !== 'string') keep(key);
        return cipher.encrypt(key, options);
      },
      async decrypt(...args) {
        const bytes = await cipher.decrypt(...args);
        keep(bytes);
        return bytes;
      },
    },
  };
}

describe('the bytes of a key', () => {
  it('are zeroed after every step that saw them, whether it succeeds or fails', async () => {
    const scene = await ringScene();
    const { cipher, held, seen } = keeping(scene.cipher);
    const minted = Buffer.from(THIRD);
    const probed: string[] = [];
    const manager = scene.manager({
      cipher,
      generate: () => Promise.resolve({ key: minted }),
      probe: (key) => Promise.resolve(void probed.push(key)),
    });

    await manager.init(OLD);
    await manager.init(OLD);
    await failure(scene.manager({ cipher, probe: refuses(NEW) }).stage(NEW));
    await manager.stage();
    await manager.stage();
    await manager.promote();
    await manager.retire({ force: true });

    expect(probed).toEqual([THIRD, THIRD, THIRD, THIRD]);
    expect(new Set(seen)).toEqual(new Set([OLD, NEW, THIRD, 'goldkey-cipher-trial']));
    expect(
      held.filter((bytes) => bytes.some((byte) => byte !== 0)).map((bytes) => Buffer.from(bytes).toString()),
    ).toEqual(
      // The sample, which is no key.
      ['goldkey-cipher-trial'],
    );
  });
});

describe('a version from ahead of the clock', () => {
  it('is refused by every step but `revert` when it is an hour ahead, and taken when it is four minutes', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await scene.clock.advance(DAY);
    await scene.manager().stage(NEW);
    const { versions } = await ringOf(scene);
    const made = Date.parse(versions['v2']?.createdAt ?? '');
    const manager = scene.manager();

    scene.clock.setWall(made - 3_600_000);
    for (const step of ['stage', 'canary', 'promote', 'retire'] as const) {
      const work = { stage: () => manager.stage(NEW), canary: () => manager.canary(10) }[step as 'stage'];
      const error = await failure(work === undefined ? manager[step as 'promote']() : work());
      expect(error).toMatchObject({ name: 'RotationError', step, retryable: true });
      expect(error.message).toContain('`versions.v2.createdAt`');
      expect(error.message).toContain('`force`');
    }

    scene.clock.setWall(made - 240_000);
    await manager.promote();
    expect(await statesOf(scene)).toEqual({ v1: 'previous', v2: 'current' });
  });
});
