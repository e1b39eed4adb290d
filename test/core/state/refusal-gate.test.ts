import { describe, expect, it } from 'vitest';
import { RefusalGate } from '../../../src/core/state/refusal-gate.js';
import { KeyedClient, type KeyedClientOptions } from '../../../src/index.js';
import { A, B, busy, loadsOf, refusal, scene, type Scene } from '../scene.js';

/** Calls 500 times a second for `seconds`, ten at once. */
async function storm({ clock, call }: Scene, seconds: number): Promise<Array<[at: number, error: unknown]>> {
  const errors: Array<[number, unknown]> = [];
  for (let step = 0; step < seconds * 50; step++) {
    const at = clock.monotonic();
    for (let each = 0; each < 10; each++) void call().catch((error: unknown) => errors.push([at, error]));
    await clock.advance(20);
  }
  await clock.advance(1_000);
  return errors;
}

/** A client whose key is held and refused by the price API, in which the store still believes. */
async function revoked(options: Partial<KeyedClientOptions> = {}): Promise<Scene & { told: string[] }> {
  const play = scene({ ttl: 3_600_000, ...options });
  await play.call();
  play.api.live.delete(A);
  const told: string[] = [];
  play.client.on('gate-closed', ({ refusals, retryAfter }) =>
    told.push(`closed ${String(refusals)} ${String(retryAfter)}`),
  );
  play.client.on('gate-opened', () => told.push('opened'));
  return { ...play, told };
}

describe('the refusal gate', () => {
  it('keeps a revoked key at 500 calls/s for a minute to 60 requests at most, and asks the store meanwhile', async () => {
    const play = await revoked();
    play.api.latency = 50;
    play.store.latency = 100;
    play.api.calls.length = 0;

    const errors = await storm(play, 60);

    expect(errors).toHaveLength(30_000);
    expect(errors.every(([, error]) => (error as { code?: string }).code === 'ERR_GOLDKEY_REJECTED')).toBe(true);
    expect(play.api.calls.length).toBeLessThanOrEqual(60);
    expect(loadsOf(play.store).length).toBeLessThanOrEqual(6);
    expect(play.told).toEqual([expect.stringMatching(/^closed \d+ 1000$/)]);
    expect(play.client.status().state).toBe('rejected');
  });

  it('fails calls at once with the time after which one may run, and without running the function', async () => {
    const { call, api, clock } = await revoked();
    for (let refused = 0; refused < 20; refused++) await call().catch(() => undefined);
    const before = api.calls.length;
    await clock.advance(400);

    await expect(call()).rejects.toMatchObject({
      code: 'ERR_GOLDKEY_REJECTED',
      retryAfter: 600,
      version: 'v1',
      message:
        'The price API keeps refusing the key (version v1), so it is asked only now and then; check the account, or rotate the key.',
    });
    expect(api.calls).toHaveLength(before);
  });

  it('lets one call through after 1, 2, 4, 8, 16 and 30 s, and then every 30 s', async () => {
    const { call, api, clock } = await revoked();
    for (let refused = 0; refused < 20; refused++) await call().catch(() => undefined);
    const closedAt = clock.monotonic();
    const probes: number[] = [];
    for (let second = 0; second < 125; second++) {
      const before = api.calls.length;
      await call().catch(() => undefined);
      if (api.calls.length > before) probes.push((clock.monotonic() - closedAt) / 1_000);
      await clock.advance(1_000);
    }

    expect(probes).toEqual([1, 3, 7, 15, 31, 61, 91, 121]);
  });

  it('opens by itself when the store has another key, within the pause between loads', async () => {
    const play = await revoked();
    await storm(play, 3);
    play.store.put('current', B);
    play.api.live.add(B);
    const since = play.clock.monotonic();

    const errors = await storm(play, 12);

    const last = Math.max(...errors.map(([at]) => at)) - since;
    expect(last).toBeLessThanOrEqual(10_250);
    expect(play.told.at(-1)).toBe('opened');
    expect(await play.call()).toBe(`price by ${B}`);
  });

  it.each<[string, (play: Scene) => unknown]>([
    ['reload()', ({ client }) => client.reload()],
    ['evict()', ({ client }) => client.evict()],
  ])('opens with %s', async (_, act) => {
    const play = await revoked();
    await storm(play, 3);
    const before = play.api.calls.length;
    const done = act(play);
    await play.clock.advance(2_000);
    await done;
    await play.call().catch(() => undefined);

    expect(play.told.at(-1)).toBe('opened');
    expect(play.api.calls.length).toBeGreaterThan(before);
  });

  it('opens with a change notice', async () => {
    const notices: Array<() => void> = [];
    const play = scene({ ttl: 3_600_000 });
    play.store.subscribe = async (onChange) => {
      notices.push(() => onChange({}));
      return async () => undefined;
    };
    await play.call();
    play.api.live.delete(A);
    await play.clock.advance(5_000);
    await storm(play, 3);
    play.store.put('current', B);
    play.api.live.add(B);
    for (const notice of notices) notice();
    await play.clock.advance(1_000);

    expect(await play.call()).toBe(`price by ${B}`);
  });

  it('opens with the first probe that succeeds', async () => {
    const play = await revoked();
    await storm(play, 3);
    play.api.live.add(A);
    await storm(play, 5);

    expect(play.told.at(-1)).toBe('opened');
    expect(play.client.status().state).toBe('fresh');
  });

  it('never closes for an endpoint that alone refuses, while others succeed', async () => {
    const play = scene({ ttl: 3_600_000 });
    const told: unknown[] = [];
    play.client.on('gate-closed', (event) => told.push(event));
    let good = 0;
    for (let call = 0; call < 500; call++) {
      await play.client.withKey(() => Promise.reject(refusal())).catch(() => undefined);
      if (call % 10 === 0) good += (await play.call()) === `price by ${A}` ? 1 : 0;
      await play.clock.advance(20);
    }

    expect(good).toBe(50);
    expect(told).toEqual([]);
  });

  it('does not close while the store cannot be asked', async () => {
    const play = await revoked();
    play.store.failure = () => new Error('down');
    await storm(play, 2);

    expect(play.told).toEqual([]);
  });

  it('does not close before the store has confirmed the key, however many calls are refused meanwhile', async () => {
    const { client, api, clock, store, told } = await revoked({ refusalGate: { after: 3 } });
    store.latency = 2_000;
    const refuse = (): Promise<unknown> => client.withKey(api.fetch, { once: true }).catch(() => undefined);
    for (let refused = 0; refused < 10; refused++) void refuse();
    await clock.advance(1_000);
    const before = [...told];
    await clock.advance(1_000);
    await refuse();

    expect([before, told]).toEqual([[], ['closed 10 1000']]);
  });

  it('shows as `rejected` while it is closed, also while the store is asked again', async () => {
    const { client, call, clock, store } = await revoked({ refusalGate: { after: 3 } });
    for (let refused = 0; refused < 3; refused++) await call().catch(() => undefined);
    await clock.advance(600_000);
    const before = loadsOf(store).length;
    store.latency = 2_000;
    for (let refused = 0; refused < 2; refused++) void call().catch(() => undefined);
    await clock.advance(100);

    expect(loadsOf(store).length).toBe(before + 1);
    expect(client.status().state).toBe('rejected');
    await clock.advance(5_000);
  });

  it('closes for the `pending` key that a client in a canary uses, once `current` is refused too', async () => {
    const play = scene({ refusalGate: { after: 3 } }, { current: A, pending: B });
    play.store.roll({ id: 'one', pendingPercent: 100 });
    await play.client.prefetch();
    const told: unknown[] = [];
    play.client.on('gate-closed', ({ stage, version, refusals }) => told.push([stage, version, refusals]));
    play.api.live.clear();
    for (let refused = 0; refused < 3; refused++) await play.call().catch(() => undefined);

    const before = play.api.calls.length;
    for (let refused = 0; refused < 10; refused++) await play.call().catch(() => undefined);

    expect(told).toEqual([['pending', 'v2', 3]]);
    expect(play.api.calls.length).toBe(before);
    expect(play.client.status()).toMatchObject({ stage: 'pending', state: 'rejected' });
  });

  it('shows as fresh again once a call has succeeded', async () => {
    const { client, api, call, clock } = await revoked({ refusalGate: { after: 3 } });
    for (let refused = 0; refused < 3; refused++) await call().catch(() => undefined);
    const closed = client.status().state;
    api.live.add(A);
    await clock.advance(60_000);
    await call();

    expect([closed, client.status().state]).toEqual(['rejected', 'fresh']);
  });

  it('counts calls that may run only once, too', async () => {
    const { client, api, told } = await revoked();
    for (let refused = 0; refused < 30; refused++)
      await client.withKey(api.fetch, { once: true }).catch(() => undefined);

    expect(told).toHaveLength(1);
  });

  it('opens for a key that a plain load brought, whatever its first call ends in', async () => {
    const play = await revoked({ ttl: 60_000, refreshAhead: 0, staleIfError: 0 });
    for (let refused = 0; refused < 20; refused++) await play.call().catch(() => undefined);
    play.store.put('current', B);
    await play.clock.advance(60_000);
    await play.client.withKey(() => Promise.reject(busy())).catch(() => undefined);

    expect(play.told).toEqual(['closed 20 1000', 'opened']);
    expect(play.client.status()).toMatchObject({ state: 'fresh', version: 'v2' });
  });

  it('counts anew for another key', async () => {
    const play = await revoked({ ttl: 60_000, refreshAhead: 0, staleIfError: 0, refusalGate: { after: 3 } });
    for (let refused = 0; refused < 2; refused++) await play.call().catch(() => undefined);
    play.store.put('current', B);
    await play.clock.advance(60_000);
    for (let refused = 0; refused < 2; refused++) await play.call().catch(() => undefined);
    const before = [...play.told];
    await play.call().catch(() => undefined);

    expect([before, play.told]).toEqual([[], ['closed 3 1000']]);
  });

  it('closes although each call is refused with the key of another stage, too', async () => {
    const play = scene({ refusalGate: { after: 3 } }, { current: A, previous: B });
    const told: unknown[] = [];
    play.client.on('gate-closed', ({ refusals, version }) => told.push([refusals, version]));
    play.api.live.clear();
    for (let refused = 0; refused < 4; refused++) await play.call().catch(() => undefined);

    expect(told).toEqual([[3, 'v1']]);
    expect(play.api.calls).toEqual([A, B, A, B, A, B]);
  });

  it('is not there with `false`', async () => {
    const play = await revoked({ refusalGate: false });
    const before = play.api.calls.length;
    const errors = await storm(play, 2);

    expect(play.api.calls.length - before).toBeGreaterThanOrEqual(1_000);
    expect(new Set(errors.map(([, error]) => (error as { code?: string }).code))).toEqual(
      new Set(['ERR_GOLDKEY_REJECTED']),
    );
    expect(play.told).toEqual([]);
  });

  it('closes after as many calls as it is told, and is told by its times', async () => {
    const play = await revoked({ refusalGate: { after: 3, probeEvery: 100, probeMax: 200 } });
    const before = play.api.calls.length;
    for (let refused = 0; refused < 5; refused++) await play.call().catch(() => undefined);

    expect(play.api.calls.length - before).toBe(3);
    expect(play.told).toEqual(['closed 3 100']);
  });

  it.each<[unknown, string]>([
    [true, '`refusalGate` expects an options object, got true.'],
    [{ after: 0 }, '`refusalGate.after` must be an integer from 1 to 2147483647, got 0.'],
    [{ probeEvery: 500, probeMax: 100 }, '`refusalGate.probeMax` must not be below `refusalGate.probeEvery`.'],
    [{ every: 1 }, '`refusalGate` has no option `every`; did you mean `probeEvery`?'],
  ])('refuses %j as `refusalGate`', (refusalGate, message) => {
    const { store } = scene();
    expect(() => new KeyedClient({ keyProvider: store, refusalGate: refusalGate as false })).toThrow(message);
  });

  it('takes a `probeEvery` above the default `probeMax` for both', () => {
    const gate = new RefusalGate({ after: 1, probeEvery: 60_000, probeMax: 60_000 });
    gate.noteRefusal('digest');
    expect(gate.closeIfDue(0)).toBe(60_000);
    expect([gate.enter('digest', 59_999), gate.enter('digest', 60_000), gate.enter('digest', 60_001)]).toEqual([
      1, 0, 59_999,
    ]);
    expect(gate.enter('another', 60_002)).toBe(0);
  });
});

describe('events that would come once a call', () => {
  it('come once a second and stage, with the number since the last one', async () => {
    const play = await revoked({ refusalGate: false, staleIfError: 600_000, ttl: 10_000, refreshAhead: 0 });
    const rejected: number[] = [];
    const stale: number[] = [];
    play.client.on('key-rejected', ({ count }) => rejected.push(count));
    play.client.on('stale', ({ count }) => stale.push(count));
    await storm(play, 3);
    play.api.live.add(A);
    play.store.failure = () => new Error('down');
    await play.clock.advance(12_000);
    await storm(play, 3);

    expect(rejected).toEqual([1, 500, 500]);
    expect(stale).toHaveLength(3);
    expect(stale[1]).toBe(500);
    expect(play.client.status().counts).toMatchObject({ rejections: 1_500, stale: 1_500 });
  });
});
