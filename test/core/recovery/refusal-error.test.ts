import { describe, expect, it } from 'vitest';
import { KeyProviderError, type KeyRejectedError } from '../../../src/index.js';
import { A, B, C, refusal, scene, watch } from '../scene.js';

/** The error that a call leaves with. */
const errorOf = async (call: Promise<unknown>): Promise<KeyRejectedError> => {
  const [end] = await Promise.allSettled([call]);
  if (end.status === 'fulfilled') throw new Error('The call was to be refused.');
  return end.reason as KeyRejectedError;
};

describe('the error of a call that no key is left for', () => {
  it('names the version refused first, the store, and what is to be done', async () => {
    const { store, api, call } = scene();
    await call();
    store.put('current', B);
    api.live.clear();

    const error = await errorOf(call());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', provider: 'test-store', version: 'v1' });
    expect(error.message).toBe(
      'The price API refused the key (version v1), and the store had no other when last asked; check the account, or rotate the key.',
    );
    expect(error.cause).toMatchObject({ status: 401 });
  });

  it('says so when the store could not be asked, with both errors as its cause', async () => {
    const { store, api, call } = scene();
    await call();
    api.live.clear();
    store.failure = () => new KeyProviderError('down');

    const error = await errorOf(call());

    expect(error.message).toBe(
      'The price API refused the key (version v1), and the store could not be asked for another; check the account, or rotate the key.',
    );
    expect(error.cause).toBeInstanceOf(AggregateError);
    expect(error.cause).toMatchObject({
      message: 'The refusal, and the failed reload.',
      errors: [{ status: 401 }, { message: 'down' }],
    });
  });

  it('has the store’s error alone as its cause when the refusal was a Response', async () => {
    const { store, client, call } = scene();
    await call();
    store.failure = () => new KeyProviderError('down');

    const error = await errorOf(client.withKey(async () => new Response(null, { status: 401 })));

    expect(error.cause).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: 'down' });
  });

  it('has the back-off of loads as its cause while they may not start', async () => {
    const { store, client, api, call, clock } = scene();
    await call();
    store.failure = () => new KeyProviderError('down');
    await client.reload().catch(() => undefined);
    await clock.advance(100);
    api.live.clear();

    const error = await errorOf(call());

    const [refused, barred] = (error.cause as AggregateError).errors as KeyProviderError[];
    expect(refused).toMatchObject({ status: 401 });
    expect(barred).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: 'down' });
    expect(barred?.retryAfter).toBeGreaterThan(0);
    expect(error.retryAfter).toBe(barred?.retryAfter);
    expect(store.asked).toHaveLength(2);
  });
});

describe('the `retryAfter` of a refused call', () => {
  it('is the longest cooldown of the stages it was refused in', async () => {
    const { clock, api, call } = scene({}, { current: A, previous: B });
    api.live.delete(A);
    await call(); // `current` cools down for 5 s, `previous` is preferred
    await clock.advance(3_000);
    api.live.clear();

    const error = await errorOf(call());

    expect(error).toMatchObject({ retryAfter: 5_000, version: 'v2' });
  });

  it('is that of `current`, whichever key was refused', async () => {
    const { store, clock, client, api, call } = scene({}, { current: A, pending: B });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    api.live.clear();
    await errorOf(call()); // `current` cools down for 5 s
    await clock.advance(1_000);

    const error = await errorOf(client.withKey(() => Promise.reject(refusal()), { once: true }));

    expect(error).toMatchObject({ retryAfter: 4_000, version: 'v2' });
  });

  it('is what the store asks for, when that is longer', async () => {
    const { store, api, call } = scene();
    await call();
    api.live.clear();
    store.failure = () => new KeyProviderError('throttled', { retryAfter: 60_000 });

    expect(await errorOf(call())).toMatchObject({ retryAfter: 60_000 });
  });

  it('is absent when the key may be asked for at once', async () => {
    const { api, call } = scene({ reloadCooldown: 0 });
    await call();
    api.live.clear();

    const error = await errorOf(call());

    expect(error.code).toBe('ERR_GOLDKEY_REJECTED');
    expect(error.retryAfter).toBeUndefined();
  });
});

describe('what is counted and told of a refused call', () => {
  it('is each refusal, told once a second, and one repair that names the version refused first', async () => {
    const { store, client, api, call } = scene({}, { current: A, previous: C });
    const told: unknown[] = [];
    client.on('key-rejected', ({ version, stage }) => told.push(['rejected', version, stage]));
    client.on('repaired', ({ from, version, stage }) => told.push(['repaired', from, version, stage]));
    await call();
    store.put('current', B);
    api.live.clear();
    api.live.add(C);

    await call();

    expect(told).toEqual([
      ['rejected', 'v1', 'current'],
      ['repaired', 'v1', 'v3', 'previous'],
    ]);
    expect(client.status().counts).toMatchObject({ calls: 2, rejections: 2, repairs: 1 });
  });

  it('is no repair when the function then fails otherwise', async () => {
    const { store, client, call } = scene();
    await call();
    store.put('current', B);
    const end = await errorOf(
      client.withKey(({ apiKey }) => Promise.reject(apiKey === A ? refusal() : new Error('another fault'))),
    );

    expect(end.message).toBe('another fault');
    expect(client.status().counts).toMatchObject({ rejections: 1, repairs: 0 });
  });

  it('is no repair when a refused canary falls back on a key that is refused too', async () => {
    const { store, clock, client, api, call } = scene({}, { current: A, pending: B, previous: C });
    store.roll({ id: 'one', pendingPercent: 100 });
    await client.prefetch();
    api.live.clear();
    api.live.add(C);
    for (let index = 0; index < 5; index++) {
      const one = watch(clock, call());
      await clock.advance(10);
      expect(one.value).toBe(`price by ${C}`);
    }

    // Neither of the two new keys works: that says nothing against the canary.
    expect(api.calls.filter((key) => key === B)).toHaveLength(5);
    expect(client.status().counts.repairs).toBe(5);
  });
});
