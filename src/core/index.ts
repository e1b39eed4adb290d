// The core as the folders above it see it. They import it from here only, so that it is published as one file: on Node.js 20
// every further file on the import path costs a millisecond.
export * from './util/safe-access.js';
export * from './util/node-builtins.js';
export * from './util/backoff.js';
export * from './util/clock.js';
export { REPORT_USE, USE_INTERVAL_MS, type KeyUse } from './cache/report-use.js';
export * from './util/quote.js';
export * from './util/race-abort.js';
export * from './util/resubscriber.js';
export * from './util/retry-after.js';
export * from './util/socket-codes.js';
export * from './errors.js';
export * from './rotation-errors.js';
export * from './cache/fingerprint.js';
export * from './client/gold-data-client.js';
export type { StageBackoff } from './cache/stage-state.js';
export {
  checkAnswer,
  checkStoreRequest,
  copyKey,
  encodeKey,
  MIN_KEY_LENGTH,
  zeroAnswer,
} from './cache/validate-key.js';
export { Cancellation, type CancellationSignal } from './call/cancellation.js';
export { getCancellation, getKeyMatcher, KeyContext } from './call/key-context.js';
export * from './call/time-limit.js';
export * from './client/keyed-client.js';
export * from './util/url-safety.js';
export * from './util/store-request.js';
export * from './util/wait-at-most.js';
export * from './options.js';
export * from './recovery/outcome.js';
export { judgingOnlyResponses } from './state/result-checks.js';
export * from './redaction/redact.js';
export * from './redaction/object-kind.js';
export * from './redaction/secret-matcher.js';
export * from './recovery/retry.js';
export { callListener, hasSubscribers, publishOn } from './events.js';
export * from './util/bytes.js';
export { addAbortListener, removeAbortListener } from './util/abort-listeners.js';
export type * from './key-events.js';
export type * from './types.js';
