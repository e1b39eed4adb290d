import { createRequire } from 'node:module';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoldDataClient, type KeyedClient } from '../../src/index.js';
import {
  instrument,
  KeyRedactingLogRecordProcessor,
  KeyRedactingSpanProcessor,
} from '../../src/opentelemetry/index.js';
import { memoryKeyProvider, startFakePriceApi, type MemoryKeyProvider } from '../../src/testing/index.js';
import { allLeaks } from '../core/redaction/leaks.js';
import { APIS } from '../prices/apis.js';
import { makeGlobal, startSdk, type Sdk } from './sdk.js';

const KEYS = ['sk-first/+&=0123456789', 'sk-second/+&=123456789', 'sk-third/+&=2345678901'] as const;
const [FIRST, SECOND, THIRD] = KEYS;

/** The instrumentations that write the URL of each request into a span, and the headers that they are told to. */
const requestHeaders = ['authorization', 'x-access-token', 'x-api-key'];
const instrumentations = [
  new HttpInstrumentation({ headersToSpanAttributes: { client: { requestHeaders } } }),
  new UndiciInstrumentation({ headersToSpanAttributes: { requestHeaders } }),
];
beforeAll(() => {
  // They patch a module when it is required.
  createRequire(import.meta.url)('node:http');
});
afterAll(() => {
  for (const instrumentation of instrumentations) instrumentation.disable();
});

/** Clients that are made before the SDK's processors, which take them. */
interface Run {
  readonly gold: GoldDataClient<unknown>;
  readonly keys: MemoryKeyProvider;
}

/** A rotation, an evict() and a close() while calls run, a call that fails, and spans that end after all. */
async function live({ gold, keys }: Run, api: { revoke: (key: string) => void }): Promise<void> {
  const tracer = trace.getTracer('application');
  const held = await gold.withKey(async ({ apiKey }) => apiKey);
  const late = KEYS.map((key) => tracer.startSpan(`late ${key}`, { attributes: { 'url.full': `http://h/?k=${key}` } }));
  const calls: Promise<unknown>[] = [gold.getPrice('XAU'), gold.getPrice('XAG')];
  keys.set('current', SECOND);
  await gold.reload();
  api.revoke(held);
  calls.push(gold.getPrice('XAU'));
  gold.evict();
  calls.push(gold.getPrice('XAU'));
  keys.set('current', THIRD);
  calls.push(gold.reload().then(() => gold.getPrice('XAU')));
  await Promise.allSettled(calls);
  const last = gold.getPrice('XAU').catch((error: unknown) => error);
  await gold.close();
  await last;
  for (const [index, span] of late.entries()) {
    const key = KEYS[index] as string;
    span.recordException(new Error(`GET /latest?access_key=${encodeURIComponent(key)} failed`));
    span.setStatus({ code: SpanStatusCode.ERROR, message: key });
    span.setAttribute('list', ['a', Buffer.from(`:${key}`).toString('base64')]);
    span.end();
  }
}

/** What exporters send of a span. */
const sent = ({ name, kind, attributes, events, links, status, resource }: ReadableSpan): object => ({
  ...{ name, kind, attributes, events, links, status },
  resource: resource.attributes,
});

/** Runs a client under the instrumentations, with or without our processors, and returns everything exported. */
async function exported(
  make: (url: string, keys: MemoryKeyProvider) => GoldDataClient<unknown>,
  { api, isRedacted }: { api: string; isRedacted: boolean },
): Promise<{ spans: ReadableSpan[]; all: unknown }> {
  await using server = await startFakePriceApi({ api, keys: KEYS, latency: 20 });
  const keys = memoryKeyProvider({ current: FIRST });
  const gold = make(server.url, keys);
  const sdk = startSdk(
    isRedacted ? [new KeyRedactingSpanProcessor(gold)] : [],
    isRedacted ? [new KeyRedactingLogRecordProcessor(gold)] : [],
  );
  const stop = [makeGlobal(sdk), instrument(gold, { loggerProvider: sdk.loggerProvider })];
  for (const instrumentation of instrumentations) instrumentation.setTracerProvider(sdk.tracerProvider);
  try {
    await live({ gold, keys }, server);
    await sdk.metrics();
    return { spans: sdk.spans(), all: await everything(sdk) };
  } finally {
    for (const end of stop) end();
  }
}

async function everything(sdk: Sdk): Promise<unknown> {
  const metrics = [...(await sdk.metrics()).values()];
  const logs = sdk.logs().map(({ body, attributes, eventName, severityText }) => ({
    ...{ body, attributes, eventName, severityText },
  }));
  return { spans: sdk.spans().map(sent), logs, metrics };
}

const leaksIn = (all: unknown): string[] =>
  KEYS.flatMap((key) => [...allLeaks(all, key), ...allLeaks(JSON.stringify(all), key)]);

const adapters = APIS.map(({ api, make }) => ({
  name: api,
  api,
  make: (url: string, keyProvider: MemoryKeyProvider): GoldDataClient<unknown> =>
    new GoldDataClient({ keyProvider, retry: false, ...make({ baseUrl: url }) }),
}));
const ownFetch = {
  name: 'a fetch of one’s own, with the key in the URL',
  api: 'metals-api',
  make: (url: string, keyProvider: MemoryKeyProvider): GoldDataClient<unknown> =>
    new GoldDataClient({
      keyProvider,
      retry: false,
      fetchPrice: (symbol: string, { apiKey, signal }) =>
        fetch(`${url}/latest?access_key=${encodeURIComponent(apiKey)}&base=USD&symbols=${symbol}`, { signal }),
    }),
};

describe('what is exported while keys are rotated, evicted and closed under running calls', () => {
  it.each([...adapters, ownFetch])('holds no key: $name', async ({ api, make }) => {
    const { spans, all } = await exported(make, { api, isRedacted: true });

    expect(leaksIn(all)).toEqual([]);
    const names = spans.map(({ name }) => name);
    expect(names.filter((name) => name === 'goldkey.key.load').length).toBeGreaterThanOrEqual(2);
    // The requests themselves are still there, with all but the key.
    expect(
      spans.filter(({ attributes }) => 'url.full' in attributes || 'http.url' in attributes).length,
    ).toBeGreaterThan(3);
  });

  it.each([...adapters, ownFetch])('holds keys without the processor: $name', async ({ api, make }) => {
    const { spans } = await exported(make, { api, isRedacted: false });

    const own = ({ instrumentationScope }: ReadableSpan): boolean => instrumentationScope.name === 'application';
    for (const some of [spans.filter(own), spans.filter((span) => !own(span))])
      expect(leaksIn(some.map(sent))).not.toEqual([]);
  });

  it('holds the keys of none of the clients that were given', async () => {
    const clients: KeyedClient[] = KEYS.map(
      (key) => new GoldDataClient({ keyProvider: memoryKeyProvider({ current: key }), fetchPrice: async () => 1 }),
    );
    for (const client of clients) await client.prefetch();
    const sdk = startSdk([new KeyRedactingSpanProcessor(clients)]);
    sdk.tracerProvider.getTracer('a').startSpan(KEYS.join(' ')).end();

    expect(sdk.spans().map(({ name }) => name)).toEqual(['[REDACTED] [REDACTED] [REDACTED]']);
  });
});
