import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { watch, type Alert } from '../../src/watch/index.js';
import { DAY, KEY, MINUTE, scene, windows } from './scene.js';

const refuse = async (): Promise<never> => {
  throw Object.assign(new Error('refused'), { status: 401 });
};

/** A client whose key is as old as the clock says. */
function aged(age: number): Parameters<typeof scene>[1] {
  const createdAt = manualClock().now() - age;
  const load = async (): Promise<object> => ({ bytes: new TextEncoder().encode(KEY), version: 'v1', createdAt });
  return { keyProvider: { name: 'store', load: load as never } };
}

describe('a watch', () => {
  it('tells a spike: ten times the usual for minutes, once', async () => {
    const { minutes, alerts, clock } = scene();
    await minutes([...windows(35, 20), ...windows(3, 200)]);
    expect(alerts).toEqual([
      {
        kind: 'spike',
        severity: 'warning',
        client: 'gold',
        version: 'v1',
        at: clock.now() - MINUTE,
        value: 200,
        expected: 20,
      },
    ]);
  });

  it('is quiet on usual traffic, and for a client that is not used at first', async () => {
    const { minutes, alerts } = scene();
    await minutes([...windows(20, 0), ...windows(40, 100), 900, ...windows(5, 100)]);
    expect(alerts).toEqual([]);
  });

  it('counts by the minute though its timer comes late', async () => {
    const { call, minutes, alerts, client, clock } = scene();
    await minutes(windows(35, 100));
    // What ten minutes bring is no spike because one timer was late: see the share of the window.
    const { monotonic } = clock;
    let late = 0;
    clock.monotonic = () => monotonic.call(clock) + late;
    for (let again = 0; again < 2; again++) {
      late += 9 * MINUTE;
      await call(1_000);
      await clock.advance(MINUTE);
    }
    expect(client.status().counts.calls).toBe(5_500);
    expect(alerts).toEqual([]);
  });

  it('tells refusals once while they go on, and again after five minutes without', async () => {
    const { client, clock, alerts, minutes } = scene({ rejections: 3 }, { refusalGate: false });
    const refused = async (): Promise<void> => {
      for (let made = 0; made < 3; made++) await client.withKey(refuse).catch(() => undefined);
      await clock.advance(MINUTE);
    };
    for (let again = 0; again < 3; again++) await refused();
    expect(alerts).toMatchObject([{ kind: 'rejections', severity: 'warning', expected: 3 }]);
    expect(alerts[0]?.value).toBeGreaterThanOrEqual(3);
    await minutes(windows(5, 1));
    await refused();
    expect(alerts).toHaveLength(2);
  });

  it('tells nothing of refusals below the limit', async () => {
    const { client, clock, alerts } = scene({ rejections: 50 });
    for (let made = 0; made < 3; made++) await client.withKey(refuse).catch(() => undefined);
    await clock.advance(MINUTE);
    expect(alerts).toEqual([]);
  });

  it('tells the age of a key two weeks before 90 days, and once it is past them', async () => {
    const { clock, alerts, client } = scene({}, aged(75 * DAY));
    for (let day = 0; day < 20; day++) {
      await client.prefetch();
      await clock.advance(MINUTE);
      await clock.advance(DAY - MINUTE);
    }
    expect(
      alerts.map(({ kind, severity, version, value }) => [kind, severity, version, Math.floor(value / DAY)]),
    ).toEqual([
      ['age', 'warning', 'v1', 76],
      ['age', 'critical', 'v1', 90],
    ]);
  });

  it('tells the age of the next version anew', async () => {
    const createdAt = manualClock().now() - 100 * DAY;
    let version = 'v1';
    const load = async () => ({ bytes: new TextEncoder().encode(`${KEY}${version}`), version, createdAt });
    const { clock, alerts, client } = scene({}, { keyProvider: { name: 'store', load } });
    await client.prefetch();
    await clock.advance(2 * MINUTE);
    version = 'v2';
    await client.reload();
    await clock.advance(2 * MINUTE);
    expect(alerts.map((alert) => alert.version)).toEqual(['v1', 'v2']);
  });

  it('tells that a key was not used for 30 days, once, and again after it was', async () => {
    const { clock, alerts, call } = scene({ window: DAY });
    await call(1);
    await clock.advance(31 * DAY);
    expect(alerts).toMatchObject([{ kind: 'unused', severity: 'warning', value: 30 * DAY, expected: 30 * DAY }]);
    await clock.advance(31 * DAY);
    await call(1);
    await clock.advance(31 * DAY);
    expect(alerts).toHaveLength(2);
  });

  it('tells at once, as critical, that an emergency key is in use', async () => {
    const load = async () => ({ bytes: new TextEncoder().encode(KEY), version: 'v1', breakGlass: true });
    const { client, alerts } = scene({}, { keyProvider: { name: 'store', load } });
    await client.prefetch();
    expect(alerts).toMatchObject([{ kind: 'break-glass', severity: 'critical', client: 'gold', version: 'v1' }]);
    expect(alerts[0]?.value).toBe(client.status().purgeAt);
  });

  it('watches several clients, each by itself, and one that is given twice once', async () => {
    const clock = manualClock();
    const make = (name: string): KeyedClient =>
      new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }), clock, name });
    const [one, two] = [make('one'), make('two')];
    const alerts: Alert[] = [];
    watch([one, two, one], { unusedAfter: MINUTE, onAlert: (alert) => void alerts.push(alert) });
    await one.withKey(async () => 1);
    await clock.advance(MINUTE);
    expect(alerts.map(({ client }) => client)).toEqual(['two']);
  });

  it('ends with close(), and with the client', async () => {
    const first = scene({ unusedAfter: MINUTE });
    first.watching.close();
    const second = scene({ unusedAfter: 3 * MINUTE });
    await second.client.close();
    await first.clock.advance(10 * MINUTE);
    await second.clock.advance(10 * MINUTE);
    expect([first.alerts, second.alerts]).toEqual([[], []]);
  });

  it('costs a call nothing: it sets no listener that a call would tell', async () => {
    const { client, clock, call } = scene();
    await call(1);
    let readings = 0;
    const { now, monotonic } = clock;
    clock.now = () => (readings++, now.call(clock));
    clock.monotonic = () => (readings++, monotonic.call(clock));
    await client.withKey(async () => 1);
    const watched = readings;
    const bare = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }), clock });
    await bare.withKey(async () => 1);
    readings = 0;
    await bare.withKey(async () => 1);
    expect(watched).toBe(readings);
  });
});

describe('an alert', () => {
  const seen: unknown[] = [];
  const listen = (message: unknown): void => void seen.push(message);
  const CHANNELS = ['goldkey:alert', 'goldkey:listener-failed'];
  afterEach(() => {
    for (const channel of CHANNELS) unsubscribe(channel, listen);
    seen.length = 0;
  });

  it('is published on `goldkey:alert`, frozen, and holds no key', async () => {
    subscribe('goldkey:alert', listen);
    const { clock, alerts } = scene({ unusedAfter: MINUTE });
    await clock.advance(MINUTE);
    expect(seen).toEqual(alerts);
    expect(Object.isFrozen(alerts[0])).toBe(true);
    assertNoSecret(seen, KEY);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new RangeError(`of ${KEY}`);
      },
    ],
    [
      'rejects',
      async () => {
        throw new RangeError(`of ${KEY}`);
      },
    ],
  ])('whose `onAlert` %s harms nothing, and the name of the error is told', async (_how, fail) => {
    subscribe('goldkey:listener-failed', listen);
    let told = 0;
    const { clock, call } = scene({ unusedAfter: MINUTE, onAlert: () => (told++, fail() as undefined) });
    await clock.advance(MINUTE);
    await call(1);
    await clock.advance(2 * MINUTE);
    expect(told).toBe(2);
    expect(seen).toEqual([
      { event: 'alert', error: 'RangeError' },
      { event: 'alert', error: 'RangeError' },
    ]);
  });
});
