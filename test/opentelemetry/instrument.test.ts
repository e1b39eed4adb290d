import diagnostics from 'node:diagnostics_channel';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { DataPointType, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { noteStoreRequest } from '../../src/core/index.js';
import { GoldDataClient, KeyedClient, KeyProviderError, type KeyEvents } from '../../src/index.js';
import { instrument } from '../../src/opentelemetry/index.js';
import { manualClock } from '../../src/testing/index.js';
import { FIRST, SECOND, setUp } from '../core/helpers.js';
import { allLeaks } from '../core/redaction/leaks.js';
import { makeGlobal, pointsOf, startSdk, type Sdk } from './sdk.js';

const DAY = 86_400_000;
const stops: Array<() => void> = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Reports clients to an SDK of their own. */
function report(clients?: KeyedClient | readonly KeyedClient[]): Sdk & { stop: () => void } {
  const sdk = startSdk();
  const { tracerProvider, meterProvider, loggerProvider } = sdk;
  const stop = instrument(clients, { tracerProvider, meterProvider, loggerProvider });
  stops.push(stop);
  return { ...sdk, stop };
}

const GOLD = { 'goldkey.client': 'gold', 'goldkey.provider': 'memory' };
const down = (): unknown => new KeyProviderError('down', { retryable: true });

describe('the metrics', () => {
  it('have the names, units and kinds of the contract', async () => {
    const { gold, keys } = setUp({ name: 'gold' });
    const { metrics } = report(gold);
    keys.failWith(down);
    await gold.getPrice('XAU').catch(() => undefined);
    const found = await metrics();

    const kinds = [...found].map(([name, { descriptor, dataPointType, ...more }]) => [
      name,
      descriptor.unit,
      DataPointType[dataPointType],
      'isMonotonic' in more && more.isMonotonic,
    ]);
    expect(kinds.toSorted()).toEqual([
      ['goldkey.call.retries', '{retry}', 'SUM', true],
      ['goldkey.calls', '{call}', 'SUM', true],
      ['goldkey.key.evictions', '{eviction}', 'SUM', true],
      ['goldkey.key.load.duration', 's', 'HISTOGRAM', false],
      ['goldkey.key.rejections', '{rejection}', 'SUM', true],
      ['goldkey.key.repairs', '{repair}', 'SUM', true],
      ['goldkey.key.stale_uses', '{use}', 'SUM', true],
      ['goldkey.key.state', '{client}', 'SUM', false],
      ['goldkey.rollout.reverts', '{revert}', 'SUM', true],
    ]);
    expect([...found.values()].filter(({ descriptor }) => descriptor.description === '')).toEqual([]);
  });

  it('count what status() counts, each for the client’s name and its store', async () => {
    const { gold, keys, desk } = setUp({ name: 'gold' });
    const { metrics } = report(gold);
    await gold.getPrice('XAU');
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);
    await gold.getPrice('XAU');
    gold.evict();
    const found = await metrics();

    const read = (name: string): unknown => pointsOf(found.get(name));
    expect(read('goldkey.calls')).toEqual([[GOLD, 2]]);
    expect(read('goldkey.key.rejections')).toEqual([[GOLD, 1]]);
    expect(read('goldkey.key.repairs')).toEqual([[GOLD, 1]]);
    expect(read('goldkey.key.evictions')).toEqual([[GOLD, 1]]);
    expect(read('goldkey.call.retries')).toEqual([[GOLD, 0]]);
    expect(read('goldkey.key.stale_uses')).toEqual([[GOLD, 0]]);
  });

  it('tell how long loads took, with the error’s code where they failed', async () => {
    const { gold, keys, clock } = setUp({ name: 'gold' });
    const { metrics } = report(gold);
    await gold.getPrice('XAU');
    keys.failWith(down);
    await gold.reload().catch(() => undefined);
    await clock.advance(2_000);
    await gold.reload().catch(() => undefined);
    const histogram = (await metrics()).get('goldkey.key.load.duration') as HistogramMetricData;

    const current = { ...GOLD, 'goldkey.stage': 'current' };
    expect(histogram.dataPoints.map(({ attributes, value }) => [attributes, value.count])).toEqual([
      [current, 1],
      [{ ...current, 'error.type': 'ERR_GOLDKEY_PROVIDER' }, 2],
    ]);
    expect(histogram.dataPoints[0]?.value.buckets.boundaries).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]);
  });

  it('tell the state of each client, and 0 of the states that it has left', async () => {
    const { gold } = setUp({ name: 'gold' });
    const { metrics } = report(gold);
    const states = async (): Promise<unknown> => pointsOf((await metrics()).get('goldkey.key.state'));
    const state = (value: string): object => ({ 'goldkey.client': 'gold', 'goldkey.state': value });

    expect(await states()).toEqual([[state('empty'), 1]]);
    await gold.getPrice('XAU');
    expect(await states()).toEqual([
      [state('empty'), 0],
      [state('fresh'), 1],
    ]);
    await gold.close();
    expect(await states()).toEqual([
      [state('empty'), 0],
      [state('fresh'), 0],
      [state('closed'), 1],
    ]);
  });

  it('tell the age of the key and when it expires, by the client’s clock', async () => {
    const clock = manualClock();
    const bytes = (): Uint8Array => new TextEncoder().encode(FIRST);
    const createdAt = clock.now() - 91 * DAY;
    const keyProvider = { name: 'memory', load: async () => ({ bytes: bytes(), version: 'v1', createdAt }) };
    const client = new KeyedClient({ keyProvider, clock, ttlJitter: 0, name: 'gold', ttl: 300_000 });
    const { metrics } = report(client);
    const read = async (name: string): Promise<unknown> => pointsOf((await metrics()).get(name));

    expect(await read('goldkey.key.age')).toEqual([]);
    await client.prefetch();
    await clock.advance(60_000);
    expect(await read('goldkey.key.age')).toEqual([[GOLD, 91 * 86_400 + 60]]);
    expect(await read('goldkey.key.expires_in')).toEqual([[GOLD, 240]]);
  });

  it('count once what clients of one store share, and together what those of one name do', async () => {
    const { keys, clock, desk, gold } = setUp();
    const other = new GoldDataClient({ keyProvider: keys, clock, ttlJitter: 0, fetchPrice: desk.fetchPrice });
    const named = new GoldDataClient({
      ...{ keyProvider: keys, clock, ttlJitter: 0, fetchPrice: desk.fetchPrice },
      name: 'named',
    });
    const { metrics, spans } = report([gold, other, named, gold]);
    for (const client of [gold, other, named]) await client.getPrice('XAU');
    gold.evict();
    const found = await metrics();

    const memory = { 'goldkey.client': 'memory', 'goldkey.provider': 'memory' };
    const own = { 'goldkey.client': 'named', 'goldkey.provider': 'memory' };
    expect(pointsOf(found.get('goldkey.calls'))).toEqual([
      [memory, 2],
      [own, 1],
    ]);
    expect(pointsOf(found.get('goldkey.key.evictions'))).toEqual([
      [memory, 1],
      [own, 0],
    ]);
    expect(spans()).toHaveLength(1);
  });

  it('go on with the next client of a store when the first has closed', async () => {
    const { keys, clock, desk, gold } = setUp({ name: 'gold' });
    const next = new GoldDataClient({
      ...{ keyProvider: keys, clock, ttlJitter: 0, fetchPrice: desk.fetchPrice },
      name: 'next',
    });
    const { metrics, spans } = report([gold, next]);
    await gold.getPrice('XAU');
    gold.evict();
    await gold.close();
    await clock.advance(2_000);
    await next.getPrice('XAU');
    next.evict();
    const evictions = pointsOf((await metrics()).get('goldkey.key.evictions'));

    expect(evictions).toEqual([
      [GOLD, 1],
      [{ ...GOLD, 'goldkey.client': 'next' }, 1],
    ]);
    expect(spans().map(({ attributes }) => attributes['goldkey.client'])).toEqual(['gold', 'next']);
  });

  it('never fall when a client is closed and gone', async () => {
    const { metrics } = report();
    const { gold } = setUp({ name: 'gold' });
    for (let call = 0; call < 3; call++) await gold.getPrice('XAU');
    await gold.close();
    const { gold: next } = setUp({ name: 'gold' });
    await next.getPrice('XAU');

    expect(pointsOf((await metrics()).get('goldkey.calls'))).toEqual([[GOLD, 4]]);
  });

  it('count the canaries left', async () => {
    const { gold } = setUp({ name: 'gold' });
    const { metrics, logs } = report();
    const { gold: later } = setUp({ name: 'gold' });
    const payload = { name: 'gold', provider: 'memory', version: 'v2', stage: 'pending', at: 5, rejections: 3 };
    diagnostics.channel('goldkey:rollout-reverted').publish(payload);

    expect(pointsOf((await metrics()).get('goldkey.rollout.reverts'))).toEqual([[GOLD, 1]]);
    expect(logs()).toHaveLength(1);
    expect([gold, later].map((client) => client.status().name)).toEqual(['gold', 'gold']);
  });
});

describe('the span of a load', () => {
  it('has the load’s times, and what may be known of the key', async () => {
    const clock = manualClock();
    const keyProvider = {
      name: 'aws-kms',
      load: async () => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 40));
        const bytes = new TextEncoder().encode(FIRST);
        const told = { keyId: 'arn:aws:kms:eu-central-1:1:key/a', requestId: 'request-1' };
        return { bytes: noteStoreRequest(bytes, told), version: 'v7' };
      },
    };
    const client = new KeyedClient({ keyProvider, clock, name: 'gold' });
    const { spans } = report(client);
    const loaded = client.prefetch();
    await clock.advance(50);
    await loaded;

    const [span, ...others] = spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      name: 'goldkey.key.load',
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: 'goldkey' },
      duration: [0, 40_000_000],
      attributes: {
        'goldkey.client': 'gold',
        'goldkey.provider': 'aws-kms',
        'goldkey.stage': 'current',
        'goldkey.version': 'v7',
        'goldkey.key_id': 'arn:aws:kms:eu-central-1:1:key/a',
        'aws.request_id': 'request-1',
      },
    });
    expect(Object.keys(span?.attributes ?? {})).toHaveLength(6);
    expect(allLeaks(span, FIRST)).toEqual([]);
  });

  it('that failed has the status ERROR and the code, and not a word of the message', async () => {
    const { gold, keys } = setUp({ name: 'gold' });
    const { spans } = report(gold);
    keys.failWith(() => new KeyProviderError('a message', { retryable: true }));
    await gold.getPrice('XAU').catch(() => undefined);

    expect(spans().map(({ status, attributes }) => [status, attributes['error.type']])).toEqual([
      [{ code: SpanStatusCode.ERROR }, 'ERR_GOLDKEY_PROVIDER'],
    ]);
    expect(JSON.stringify(spans().map(({ attributes, events }) => [attributes, events]))).not.toContain('a message');
  });

  it('is a child of the span whose call caused the load; a call that finds the key makes none', async () => {
    const sdk = startSdk();
    stops.push(makeGlobal(sdk));
    stops.push(instrument());
    const { gold } = setUp();
    const tracer = trace.getTracer('application');
    const parent = tracer.startSpan('request');
    await context.with(trace.setSpan(context.active(), parent), async () => {
      await gold.getPrice('XAU');
      await gold.getPrice('XAU');
    });
    parent.end();

    const [load, request, ...others] = sdk.spans();
    expect(others).toEqual([]);
    expect(load?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  });
});

describe('the log records', () => {
  it('tell of a refused key and of its repair', async () => {
    const { gold, keys, desk } = setUp({ name: 'gold' });
    const { logs } = report(gold);
    await gold.getPrice('XAU');
    keys.set('current', SECOND, 'v2');
    desk.rotateTo(SECOND);
    await gold.getPrice('XAU');

    const current = { ...GOLD, 'goldkey.stage': 'current' };
    expect(
      logs().map(({ eventName, severityNumber, severityText, attributes }) => [
        eventName,
        severityNumber,
        severityText,
        attributes,
      ]),
    ).toEqual([
      ['goldkey.key.rejected', 13, 'WARN', { ...current, 'goldkey.version': 'v1', 'goldkey.count': 1 }],
      ['goldkey.key.repaired', 9, 'INFO', { ...current, 'goldkey.version': 'v2', 'goldkey.from_version': 'v1' }],
    ]);
    for (const key of [FIRST, SECOND]) expect(allLeaks(logs(), key)).toEqual([]);
  });

  it('tell once of a key that serves stale, and again after it was loaded', async () => {
    const { gold, keys, clock } = setUp({ name: 'gold', ttl: 10_000, refreshAhead: 0 });
    const { logs } = report(gold);
    const serveStale = async (): Promise<void> => {
      keys.failWith(down);
      await clock.advance(12_000);
      for (let call = 0; call < 3; call++) {
        await gold.getPrice('XAU');
        await clock.advance(5_000);
      }
    };
    await gold.getPrice('XAU');
    await serveStale();
    keys.failWith(undefined);
    await clock.advance(60_000);
    await gold.getPrice('XAU');
    await gold.settled();
    await gold.getPrice('XAU');
    await serveStale();

    const stale = logs().filter(({ eventName }) => eventName === 'goldkey.key.stale');
    expect(stale.map(({ severityNumber, attributes }) => [severityNumber, attributes['error.type']])).toEqual([
      [13, 'ERR_GOLDKEY_PROVIDER'],
      [13, 'ERR_GOLDKEY_PROVIDER'],
    ]);
  });

  it('tell of the emergency store as FATAL', async () => {
    const clock = manualClock();
    const load = async (): Promise<object> => ({
      bytes: new TextEncoder().encode(FIRST),
      version: 'v1',
      until: clock.now() + 60_000,
      breakGlass: true,
    });
    const client = new KeyedClient({ keyProvider: { name: 'glass', load: load as never }, clock });
    const { logs } = report(client);
    await client.prefetch();

    expect(logs()).toMatchObject([
      {
        eventName: 'goldkey.key.break_glass',
        severityNumber: 21,
        attributes: { 'goldkey.until': new Date(clock.now() + 60_000).toISOString() },
      },
    ]);
  });

  it('are skipped where there is no provider of loggers', async () => {
    const { tracerProvider, meterProvider, spans } = startSdk();
    const { gold, keys, desk } = setUp();
    stops.push(instrument(gold, { tracerProvider, meterProvider }));
    await gold.getPrice('XAU');
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);
    await gold.getPrice('XAU');

    expect(spans()).toHaveLength(2);
  });
});

describe('instrument() without clients', () => {
  it('reports the loads of every client, and the metrics of those created afterwards', async () => {
    const { gold: before } = setUp({ name: 'before' });
    const { metrics, spans } = report();
    const { gold: after } = setUp({ name: 'after' });
    for (const client of [before, after]) await client.getPrice('XAU');

    expect(spans().map(({ attributes }) => attributes['goldkey.client'])).toEqual(['before', 'after']);
    expect(pointsOf((await metrics()).get('goldkey.calls'))).toEqual([[{ ...GOLD, 'goldkey.client': 'after' }, 1]]);
  });

  it('is told the store and the clock of a client, which the other build cannot read from it', () => {
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    diagnostics.subscribe('goldkey:client-created', listener);
    const { gold, keys, clock } = setUp();
    diagnostics.unsubscribe('goldkey:client-created', listener);

    expect(messages).toHaveLength(1);
    expect(messages[0]).toEqual({ client: gold, keyProvider: keys, clock });
  });

  it('reads the store’s name from the message where the client is of the other build', async () => {
    const { metrics } = report();
    const counts = { calls: 4, rejections: 0, repairs: 0, retries: 0, stale: 0, evictions: 0 };
    const client = { on: () => () => undefined, status: () => ({ name: 'foreign', state: 'fresh', counts }) };
    diagnostics.channel('goldkey:client-created').publish({ client, keyProvider: { name: 'aws-kms' }, clock: Date });

    expect(pointsOf((await metrics()).get('goldkey.calls'))).toEqual([
      [{ 'goldkey.client': 'foreign', 'goldkey.provider': 'aws-kms' }, 4],
    ]);
  });

  it('keeps no client alive', async () => {
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
    setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void;
    const { metrics } = report();
    const clients = Array.from({ length: 50 }, () => new WeakRef(setUp({ name: 'gold' }).gold));
    await metrics();
    const alive = (): number => clients.filter((client) => client.deref() !== undefined).length;
    for (let turn = 0; turn < 50 && alive() > 0; turn++) {
      await new Promise(setImmediate);
      collect();
    }

    expect(alive()).toBe(0);
    expect(pointsOf((await metrics()).get('goldkey.calls'))).toEqual([[GOLD, 0]]);
  });

  it('survives what is published under its names, and what an exporter throws', async () => {
    const { tracerProvider, meterProvider } = startSdk([
      {
        onStart: () => undefined,
        onEnd: () => {
          throw new Error('full');
        },
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ]);
    stops.push(instrument(undefined, { tracerProvider, meterProvider }));
    diagnostics.channel('goldkey:client-created').publish({});
    const { gold } = setUp();

    await expect(gold.getPrice('XAU')).resolves.toBe('XAU 2000');
  });
});

describe('the function that instrument() returns', () => {
  it.each(['given clients', 'all clients'])('ends every report of %s, and is safe to call twice', async (whose) => {
    const { gold } = setUp({ name: 'gold' });
    const { metrics, spans, logs, stop } = report(whose === 'given clients' ? gold : undefined);
    const { gold: created } = setUp({ name: 'gold' });
    for (let turn = 0; turn < 2; turn++) stop();
    for (const client of [gold, created]) await client.getPrice('XAU');
    await gold.close();
    const found = await metrics();

    expect([spans(), logs()]).toEqual([[], []]);
    expect([...found.values()].flatMap((metric) => pointsOf(metric))).toEqual([]);
    const events = ['loaded', 'load-failed', 'stale', 'client-created', 'closed'];
    expect(events.filter((event) => diagnostics.hasSubscribers(`goldkey:${event}`))).toEqual([]);
  });

  it.each(['given clients', 'all clients'])('ends the spans of %s though the meter throws', async (whose) => {
    const { gold } = setUp({ name: 'gold' });
    const { tracerProvider, meterProvider, spans } = startSdk();
    const meter = meterProvider.getMeter('goldkey');
    meter.removeBatchObservableCallback = () => {
      throw new Error('no');
    };
    const given = whose === 'given clients' ? gold : undefined;
    const stop = instrument(given, { tracerProvider, meterProvider: { getMeter: () => meter } });

    expect(stop).toThrow('no');
    await gold.getPrice('XAU');
    expect(spans()).toEqual([]);
  });
});

describe('the options of instrument()', () => {
  it.each([
    ['clients', () => instrument({} as never), '`clients` must be a client or a list of clients, got'],
    ['clients', () => instrument([undefined] as never), '`clients` must be a client or a list of clients, got'],
    ['a name', () => instrument([], { tracer: {} } as never), 'tracerProvider'],
    ['a provider', () => instrument([], { meterProvider: {} }), '`meterProvider` must be an object with `getMeter()`'],
  ])('%s that cannot be is refused', (_what, act, message) => {
    expect(act).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(message) }),
    );
  });

  it('may be any of the API’s peers: the package needs no more than 1.9', () => {
    expect(manifest.peerDependencies['@opentelemetry/api']).toBe('^1.9.0');
    expect(manifest.peerDependenciesMeta['@opentelemetry/api']).toEqual({ optional: true });
  });
});

describe('a warm call', () => {
  it('tells nobody of anything', async () => {
    const { gold } = setUp();
    const { spans, logs } = report(gold);
    await gold.getPrice('XAU');
    const told: string[] = [];
    const events = ['loaded', 'stale', 'evicted', 'key-rejected', 'repaired', 'retry'] satisfies Array<keyof KeyEvents>;
    for (const event of events) gold.on(event, () => told.push(event));
    for (let call = 0; call < 100; call++) await gold.getPrice('XAU');

    expect([told, spans().length, logs().length]).toEqual([[], 1, 0]);
  });
});
