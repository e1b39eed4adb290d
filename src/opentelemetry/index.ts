/**
 * Telemetry that shows how a key does, and never the key:
 * `import { instrument, KeyRedactingSpanProcessor } from 'goldkey/opentelemetry'`
 *
 * @module
 */
export { instrument } from './instrument.js';
export type { OpenTelemetryOptions } from './instrument.js';
export { KeyRedactingLogRecordProcessor } from './log-record-processor.js';
export { KeyRedactingSpanProcessor } from './span-processor.js';
