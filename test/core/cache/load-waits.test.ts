import { describe, expect, it } from 'vitest';
import { KeyAccessDeniedError, KeyProviderError } from '../../../src/index.js';
import { A, B, loadsOf, refusal, scene, timersOf, watch } from '../scene.js';

const KEY_TIMEOUT = 4_321;

describe('a caller who holds a fresh key', () => {
  it('waits for no load that only looks ahead', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 5_000 });
    await call();
    store.latency = 1_000;
    await clock.advance(6_000);
    await client.prefetch(); // starts the background load

    const next = watch(clock, client.prefetch());
    await clock.advance(0);

    expect(next.state).toBe('resolved');
    expect(client.status().loading).toBe(true);
    await clock.advance(2_000);
  });

  it('waits for no `reload()` of another: that makes no key suspect', async () => {
    const { store, clock, client, call } = scene();
    await call();
    store.latency = 1_000;
    const reload = watch(clock, client.reload());
    await clock.advance(10);

    const next = watch(clock, client.prefetch());
    await clock.advance(0);

    expect(client.status()).toMatchObject({ state: 'fresh', loading: true });
    expect([next.state, reload.state]).toEqual(['resolved', 'pending']);
    await clock.advance(2_000);
  });
});

describe('a caller whose key has expired', () => {
  it('gets the new one when it comes within 250 ms, and that is no stale key', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    await clock.advance(10_001);
    store.latency = 100;
    store.put('current', B);

    const next = watch(
      clock,
      client.withKey(async ({ apiKey }) => apiKey),
    );
    await clock.advance(100);

    expect(next.value).toBe(B);
    expect(client.status().counts.stale).toBe(0);
  });

  it('gets the old one when the load fails within 250 ms, and that one is stale', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    const stale: unknown[] = [];
    client.on('stale', ({ age, error }) => stale.push({ age, message: error?.message }));
    await call();
    await clock.advance(10_001);
    store.latency = 100;
    store.failure = () => new KeyProviderError('down');

    const next = watch(clock, call());
    await clock.advance(99);
    const before = next.state;
    await clock.advance(1);

    expect([before, next.value]).toEqual(['pending', `price by ${A}`]);
    expect(stale).toEqual([{ age: 10_101, message: 'down' }]);
    expect(client.status().counts.stale).toBe(1);
  });

  it('gets the old one when 250 ms are over, and no error is told with it where none was', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    const stale: object[] = [];
    client.on('stale', (event) => stale.push(event));
    await call();
    await clock.advance(10_001);
    store.latency = 1_000;

    const next = watch(clock, call());
    await clock.advance(250);

    expect(next.value).toBe(`price by ${A}`);
    expect(stale).toEqual([expect.objectContaining({ age: 10_251, count: 1, version: 'v1' })]);
    expect(stale[0]).not.toHaveProperty('error');
  });

  it('gets the old one at once while no load may start, and that is told once a second', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    const told: unknown[] = [];
    client.on('stale', ({ version }) => told.push(version));
    await call();
    await clock.advance(10_001);
    store.failure = () => new KeyProviderError('down');
    const calls = [await call(), await call(), await call()];

    expect(calls).toEqual([`price by ${A}`, `price by ${A}`, `price by ${A}`]);
    expect(loadsOf(store)).toHaveLength(2);
    expect([told, client.status().counts.stale]).toEqual([['v1'], 3]);
  });

  it('gets no old one while its version is denied for good', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    store.roll({ id: 'one', pendingPercent: 0 });
    await call();
    await clock.advance(10_001);
    store.failure = () => new KeyAccessDeniedError('no', { version: 'v7' });
    const codes = [];
    for (let again = 0; again < 2; again++)
      codes.push(await client.prefetch().catch((error: unknown) => (error as { code: string }).code));

    expect(codes).toEqual([undefined, 'ERR_GOLDKEY_ACCESS_DENIED']);
  });

  it('is not kept at all after a failed load, while the next one goes on behind it', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0, keyTimeout: KEY_TIMEOUT });
    await call();
    await clock.advance(10_001);
    store.failure = () => new KeyProviderError('down');
    await call();
    await clock.advance(1_000);
    store.latency = 1_000;
    const timers = timersOf(clock);

    const next = watch(clock, call());
    await clock.advance(0);

    expect(next.value).toBe(`price by ${A}`);
    expect(client.status()).toMatchObject({ loading: true, counts: { stale: 2 } });
    expect(timers.filter(({ ms }) => ms === KEY_TIMEOUT)).toEqual([{ ms: KEY_TIMEOUT, holds: false }]);
    await clock.advance(2_000);
  });

  it('waits for the load to its end when the key itself ends meanwhile', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0, staleIfError: 200 });
    await call();
    await clock.advance(10_100);
    store.latency = 1_000;
    store.put('current', B);

    const next = watch(
      clock,
      client.withKey(async ({ apiKey }) => apiKey),
    );
    await clock.advance(999);
    const before = next.state;
    await clock.advance(1);

    expect([before, next.value]).toEqual(['pending', B]);
  });

  it('while it waited for the reload of a suspect gets it when the 250 ms are over', async () => {
    const { store, clock, client, call } = scene({ ttl: 10_000, refreshAhead: 0 });
    await call();
    await clock.advance(9_900);
    store.latency = 3_000;
    watch(
      clock,
      client.withKey(() => Promise.reject(refusal())),
    );
    await clock.advance(0);
    const from = clock.monotonic();

    const next = watch(clock, call());
    await clock.advance(1_000);

    expect(next).toMatchObject({ value: `price by ${A}`, at: from + 250 });
    expect(client.status().counts.stale).toBe(1);
    await clock.advance(5_000);
  });
});

describe('a caller who has no key', () => {
  it('joins a `reload()` although loads are backed off', async () => {
    const { store, clock, client, call } = scene();
    store.failure = () => new KeyProviderError('down');
    await call().catch(() => undefined);
    store.failure = undefined;
    store.latency = 100;
    watch(clock, client.reload());

    const next = watch(clock, call());
    await clock.advance(100);

    expect(next.value).toBe(`price by ${A}`);
    expect(loadsOf(store)).toHaveLength(2);
  });

  it('holds the process with its load, also with the one after a failure', async () => {
    const { store, clock, call } = scene({ keyTimeout: KEY_TIMEOUT });
    const timers = timersOf(clock);
    store.failure = () => new KeyProviderError('down');
    await call().catch(() => undefined);
    await clock.advance(1_000);
    store.failure = undefined;

    expect(await call()).toBe(`price by ${A}`);
    expect(timers.filter(({ ms }) => ms === KEY_TIMEOUT)).toEqual([
      { ms: KEY_TIMEOUT, holds: true },
      { ms: KEY_TIMEOUT, holds: true },
    ]);
  });

  it('gets the error of a load that it waited for, with nothing in its place', async () => {
    const { store, clock, call } = scene();
    store.latency = 100;
    store.failure = () => new KeyAccessDeniedError('no');

    const both = [watch(clock, call()), watch(clock, call())];
    await clock.advance(500);

    for (const { error } of both) expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', message: 'no' });
    expect(loadsOf(store)).toHaveLength(1);
  });
});

describe('the load that a refusal forces', () => {
  it.each([
    [false, true],
    [true, false],
  ])('with `once: %s` holds the process: %s', async (once, holds) => {
    const { clock, client, call } = scene({ keyTimeout: KEY_TIMEOUT });
    await call();
    const timers = timersOf(clock);

    await client.withKey(() => Promise.reject(refusal()), { once }).catch(() => undefined);
    await client.settled();

    expect(timers.find(({ ms }) => ms === KEY_TIMEOUT)).toEqual({ ms: KEY_TIMEOUT, holds });
  });
});
