import type { KeyedClient } from 'goldkey';

export declare class KeyRedactingLogRecordProcessor {
  #private;
  constructor(clients: KeyedClient | readonly KeyedClient[]);
  onEmit(record: unknown, _context?: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export declare class KeyRedactingSpanProcessor {
  #private;
  constructor(clients: KeyedClient | readonly KeyedClient[]);
  onStart(_span: unknown, _context: unknown): void;
  onEnding(span: unknown): void;
  onEnd(span: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface OpenTelemetryOptions {
  tracerProvider?: object | undefined;
  meterProvider?: object | undefined;
  loggerProvider?: object | undefined;
}

export declare function instrument(
  clients?: KeyedClient | readonly KeyedClient[],
  options?: OpenTelemetryOptions,
): () => void;
