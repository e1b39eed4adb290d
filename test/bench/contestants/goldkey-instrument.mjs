import { AggregationTemporality, InMemoryMetricExporter } from '@opentelemetry/sdk-metrics';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { instrument, KeyRedactingSpanProcessor } from 'goldkey/opentelemetry';
import * as goldkey from './goldkey.mjs';

export const { repairs } = goldkey;

/** The same client, with the SDK running: metrics are collected each second. */
export function create(options) {
  const client = goldkey.create(options);
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new KeyRedactingSpanProcessor(client), new SimpleSpanProcessor(new InMemorySpanExporter())],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000 });
  instrument(client, { tracerProvider, meterProvider: new MeterProvider({ readers: [reader] }) });
  return client;
}
