import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError, type LoadedKey } from '../../../src/index.js';
import { A, B, C, loadsOf, refusal, scene, watch, zeroed, type Scene } from '../scene.js';

const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key);

describe('a key that a load brings', () => {
  it('is told of once, as changed only if its bytes are', async () => {
    const { store, clock, client, call } = scene();
    const told: unknown[] = [];
    client.on('loaded', ({ version, changed, duration }) => told.push([version, changed, duration]));
    store.latency = 30;
    const first = watch(clock, call());
    await clock.advance(30);
    for (let again = 0; again < 2; again++) {
      watch(clock, client.reload());
      await clock.advance(2_000);
      store.put('current', B);
    }

    expect(first.state).toBe('resolved');
    expect(told).toEqual([
      ['v1', true, 30],
      ['v1', false, 30],
      ['v2', true, 30],
    ]);
  });

  it('is the same as before an eviction when its bytes are, although they were zeroed', async () => {
    const { client, call } = scene();
    const changed: boolean[] = [];
    client.on('loaded', (event) => changed.push(event.changed));
    await call();
    client.evict();
    await call();

    expect(changed).toEqual([true, false]);
    expect(client.status().state).toBe('fresh');
  });

  it('for nobody but those who waited, because of an eviction, has neither event nor place', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    const told: unknown[] = [];
    client.on('loaded', (event) => told.push(event));
    const waiting = watch(clock, call());
    await clock.advance(10);
    client.evict();
    await clock.advance(100);

    expect(waiting.value).toBe(`price by ${A}`);
    expect(told).toEqual([]);
    expect(client.status()).toMatchObject({ state: 'empty', counts: { loads: 1 } });
    expect(zeroed(store.handed)).toBe(true);
  });

  it('from an emergency store raises the alarm, until its end', async () => {
    const ends: unknown[] = [];
    for (const until of [undefined, 1_700_000_060_000]) {
      const { store, client, call } = scene({ ttl: 10_000, staleIfError: 20_000 });
      client.on('break-glass', ({ severity, until: end, version }) => ends.push([severity, end, version]));
      store.load = async () => ({ bytes: bytesOf(A), version: 'glass', breakGlass: true, until });
      await call();
    }

    expect(ends).toEqual([
      ['critical', 1_700_000_030_000, 'glass'],
      ['critical', 1_700_000_060_000, 'glass'],
    ]);
  });

  it('from an ordinary store raises none, and a key without a newline is not trimmed', async () => {
    const { store, client, call } = scene();
    const told: unknown[] = [];
    client.on('break-glass', (event) => told.push(event));
    client.on('trimmed', (event) => told.push(event));
    store.load = async () => ({ bytes: bytesOf(A), version: 'v1', breakGlass: false });

    expect(await call()).toBe(`price by ${A}`);
    expect(told).toEqual([]);
  });

  it('beside an `unchanged` that is not true is read', async () => {
    for (const unchanged of [false, undefined]) {
      const { store, call } = scene();
      store.load = async () => ({ unchanged, bytes: bytesOf(A), version: 'v1' }) as LoadedKey;

      expect(await call()).toBe(`price by ${A}`);
    }
  });

  it('is zeroed where the store handed it over, whatever is wrong with it', async () => {
    for (const more of [{ version: '' }, { expiresAt: 1 }, { expiresAt: NaN }, {}]) {
      const { store, call } = scene();
      const bytes = bytesOf('short');
      store.load = async () => ({ bytes, version: 'v1', ...more });

      await expect(call()).rejects.toThrow();
      expect(zeroed([bytes])).toBe(true);
    }
  });
});

describe('the same key, brought again', () => {
  it('by a refresh leaves it fresh, and ends no pause between forced reloads', async () => {
    const { store, clock, client, api, call } = scene();
    await call();
    const refuse = async (): Promise<void> =>
      client.withKey(() => Promise.reject(refusal())).catch(() => undefined) as Promise<void>;
    await refuse();
    api.live.clear();
    await client.reload();
    await refuse();
    const cooling = loadsOf(store).length;
    await clock.advance(5_000);
    api.live.add(A);
    await call();
    const states = [client.status().state];
    await client.reload();
    states.push(client.status().state);

    expect(cooling).toBe(3);
    expect(states).toEqual(['fresh', 'fresh']);
  });
});

describe('a refused key, brought again', () => {
  /** A client whose gate has closed on a key in which the store still believes. */
  async function closedGate(): Promise<Scene> {
    const play = scene({ refusalGate: { after: 2, probeEvery: 1_000_000 } });
    await play.call();
    play.api.live.clear();
    for (let refused = 0; refused < 2; refused++) await play.call().catch(() => undefined);
    play.api.calls.length = 0;
    return play;
  }

  it.each([
    ['while it is fresh', 30_000],
    ['when it is due', 250_000],
  ])('%s lets no call past the closed gate', async (_, wait) => {
    const { store, clock, client, api, call } = await closedGate();
    await clock.advance(wait);
    const before = loadsOf(store).length;
    for (let again = 0; again < 4; again++) {
      await call().catch(() => undefined);
      await client.settled();
    }

    expect(loadsOf(store).length).toBeGreaterThan(before);
    expect(api.calls).toEqual([]);
  });

  it('by a `reload()` has the price API asked again', async () => {
    const { clock, client, api, call } = await closedGate();
    await clock.advance(1_000);
    await client.reload();
    await call().catch(() => undefined);

    expect(api.calls).toEqual([A]);
  });
});

describe('a load that fails', () => {
  it('for good says why the key went, and with what', async () => {
    const { store, client, call } = scene();
    const told: unknown[] = [];
    client.on('evicted', ({ reason, version }) => told.push(['evicted', reason, version]));
    client.on('load-failed', (event) => told.push(['load-failed', event.error.message, 'version' in event]));
    await call();
    store.failure = () => new KeyAccessDeniedError('no');
    await client.reload().catch(() => undefined);

    expect(told).toEqual([
      ['evicted', 'ERR_GOLDKEY_ACCESS_DENIED', 'v1'],
      ['load-failed', 'no', false],
    ]);
  });

  it('after the key itself has ended tells the refused call so', async () => {
    const { store, clock, client, call } = scene({ ttl: 1_000, refreshAhead: 0, staleIfError: 0 });
    await call();
    store.latency = 2_000;
    store.failure = () => new KeyProviderError('down');
    const refused = watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(2_000);

    expect(refused.error).toMatchObject({
      code: 'ERR_GOLDKEY_REJECTED',
      cause: { errors: [{ status: 401 }, { message: 'down' }] },
    });
  });

  it('is counted although its key was evicted, and bars nobody then', async () => {
    const { store, clock, client, call } = scene();
    store.latency = 100;
    store.failure = () => new KeyProviderError('down');
    const overtaken = watch(clock, client.prefetch());
    await clock.advance(50);
    client.evict();
    await clock.advance(49);
    store.failure = undefined;
    await clock.advance(1);
    const next = watch(clock, call());
    await clock.advance(2_000);

    expect(next.value).toBe(`price by ${A}`);
    expect(overtaken.state).toBe('resolved');
    expect(client.status().counts.loadFailures).toBe(0);
  });

  it('shows no key that is held, though the store quotes it', async () => {
    const { store, client, call } = scene();
    await call();
    store.failure = () => new KeyProviderError(`cannot read ${A} again`);

    await expect(client.reload()).rejects.toMatchObject({ message: 'cannot read [REDACTED] again' });
  });
});

describe('a stage that has no key', () => {
  it('is a failed load for `current`', async () => {
    const { store, client, call } = scene();
    store.put('current', undefined);

    await expect(call()).rejects.toMatchObject({
      code: 'ERR_GOLDKEY_NOT_FOUND',
      message: 'The key store `test-store` has no current key.',
      provider: 'test-store',
    });
    expect(client.status().counts.loadFailures).toBe(1);
  });

  it('is no failure for another, which is asked again after `ttl` and not a moment sooner', async () => {
    const { store, clock, client, api, call } = scene({ ttl: 50_000 });
    await call();
    api.live.clear();
    const asked: number[] = [];
    for (const wait of [49_999, 1]) {
      await call().catch(() => undefined);
      await clock.advance(wait);
    }
    asked.push(loadsOf(store, 'previous').length);
    await call().catch(() => undefined);
    asked.push(loadsOf(store, 'previous').length);

    expect(asked).toEqual([1, 2]);
    expect(client.status().counts.loadFailures).toBe(0);
  });

  it('loses the key that it had, with the reason', async () => {
    const { store, clock, client, api, call } = scene({}, { current: A, previous: B });
    const evicted: unknown[] = [];
    client.on('evicted', ({ stage, reason }) => evicted.push([stage, reason]));
    api.live.delete(A);
    await call();
    store.put('previous', undefined);
    await clock.advance(1_000);
    await client.reload();
    await client.settled();

    expect(evicted).toEqual([['previous', 'ERR_GOLDKEY_NOT_FOUND']]);
  });

  it('but was evicted while it was asked is not remembered as absent', async () => {
    const { store, clock, client, api, call } = scene();
    await call();
    api.live.clear();
    store.latency = 100;
    const refused = watch(clock, call());
    await clock.advance(150); // `previous` is being asked for
    client.evict();
    await clock.advance(50);
    api.live.add(C);
    store.put('previous', C);
    await clock.advance(5_000);

    expect(refused.value).toBe(`price by ${C}`);
  });
});
