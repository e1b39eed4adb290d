import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyedClientPool } from '../../../src/pool/index.js';
import { KeyProviderError } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { A, B, loadsOf, refusal, scene, testApi, testStore, watch, type Scene } from '../scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const down = (): Error => new KeyProviderError('down');
const refuse = ({ client }: Scene): Promise<unknown> =>
  client.withKey(() => Promise.reject(refusal())).catch((error: unknown) => error);

/** How far apart the loads of `current` are, in ms. */
function gaps({ store }: Scene): number[] {
  const at = loadsOf(store);
  return at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
}

describe('the back-off of loads', () => {
  it.each([
    ['from half its window', 0, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    ['to all of it', 1, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
  ])('is drawn %s, which doubles from 1 s to 30 s', async (_, drawn, expected) => {
    vi.spyOn(Math, 'random').mockReturnValue(drawn);
    const play = scene();
    play.store.failure = down;

    while (gaps(play).length < expected.length) {
      await play.call().catch(() => undefined);
      await play.clock.advance(500);
    }

    expect(gaps(play)).toEqual(expected);
  });

  it('goes on as long as nothing comes, and begins anew after a success', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const play = scene();
    const { store, clock, client } = play;
    store.failure = down;
    for (let failures = 0; failures < 40; failures++) {
      await client.reload().catch(() => undefined);
      await clock.advance(1_000);
    }
    const long = client.status().retryAfter;
    store.failure = undefined;
    await client.reload();
    const none = client.status();
    store.failure = down;
    await clock.advance(1_000);
    await client.reload().catch(() => undefined);

    expect(long).toBe(29_000);
    expect([none.retryAfter, none.lastErrorCode]).toEqual([undefined, undefined]);
    expect(client.status()).toMatchObject({ retryAfter: 1_000, lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('ends at its moment: not before, and not after', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { store, clock, call } = scene();
    store.failure = down;
    await call().catch(() => undefined);
    store.failure = undefined;
    await clock.advance(999);
    const before = (await call().catch((error: unknown) => error)) as KeyProviderError;
    await clock.advance(1);

    expect(before.retryAfter).toBe(1);
    expect(await call()).toBe(`price by ${A}`);
  });
});

describe('the pause between reloads that refusals force', () => {
  it.each([
    [30_000, [5_000, 10_000, 20_000, 30_000, 30_000]],
    [7_000, [5_000, 7_000, 7_000, 7_000, 7_000]],
    [2_000, [2_000, 2_000, 2_000, 2_000, 2_000]],
  ])('with a `reloadCooldown` of %i ms grows so: %j', async (reloadCooldown, expected) => {
    const play = scene({ reloadCooldown, ttl: 1_000_000 });
    await play.call();
    const from: number[] = [];
    while (from.length < expected.length + 1) {
      const before = loadsOf(play.store).length;
      await refuse(play);
      if (loadsOf(play.store).length > before) from.push(play.clock.monotonic());
      await play.clock.advance(500);
    }

    expect(from.slice(1).map((at, index) => at - (from[index] ?? 0))).toEqual(expected);
  });

  it.each([
    [30_000, 1_000],
    [400, 400],
  ])('with a `reloadCooldown` of %i ms is %i ms after one that changed the key', async (reloadCooldown, pause) => {
    const play = scene({ reloadCooldown });
    const { store, clock, client, call } = play;
    await call();
    store.put('current', B);
    await refuse(play);

    expect(client.status().retryAfter).toBe(pause);
    await clock.advance(pause - 1);
    await refuse(play);
    expect(loadsOf(store)).toHaveLength(2);
    await clock.advance(1);
    await refuse(play);
    expect(loadsOf(store)).toHaveLength(3);
  });

  it('is a short one again after a reload that changed the key', async () => {
    const play = scene();
    const { store, clock, client, call } = play;
    await call();
    await refuse(play);
    await clock.advance(5_000);
    await refuse(play);
    const grown = client.status().retryAfter;
    await clock.advance(10_000);
    store.put('current', B);
    await refuse(play);
    await clock.advance(1_000);
    await refuse(play);

    expect([grown, client.status().retryAfter]).toEqual([10_000, 5_000]);
  });

  it('is a short one again after a call that the same key succeeded in, and runs on until then', async () => {
    const play = scene();
    const { clock, client, call } = play;
    await call();
    await refuse(play);
    await clock.advance(5_000);
    await refuse(play);
    await call();
    const running = client.status().retryAfter;
    await clock.advance(10_000);
    await refuse(play);

    expect([running, client.status().retryAfter]).toEqual([10_000, 5_000]);
  });

  it('is a short one again after such a call also when the key was evicted, and came back, before it', async () => {
    const play = scene();
    const { clock, client, call } = play;
    await call();
    await refuse(play);
    client.evict();
    await call();
    await clock.advance(10_000);
    await refuse(play);

    expect(client.status().retryAfter).toBe(5_000);
  });

  it('counts a reload that failed as one that brought the same', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const play = scene();
    const { store, client, call } = play;
    await call();
    store.failure = down;
    await refuse(play);

    expect(client.status()).toMatchObject({ state: 'fresh', retryAfter: 5_000 });
    store.failure = undefined;
    expect(await call()).toBe(`price by ${A}`);
  });

  it('ends with a `reload()` that brings another key', async () => {
    const play = scene();
    const { store, client, call } = play;
    await call();
    await refuse(play);
    store.put('current', B);
    await client.reload();

    expect(client.status().retryAfter).toBeUndefined();
  });
});

describe('a tenant that a pool pushed out', () => {
  it('comes back with its pauses as they were, and they go on to grow', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const clock = manualClock();
    const store = testStore(clock, { current: A });
    const api = testApi(clock, A);
    const pool = new KeyedClientPool({
      max: 1,
      create: (tenant) => ({ keyProvider: tenant === 'one' ? store : testStore(clock, { current: B }), clock }),
    });
    const one = (): ReturnType<typeof pool.get> => pool.get('one');
    await one().withKey(api.fetch);
    await one()
      .withKey(() => Promise.reject(refusal()))
      .catch(() => undefined);
    store.failure = down;
    for (let failures = 0; failures < 2; failures++) {
      await one()
        .reload()
        .catch(() => undefined);
      await clock.advance(1_000);
    }
    pool.get('two');
    await clock.advance(10);

    expect(one().status()).toMatchObject({
      state: 'backing-off',
      retryAfter: 2_990,
      lastErrorCode: 'ERR_GOLDKEY_PROVIDER',
    });
    await clock.advance(2_990);
    await watch(
      clock,
      one()
        .prefetch()
        .catch(() => undefined),
    ).state;
    await clock.advance(0);
    expect(one().status().retryAfter).toBe(4_000);
    store.failure = undefined;
    await clock.advance(4_000);
    const changed: boolean[] = [];
    one().on('loaded', (event) => changed.push(event.changed));
    await one()
      .withKey(() => Promise.reject(refusal()))
      .catch(() => undefined);
    // The same bytes as before it went, and the second forced reload that they come from.
    expect(changed).toEqual([false, false]);
    expect(one().status().retryAfter).toBe(10_000);
    await pool.close();
  });
});
