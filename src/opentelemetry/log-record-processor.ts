import { isObject, NOT_SEARCHED, type KeyedClient } from '../core/index.js';
import { listClients } from './clients.js';
import { redactRecord, toAttributes, toText, type Rebuild } from './redact-record.js';

/** A log record, as far as it is searched. */
interface AnyLogRecord {
  readonly body?: unknown;
  readonly attributes?: unknown;
  readonly eventName?: unknown;
  readonly severityText?: unknown;
}

/**
 * A log record processor that removes every key of these clients from any log record: from its body, attributes, event name
 * and severity text, in all encodings. Put it first: those after it see clean records.
 *
 * @example
 * ```ts
 * import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
 * import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
 * import { KeyRedactingLogRecordProcessor } from 'goldkey/opentelemetry';
 *
 * const loggerProvider = new LoggerProvider({
 *   processors: [
 *     new KeyRedactingLogRecordProcessor(gold),
 *     new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() }),
 *   ],
 * });
 * ```
 */
export class KeyRedactingLogRecordProcessor {
  readonly #clients: readonly KeyedClient[];

  /**
   * @param clients - the clients whose keys are removed
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: something that is not a client
   */
  constructor(clients: KeyedClient | readonly KeyedClient[]) {
    this.#clients = listClients(clients);
  }

  /**
   * Removes the keys from a log record, before the processors that come next see it.
   *
   * @throws {Error} if the record holds a key and cannot be changed: it must not be exported
   */
  onEmit(record: unknown, _context?: unknown): void {
    if (isObject(record)) redactRecord<AnyLogRecord>(record, this.#clients, readLogRecord, LOG_RECORD_FIELDS);
  }

  /** Resolves at once: nothing is kept. */
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves at once. Records that come later are searched all the same. */
  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function readLogRecord({ body, attributes, eventName, severityText }: AnyLogRecord): Record<string, unknown> {
  return { body, attributes, eventName, severityText };
}

const LOG_RECORD_FIELDS: Readonly<Record<string, Rebuild>> = {
  body: (clean) => clean ?? NOT_SEARCHED,
  attributes: toAttributes,
  eventName: toText,
  severityText: toText,
};
