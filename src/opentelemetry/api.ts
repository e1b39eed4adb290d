// The one file that imports the API. The application's SDK must share this copy of it, so it is a peer.
import * as api from '@opentelemetry/api';

export { context, diag, SpanKind, SpanStatusCode } from '@opentelemetry/api';
export type {
  BatchObservableResult,
  Histogram,
  Meter,
  MeterProvider,
  Observable,
  Tracer,
  TracerProvider,
} from '@opentelemetry/api';

/** A log record, as far as events need it: the Logs API came with version 1.10. */
export interface EventRecord {
  readonly eventName: string;
  readonly timestamp: Date;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Where log records go. */
export interface EventLogger {
  emit(record: EventRecord): void;
}

/** A provider of loggers. */
export interface EventLoggerProvider {
  getLogger(name: string, version?: string): EventLogger;
}

const { logs } = api as { readonly logs?: EventLoggerProvider };

/** Where telemetry goes unless the user says otherwise. `logs` is absent before version 1.10 of the API. */
export const globalProviders: {
  readonly trace: api.TracerProvider;
  readonly metrics: api.MeterProvider;
  readonly logs: EventLoggerProvider | undefined;
} = { trace: api.trace, metrics: api.metrics, logs };
