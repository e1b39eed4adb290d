import diagnostics from 'node:diagnostics_channel';

import { checkOptionNames, invalidType, readErrorName, type KeyedClient, type KeyEvents } from '../core/index.js';
import { diag, globalProviders, type EventLoggerProvider, type MeterProvider, type TracerProvider } from './api.js';
import { ClientMetrics } from './client-metrics.js';
import { listClients, type CreatedClient } from './clients.js';
import { createEventHandlers, DURATION_BUCKETS, SHARED_EVENTS } from './event-telemetry.js';

/** Options of {@link instrument}. */
export interface OpenTelemetryOptions {
  /** Where spans go: a `TracerProvider`. Default: the global one. */
  tracerProvider?: object | undefined;
  /** Where metrics go: a `MeterProvider`. Default: the global one. */
  meterProvider?: object | undefined;
  /** Where events go: a `LoggerProvider`. Default: the global one, if `@opentelemetry/api` has one (from 1.10); else no events. */
  loggerProvider?: object | undefined;
}

/** Set by the build. */
declare const GOLDKEY_VERSION: string | undefined;
const VERSION = typeof GOLDKEY_VERSION === 'string' ? GOLDKEY_VERSION : undefined;
const SCOPE = 'goldkey';

const PROVIDERS = {
  tracerProvider: 'getTracer',
  meterProvider: 'getMeter',
  loggerProvider: 'getLogger',
} as const satisfies Record<keyof OpenTelemetryOptions, string>;

type Handler = (payload: KeyEvents[keyof KeyEvents]) => void;

/**
 * Reports clients to OpenTelemetry: metrics, which are read from `status()` when they are collected, a span
 * `goldkey.key.load` for each load, and what needs attention as log records. Nothing holds the key, and a call that finds
 * its key in the cache costs nothing more. Call it after the SDK has started.
 *
 * @param clients - the clients to report. Default: the spans and events of every client of the process, and the metrics of
 *   those created from now on
 * @param options - see {@link OpenTelemetryOptions}
 * @returns a function that ends the reports
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: something that is not a client, or not a provider
 * @example
 * ```ts
 * import { NodeSDK } from '@opentelemetry/sdk-node';
 * import { instrument } from 'goldkey/opentelemetry';
 *
 * new NodeSDK().start();
 * const stop = instrument();
 * ```
 */
export function instrument(
  clients?: KeyedClient | readonly KeyedClient[],
  options: OpenTelemetryOptions = {},
): () => void {
  checkOptionNames('`instrument`', options, Object.keys(PROVIDERS));
  const given = clients === undefined ? undefined : listClients(clients);
  const trace = getProvider<TracerProvider>(options, 'tracerProvider') ?? globalProviders.trace;
  const meters = getProvider<MeterProvider>(options, 'meterProvider') ?? globalProviders.metrics;
  const logs = getProvider<EventLoggerProvider>(options, 'loggerProvider') ?? globalProviders.logs;
  const meter = meters.getMeter(SCOPE, VERSION);
  const metrics = new ClientMetrics();
  const handlers = Object.entries(
    createEventHandlers({
      tracer: trace.getTracer(SCOPE, VERSION),
      loadDuration: meter.createHistogram('goldkey.key.load.duration', {
        unit: 's',
        description: 'Duration of loads of the key, retries included.',
        advice: { explicitBucketBoundaries: DURATION_BUCKETS },
      }),
      logger: logs?.getLogger(SCOPE, VERSION),
      noteRevert: (name, provider) => metrics.noteRevert(name, provider),
    }),
  ).map(([event, handle]) => [event as keyof KeyEvents, guard(handle as Handler)] as const);
  const unregister = metrics.register(meter);
  // Last what calls the meter, which may throw.
  const undo = [
    () => metrics.untrackAll(),
    ...(given === undefined ? followProcess(metrics, handlers) : []),
    unregister,
  ];
  for (const client of given ?? []) followClient(client, metrics, handlers);
  return () => {
    for (const end of undo.splice(0)) end();
  };
}

type Handlers = ReadonlyArray<readonly [event: keyof KeyEvents, handle: Handler]>;

function getProvider<P>(options: OpenTelemetryOptions, name: keyof typeof PROVIDERS): P | undefined {
  const provider = options[name];
  const method = PROVIDERS[name];
  if (provider === undefined || typeof (provider as Record<string, unknown> | null)?.[method] === 'function')
    return provider as P | undefined;
  throw invalidType(`\`${name}\` must be an object with \`${method}()\`.`);
}

/** Keeps telemetry's errors from the process: one in a diagnostics channel's subscriber ends it. */
function guard<P>(handle: (payload: P) => void): (payload: P) => void {
  return (payload) => {
    try {
      handle(payload);
    } catch (error) {
      diag.warn(`goldkey could not report an event: ${readErrorName(error) ?? typeof error}`);
    }
  };
}

/** Reports one client, by its own events. */
function followClient(client: KeyedClient, metrics: ClientMetrics, handlers: Handlers): void {
  const tracked = metrics.track({ client });
  const ends = handlers.map(([event, handle]) =>
    client.on(event, (payload) => {
      if (!SHARED_EVENTS.has(event) || tracked.speaksForAll) handle(payload);
    }),
  );
  ends.push(client.on('closed', () => metrics.finish(tracked)));
  tracked.stop = () => {
    for (const end of ends) end();
  };
}

/** Reports the clients of the process: the events of all, by the diagnostics channels, and the metrics of those to come. */
function followProcess(metrics: ClientMetrics, handlers: Handlers): Array<() => void> {
  const follow = (created: CreatedClient): void => {
    const tracked = metrics.track(created);
    tracked.stop = created.client.on('closed', () => {
      metrics.finish(tracked);
      metrics.untrack(tracked);
    });
  };
  return [...handlers.map(([event, handle]) => subscribe(event, handle)), subscribe('client-created', guard(follow))];
}

function subscribe<P>(event: string, handle: (payload: P) => void): () => void {
  const listener = (message: unknown): void => handle(message as P);
  diagnostics.subscribe(`goldkey:${event}`, listener);
  return () => void diagnostics.unsubscribe(`goldkey:${event}`, listener);
}
