import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState } from '@opentelemetry/api';
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { KeyRedactingLogRecordProcessor, KeyRedactingSpanProcessor } from '../../src/opentelemetry/index.js';
import { manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { encoders, SPECIAL } from '../core/redaction/encodings.js';
import { allLeaks } from '../core/redaction/leaks.js';
import { startSdk } from './sdk.js';

const NEXT = 'another/key+for=tests&0002';

interface Held {
  clock: ReturnType<typeof manualClock>;
  client: KeyedClient;
  keys: ReturnType<typeof memoryKeyProvider>;
}

/** A client that holds a key. */
async function hold(key = SPECIAL): Promise<Held> {
  const keys = memoryKeyProvider({ current: key });
  const clock = manualClock();
  const client = new KeyedClient({ keyProvider: keys, clock });
  await client.prefetch();
  return { client, keys, clock };
}

/** What exporters read of a span, as JSON and as objects. */
const visible = (span: unknown): unknown => {
  const { name, attributes, events, links, status } = span as Record<string, unknown>;
  return { name, attributes, events, links, status };
};

const URL_WITH_KEY = `https://api.example/latest?access_key=${encodeURIComponent(SPECIAL)}&base=USD`;

/** A span as an SDK hands it over, with the key in every place. */
const tainted = (key = SPECIAL): Record<string, unknown> => ({
  name: `GET /${key}`,
  kind: SpanKind.CLIENT,
  startTime: [1, 2],
  attributes: {
    'url.full': `https://h/?k=${encodeURIComponent(key)}`,
    [`header.${key}`]: 1,
    list: ['a', key],
    port: 443,
  },
  events: [{ name: `exception ${key}`, attributes: { 'exception.message': key, code: 5 }, time: [3, 4] }],
  links: [{ context: { traceId: 'a', spanId: 'b', traceFlags: 1 }, attributes: { via: key } }],
  status: { code: SpanStatusCode.ERROR, message: `fetch failed: ${key}` },
});

describe('KeyRedactingSpanProcessor', () => {
  it.each(Object.keys(encoders))('removes the key, %s, from every part of a span', async (how) => {
    const { client } = await hold();
    const write = encoders[how] as (key: string) => string;
    for (const phase of ['onEnding', 'onEnd'] as const) {
      const span = tainted(write(SPECIAL));
      new KeyRedactingSpanProcessor(client)[phase](span);

      expect(allLeaks(span, SPECIAL)).toEqual([]);
      expect(span).toMatchObject({ kind: SpanKind.CLIENT, startTime: [1, 2], attributes: { port: 443 } });
    }
  });

  it('leaves what holds no key as it was, to the object', async () => {
    const { client } = await hold();
    const span = tainted('harmless');
    const before = { ...span };
    new KeyRedactingSpanProcessor(client).onEnd(span);

    for (const [name, value] of Object.entries(before)) expect(span[name]).toBe(value);
  });

  it('keeps times, contexts, the status and the other attributes of what it changes', async () => {
    const { client } = await hold();
    const span = tainted();
    new KeyRedactingSpanProcessor(client).onEnd(span);

    expect(span).toMatchObject({
      name: 'GET /[REDACTED]',
      attributes: { 'url.full': 'https://h/?k=[REDACTED]', list: ['a', '[REDACTED]'], port: 443 },
      events: [{ name: 'exception [REDACTED]', attributes: { code: 5 }, time: [3, 4] }],
      links: [{ context: { traceId: 'a', spanId: 'b', traceFlags: 1 }, attributes: { via: '[REDACTED]' } }],
      status: { code: SpanStatusCode.ERROR, message: 'fetch failed: [REDACTED]' },
    });
  });

  it('works on the spans of the real SDK, and changes none of the caller’s own objects', async () => {
    const { client } = await hold();
    const sdk = startSdk([new KeyRedactingSpanProcessor(client)]);
    const own = { 'url.full': URL_WITH_KEY, list: [SPECIAL] };
    const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED };
    const traceState = createTraceState(`vendor=${Buffer.from(SPECIAL).toString('hex')}`);
    const span = sdk.tracerProvider.getTracer('test').startSpan(`GET ${URL_WITH_KEY}`, {
      attributes: own,
      links: [{ context: { ...context, traceState }, attributes: own }],
    });
    span.addEvent(SPECIAL, own);
    span.recordException(new Error(URL_WITH_KEY));
    span.setAttribute(SPECIAL, true);
    span.setStatus({ code: SpanStatusCode.ERROR, message: URL_WITH_KEY });
    span.end();

    const [exported] = sdk.spans();
    expect(allLeaks(visible(exported), SPECIAL)).toEqual([]);
    expect(JSON.stringify(visible(exported))).not.toContain(Buffer.from(SPECIAL).toString('hex'));
    expect(exported?.links[0]?.context).toMatchObject(context);
    expect(exported?.events).toHaveLength(2);
    expect(own).toEqual({ 'url.full': URL_WITH_KEY, list: [SPECIAL] });
  });

  it('sees what a processor that comes later adds in onEnding', async () => {
    const { client } = await hold();
    const adds: SpanProcessor = {
      onStart: () => undefined,
      onEnding: (span) => void span.setAttribute('late', SPECIAL),
      onEnd: () => undefined,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
    const sdk = startSdk([new KeyRedactingSpanProcessor(client), adds]);
    sdk.tracerProvider.getTracer('test').startSpan('a').end();

    expect(sdk.spans().map(({ attributes }) => attributes)).toEqual([{ late: '[REDACTED]' }]);
  });

  it.each([
    ['evict()', ({ client }: Held) => client.evict()],
    ['close()', ({ client }: Held) => client.close()],
    ['a rotation', (held: Held) => rotate(held, 1)],
    ['fifteen rotations', (held: Held) => rotate(held, 15)],
  ])('knows the key after %s', async (_what, act) => {
    const held = await hold();
    const processor = new KeyRedactingSpanProcessor([held.client]);
    await act(held);
    const span = tainted();
    processor.onEnd(span);

    expect(allLeaks(span, SPECIAL)).toEqual([]);
  });

  it('removes the keys of several clients', async () => {
    const [one, two] = await Promise.all([hold(), hold(NEXT)]);
    const span = { ...tainted(), attributes: { both: `${SPECIAL} and ${NEXT}` } };
    new KeyRedactingSpanProcessor([one.client, two.client]).onEnd(span);

    for (const key of [SPECIAL, NEXT]) expect(allLeaks(span, key)).toEqual([]);
  });

  it.each([
    ['fields without setters', (span: object) => readOnly(span)],
    ['frozen attributes, events and status', (span: object) => mapValues(span, (value) => deepFreeze(value))],
    ['fields that are not writable', (span: object) => mapValues(span, (value) => value, { writable: false })],
    ['setters that do nothing once it has ended', (span: object) => readOnly(span, () => undefined)],
  ])('changes a span with %s', async (_what, make) => {
    const { client } = await hold();
    const span = make(tainted());
    new KeyRedactingSpanProcessor(client).onEnd(span);

    expect(allLeaks(visible(span), SPECIAL)).toEqual([]);
    expect(visible(span)).toMatchObject({ attributes: { port: 443 }, status: { code: SpanStatusCode.ERROR } });
  });

  it('changes the object behind a view of a span, so that another view of it is clean', async () => {
    const { client } = await hold();
    const { attributes, events } = tainted();
    const inner = { attributes, events };
    const view = (): object => ({
      get attributes() {
        return inner.attributes;
      },
      get events() {
        return inner.events;
      },
    });
    new KeyRedactingSpanProcessor(client).onEnd(Object.freeze(view()));

    expect(allLeaks(view(), SPECIAL)).toEqual([]);
  });

  it('keeps a span that cannot be changed at all from the exporters', async () => {
    const { client } = await hold();
    const processor = new KeyRedactingSpanProcessor(client);
    const frozen = deepFreeze(tainted()) as object;

    expect(() => processor.onEnding(frozen)).not.toThrow();
    expect(() => processor.onEnd(frozen)).toThrow(/cannot be changed, so it is not exported/);
    expect(() => processor.onEnd(deepFreeze(tainted('harmless')))).not.toThrow();
  });

  it.each(['throws', 'gives up'])('lets nothing out when the search %s', async (what) => {
    const { client } = await hold();
    const redact =
      what === 'throws'
        ? () => {
            throw new Error('no');
          }
        : () => '[REDACTED: not searched]';
    const broken = Object.assign(Object.create(client) as KeyedClient, {
      redact,
      on: () => undefined,
      status: () => undefined,
    });
    const span = tainted();
    new KeyRedactingSpanProcessor(broken).onEnd(span);

    expect(allLeaks(span, SPECIAL)).toEqual([]);
    expect(span).toMatchObject({
      name: '[REDACTED: not searched]',
      attributes: {},
      events: [],
      links: [],
      status: { code: SpanStatusCode.ERROR, message: '[REDACTED: not searched]' },
    });
  });

  it('leaves objects and lists where the search gives up within its bounds', async () => {
    const { client } = await hold();
    const big = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`a${String(index)}`, 'x'.repeat(50_000)]));
    const span = {
      ...tainted(),
      attributes: { ...big, key: SPECIAL },
      events: Array.from({ length: 3 }, () => ({ name: 'e', attributes: big })),
    };
    new KeyRedactingSpanProcessor(client).onEnd(span);

    expect(allLeaks(span, SPECIAL)).toEqual([]);
    expect(span.attributes).toBeTypeOf('object');
    for (const event of span.events as { attributes: unknown }[]) expect(event.attributes).toBeTypeOf('object');
  });

  it('hides what a getter that throws may hide', async () => {
    const { client } = await hold();
    const span = {
      ...tainted(),
      get status(): never {
        throw new Error('ended');
      },
    };
    new KeyRedactingSpanProcessor(client).onEnd(span);

    expect(allLeaks(visible(span), SPECIAL)).toEqual([]);
  });

  const contextless = {
    spanContext: () => {
      throw new Error('no');
    },
  };
  it.each([undefined, null, 5, {}, { attributes: undefined }, { events: [], links: [] }, contextless])(
    'lets %o pass',
    async (span) => {
      const { client } = await hold();
      const processor = new KeyRedactingSpanProcessor(client);

      expect(() => {
        processor.onStart(span, ROOT_CONTEXT);
        processor.onEnding(span);
        processor.onEnd(span);
      }).not.toThrow();
    },
  );

  it('holds nothing that has to be flushed, and works on after shutdown()', async () => {
    const { client } = await hold();
    const processor: SpanProcessor = new KeyRedactingSpanProcessor(client);
    await expect(Promise.all([processor.forceFlush(), processor.shutdown()])).resolves.toEqual([undefined, undefined]);
    const span = tainted();
    new KeyRedactingSpanProcessor(client).onEnd(span);

    expect(allLeaks(span, SPECIAL)).toEqual([]);
  });

  it.each([{}, [undefined], 'gold', null])('takes clients and nothing else: %j', (clients) => {
    for (const Processor of [KeyRedactingSpanProcessor, KeyRedactingLogRecordProcessor])
      expect(() => new Processor(clients as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});

describe('KeyRedactingLogRecordProcessor', () => {
  const BODIES: ReadonlyArray<readonly [what: string, body: unknown]> = [
    ['a text', `GET ${URL_WITH_KEY}`],
    ['a map', { url: URL_WITH_KEY, nested: { list: [SPECIAL, 5] }, [SPECIAL]: true }],
    ['a list', ['a', [URL_WITH_KEY]]],
    ['bytes', new TextEncoder().encode(SPECIAL)],
  ];

  it.each(BODIES)('removes the key from a body that is %s, of the real SDK', async (_what, body) => {
    const { client } = await hold();
    const sdk = startSdk([], [new KeyRedactingLogRecordProcessor(client)]);
    sdk.loggerProvider.getLogger('test').emit({
      body: body as string,
      eventName: `event.${SPECIAL}`,
      severityText: SPECIAL,
      severityNumber: 9,
      attributes: { url: URL_WITH_KEY, [SPECIAL]: { deep: [SPECIAL] }, port: 443 },
    });

    const [record] = sdk.logs();
    const { body: left, attributes, eventName, severityText, severityNumber } = record ?? {};
    expect(allLeaks({ left, attributes, eventName, severityText }, SPECIAL)).toEqual([]);
    expect({ eventName, severityNumber, port: attributes?.['port'] }).toEqual({
      eventName: 'event.[REDACTED]',
      severityNumber: 9,
      port: 443,
    });
  });

  it('without it the exporter sees the key', async () => {
    const sdk = startSdk();
    sdk.loggerProvider.getLogger('test').emit({ body: URL_WITH_KEY });

    expect(
      allLeaks(
        sdk.logs().map(({ body }) => body),
        SPECIAL,
      ),
    ).not.toEqual([]);
  });

  it('lets nothing out when the search throws, and knows the key after close()', async () => {
    const { client } = await hold();
    await client.close();
    const record = { body: { deep: SPECIAL }, attributes: { a: SPECIAL }, eventName: SPECIAL, severityText: 'INFO' };
    const closed = { ...record };
    new KeyRedactingLogRecordProcessor(client).onEmit(closed);
    const broken = {
      on: () => undefined,
      status: () => undefined,
      redact: () => {
        throw new Error('no');
      },
    };
    new KeyRedactingLogRecordProcessor(broken as never).onEmit(record);

    for (const left of [record, closed]) expect(allLeaks(left, SPECIAL)).toEqual([]);
    expect(record).toEqual({
      body: '[REDACTED: not searched]',
      attributes: {},
      eventName: '[REDACTED: not searched]',
      severityText: '[REDACTED: not searched]',
    });
  });

  it('is a processor of the SDK, which flushes and shuts down at once', async () => {
    const { client } = await hold();
    const processor: LogRecordProcessor = new KeyRedactingLogRecordProcessor(client);
    const provider = new LoggerProvider({ processors: [processor] });

    await expect(provider.forceFlush()).resolves.toBeUndefined();
    await expect(provider.shutdown()).resolves.toBeUndefined();
  });
});

async function rotate({ client, keys, clock }: Held, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    keys.set('current', `${NEXT}${String(turn)}`);
    await clock.advance(2_000);
    await client.reload();
    expect(client.status().version).toBe(`v${String(turn + 2)}`);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

/** The same fields, each with another value and descriptor. */
function mapValues(
  span: object,
  map: (value: unknown) => unknown,
  descriptor: PropertyDescriptor = { writable: true },
): object {
  const made = {};
  for (const [name, value] of Object.entries(span))
    Object.defineProperty(made, name, { value: map(value), enumerable: true, configurable: true, ...descriptor });
  return made;
}

/** A span of a class whose fields are getters. */
function readOnly(span: object, set?: () => void): object {
  const setter = set === undefined ? {} : { set };
  const proto = {};
  for (const [name, value] of Object.entries(span))
    Object.defineProperty(proto, name, { get: () => value as unknown, ...setter, enumerable: true });
  return Object.create(proto) as object;
}
