import { describe, expect, it } from 'vitest';
import { fromKeyRing, RingConflictError, type KeyRingDocument } from '../../../src/rotation/index.js';
import { readRing } from '../../../src/rotation/ring/read-ring.js';
import { edit, failure, memoryRing, NEW, OLD, ringOf, THIRD, type MemoryRing } from '../rings.js';
import { NAME, ringScene, START, type RingScene } from '../scene.js';

const { signal } = new AbortController();
const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);

/** A ring in memory with v2 as current, v1 before it and, unless it is settled, v3 on trial; and a provider of it. */
async function ready(
  isSettled = false,
): Promise<{ scene: RingScene; ring: MemoryRing; provider: ReturnType<typeof fromKeyRing> }> {
  const scene = await ringScene();
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  const manager = scene.manager({ ring });
  await manager.init(OLD);
  await manager.stage(NEW);
  await manager.promote();
  if (!isSettled) {
    await manager.stage(THIRD);
    await manager.canary(10);
  }
  return { scene, ring, provider: fromKeyRing({ ring, name: NAME, cipher: scene.cipher }) };
}

describe('the options of fromKeyRing', () => {
  const read = (): Promise<undefined> => Promise.resolve(undefined);
  const write = (): Promise<void> => Promise.resolve();
  const ring = { name: 'memory', read, write };
  const cipher = { name: 'local', decrypt: read, accepts: () => true };
  const noRing = '`ring` must be a ring store, such as fileRing(path), got';
  const noName = '`name` must be 1 to 128 letters, digits, dots, dashes, underscores or slashes.';
  const noCipher = '`cipher` must be a KeyCipher, such as kmsCipher(…) or localCipher(…), got';

  it.each([
    [{ ring: undefined }, `${noRing} undefined.`],
    [{ ring: { name: 'memory', write } }, `${noRing} a value of type object.`],
    [{ ring: { name: 'memory', read } }, `${noRing} a value of type object.`],
    [{ ring: { read, write } }, `${noRing} a value of type object.`],
    [{ name: '' }, noName],
    [{ name: 'a'.repeat(129) }, noName],
    [{ name: undefined }, noName],
    [{ name: 7 }, noName],
    [{ cipher: [] }, '`cipher` must not be empty.'],
    [{ cipher: null }, `${noCipher} null.`],
    [{ cipher: [cipher, { decrypt: read }] }, `${noCipher} a value of type object.`],
    [{ cipher: { accepts: () => true } }, `${noCipher} a value of type object.`],
    [{ reportRejections: 'yes' }, '`reportRejections` must be a boolean, got a value of type string.'],
    [{ reportUse: 'yes' }, '`reportUse` must be a boolean, got a value of type string.'],
    [{ nam: 'gold' }, 'fromKeyRing has no option `nam`; did you mean `name`?'],
  ])('%j are refused with what was expected', (wrong, message) => {
    expect(() => fromKeyRing({ ring, name: NAME, cipher, ...wrong } as never)).toThrow(message);
  });

  it('bring no subscription where the store has none', () => {
    expect(fromKeyRing({ ring, name: NAME, cipher } as never).subscribe).toBeUndefined();
  });
});

describe('a ring that is read', () => {
  it('is asked for with the signal, and told that a write shall follow only if one does', async () => {
    const asked: unknown[] = [];
    const store = {
      ...memoryRing(() => new Error('unused')),
      read: async (options: unknown) => void asked.push(options),
    };
    const source = { store, name: NAME, ciphers: [] } as never;

    await readRing(source, signal);
    await readRing(source, undefined, true);

    expect(asked).toStrictEqual([{ signal }, { signal: undefined, forUpdate: true }]);
  });

  it('of another name is refused: for now to a reader, for good to a writer', async () => {
    const { ring } = await ready();
    const source = { store: ring, name: 'silver', ciphers: [] };
    const message =
      "The store holds the key ring `gold`, not `silver`: it may be another team's; correct `ring` or `name`.";

    const reader = await failure(readRing(source, signal));
    const writer = await failure(readRing(source, signal, true));

    expect(reader).toMatchObject({ provider: 'memory', message, retryable: true });
    expect(writer).toMatchObject({ provider: 'memory', message, retryable: false });
  });

  it('and is not there fails for now, with what to do', async () => {
    const { ring, provider } = await ready();
    ring.ring = undefined;

    expect(await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
      retryable: true,
      provider: 'memory',
      message: 'There is no key ring `gold` in the store; make one with `init`.',
    });
  });

  it('and is older than the last one says both revisions', async () => {
    const { ring, provider } = await ready();
    await provider.load({ stage: 'current', signal });
    ring.ring = { ...(ring.ring as KeyRingDocument), revision: 2 };

    expect(await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      provider: 'memory',
      message:
        'The key ring `gold` is at revision 2, but revision 5 was read before; the store answers from an outdated copy.',
    });
  });

  it('gives a rollout of the same revision as the current key, read once', async () => {
    const { scene, ring, provider } = await ready();
    await provider.load({ stage: 'current', signal });
    const { reads } = ring;
    await provider.rollout?.({ signal });
    expect(ring.reads).toBe(reads);

    await scene.manager({ ring }).canary(20);
    await provider.load({ stage: 'pending', signal });
    expect(await provider.rollout?.({ signal })).toMatchObject({ pendingPercent: 10 });

    await provider.load({ stage: 'current', signal });
    expect(await provider.rollout?.({ signal })).toMatchObject({ pendingPercent: 20 });

    ring.ring = undefined;
    await failure(provider.load({ stage: 'current', signal }) as Promise<unknown>);
    expect(await failure(provider.rollout?.({ signal }) as Promise<unknown>)).toMatchObject({ retryable: true });
  });
});

describe('loads of a ring that overlap', () => {
  it('read it once each while it stays the same', async () => {
    const { ring, provider } = await ready();
    await provider.load({ stage: 'current', signal });
    const { reads } = ring;

    await Promise.all((['current', 'pending', 'previous'] as const).map((stage) => provider.load({ stage, signal })));

    expect(ring.reads - reads).toBe(3);
  });
});

describe('a version that is loaded', () => {
  it('tells when it was made', async () => {
    const { provider } = await ready();

    expect(await provider.load({ stage: 'current', signal })).toEqual({
      bytes: bytesOf(NEW),
      version: 'v2',
      createdAt: START,
    });
  });

  it('is not decrypted again where it only moves to another stage and the client knows it', async () => {
    const { scene, ring, provider } = await ready(true);
    await provider.load({ stage: 'current', signal });
    await scene.manager({ ring }).revert();
    const load = (known: string[]) => provider.load({ stage: 'previous', signal, known });

    expect(ring.ring).toMatchObject({ current: 'v1', previous: 'v2' });
    expect(await load(['v2'])).toEqual({ unchanged: true, version: 'v2', expiresAt: undefined });
    // Asked for again at the same stage, it is due.
    expect(await load(['v2'])).toMatchObject({ bytes: bytesOf(NEW) });
  });

  it('is decrypted where the client does not know it', async () => {
    const { scene, ring, provider } = await ready(true);
    await provider.load({ stage: 'current', signal });
    await scene.manager({ ring }).revert();

    expect(await provider.load({ stage: 'previous', signal, known: ['v1'] })).toMatchObject({ bytes: bytesOf(NEW) });
  });

  it('is decrypted where its ciphertext was replaced, although it moves and the client knows its name', async () => {
    const { scene, ring, provider } = await ready(true);
    await provider.load({ stage: 'current', signal });
    await scene.manager({ ring }).revert();
    const { ciphertext, fingerprint } = await scene.cipher.encrypt(THIRD, { bind: { 'goldkey:ring': NAME } });
    Object.assign(ring.ring?.versions['v2'] ?? {}, { ciphertext, fingerprint });

    expect(await provider.load({ stage: 'previous', signal, known: ['v2'] })).toMatchObject({ bytes: bytesOf(THIRD) });
  });

  it('is decrypted again where it comes back to the ring after it was gone, although the client knows it', async () => {
    const { scene, ring } = await ready(true);
    const store = { ...ring, read: () => Promise.resolve({ ring: ring.ring as KeyRingDocument }) };
    const provider = fromKeyRing({
      ring: { ...store, allowsOlderRevision: () => true },
      name: NAME,
      cipher: scene.cipher,
    });
    const load = (known: string[]) => provider.load({ stage: 'current', signal, known });
    const withBoth = ring.ring;
    await load([]);
    await scene.manager({ ring }).stage(THIRD);
    await scene.manager({ ring }).promote({ force: true });
    await scene.manager({ ring }).retire({ force: true });
    await load([]);

    ring.ring = withBoth;

    expect(await load(['v2'])).toMatchObject({ version: 'v2', bytes: bytesOf(NEW) });
  });

  it('is forgotten with the ring that had it', async () => {
    const { scene, ring, provider } = await ready(true);
    await provider.load({ stage: 'current', signal });
    ring.ring = undefined;
    await scene.manager({ ring }).init(THIRD);

    expect(await provider.load({ stage: 'current', signal, known: ['v2'] })).toMatchObject({
      version: 'v1',
      bytes: bytesOf(THIRD),
    });
  });

  it('has no key while that is being minted, and says so to whoever pins it', async () => {
    const scene = await ringScene();
    await scene.manager().init(OLD);
    await edit(scene, (ring) => {
      const { ciphertext: _, ...rest } = ring.versions['v1'] as KeyRingDocument['versions'][string];
      ring.versions['v2'] = { ...rest, state: 'pending', keyId: '', fingerprint: '', rotationId: 'one' };
    });
    const pinned = (pinnedVersion: string) =>
      fromKeyRing({ ring: scene.store, name: NAME, cipher: scene.cipher, pinnedVersion });

    expect((await ringOf(scene)).versions['v2']).not.toHaveProperty('ciphertext');
    expect(await failure(pinned('v2').load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
      provider: 'key-ring',
      version: 'v2',
      message: 'Version v2 of the key ring `gold` is pending: it has no key.',
    });
    expect(await failure(pinned('v7').load({ stage: 'current', signal }) as Promise<unknown>)).toMatchObject({
      provider: 'key-ring',
    });
  });
});

describe('a provider of a ring that is closed twice', () => {
  it('closes nothing that another one uses', async () => {
    const { scene, ring } = await ready(true);
    const closed: string[] = [];
    const store = { ...ring, close: () => Promise.resolve(void closed.push('store')) };
    const [one, two] = [1, 2].map(() => fromKeyRing({ ring: store, name: NAME, cipher: scene.cipher }));

    await one?.close?.();
    await one?.close?.();
    expect(closed).toEqual([]);

    await two?.close?.();
    expect(closed).toEqual(['store']);
  });
});
