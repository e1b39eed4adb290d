// Everything of layers 0 to 2, in one place: providers, adapters and the command line import the core from here only, so
// that the published core is one chunk (on Node 20 every further file on the import path costs a millisecond).
export * from './util/safe-access.js';
export * from './util/node-builtins.js';
export * from './util/backoff.js';
export * from './util/clock.js';
export * from './util/race-abort.js';
export * from './util/resubscriber.js';
export * from './util/retry-after.js';
export * from './util/socket-codes.js';
export * from './errors.js';
export * from './rotation-errors.js';
export * from './cache/fingerprint.js';
export * from './client/gold-data-client.js';
export { copyKey, keyBytes, MIN_KEY_LENGTH } from './cache/validate-key.js';
export { Cancellation, type CancellationSignal } from './call/cancellation.js';
export { getCancellation, KeyContext } from './call/key-context.js';
export * from './client/keyed-client.js';
export * from './util/url-safety.js';
export * from './options.js';
export * from './recovery/outcome.js';
export * from './redaction/redact.js';
export * from './redaction/object-kind.js';
export * from './redaction/secret-matcher.js';
export * from './recovery/retry.js';
export * from './call/abort-listeners.js';
export type * from './types.js';
