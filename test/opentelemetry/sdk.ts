import { AsyncLocalStorage } from 'node:async_hooks';
import { context, metrics, ROOT_CONTEXT, trace, type Context, type ContextManager } from '@opentelemetry/api';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
  type LogRecordProcessor,
  type ReadableLogRecord,
} from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** OpenTelemetry's SDK with exporters in memory. */
export interface Sdk {
  readonly tracerProvider: BasicTracerProvider;
  readonly meterProvider: MeterProvider;
  readonly loggerProvider: LoggerProvider;
  readonly spans: () => ReadableSpan[];
  readonly logs: () => ReadableLogRecord[];
  /** Collects the metrics anew, by name. */
  readonly metrics: () => Promise<Map<string, MetricData>>;
}

/** Starts the SDK. The processors given stand before those of the exporters. */
export function startSdk(
  spanProcessors: readonly SpanProcessor[] = [],
  logProcessors: readonly LogRecordProcessor[] = [],
): Sdk {
  const spans = new InMemorySpanExporter();
  const logs = new InMemoryLogRecordExporter();
  const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 2_147_483_647 });
  return {
    tracerProvider: new BasicTracerProvider({ spanProcessors: [...spanProcessors, new SimpleSpanProcessor(spans)] }),
    meterProvider: new MeterProvider({ readers: [reader] }),
    loggerProvider: new LoggerProvider({
      processors: [...logProcessors, new SimpleLogRecordProcessor({ exporter: logs })],
    }),
    spans: () => spans.getFinishedSpans(),
    logs: () => logs.getFinishedLogRecords(),
    metrics: async () => {
      exported.reset();
      await reader.forceFlush();
      const scopes = exported.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
      return new Map(scopes.flatMap((scope) => scope.metrics).map((metric) => [metric.descriptor.name, metric]));
    },
  };
}

/** Makes these the providers of the process, as an application does. Returns a function that takes them away. */
export function makeGlobal(sdk: Sdk): () => void {
  trace.setGlobalTracerProvider(sdk.tracerProvider);
  metrics.setGlobalMeterProvider(sdk.meterProvider);
  context.setGlobalContextManager(asyncContext());
  return () => {
    for (const api of [trace, metrics, context]) api.disable();
  };
}

/** Carries the context over `await`, as the SDK for Node.js does. */
function asyncContext(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self as never, args)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => {
      storage.disable();
      return manager;
    },
  };
  return manager;
}

/** Returns every value of a metric: the attributes and the value. */
export function pointsOf(metric: MetricData | undefined): Array<[attributes: object, value: unknown]> {
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value]);
}
