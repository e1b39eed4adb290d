// Everything of layers 0 to 2, in one place: providers, adapters and the command line import the core from here only, so
// that the published core is one chunk (on Node 20 every further file on the import path costs a millisecond).
export * from './attempt.js';
export * from './builtin.js';
export * from './clock.js';
export * from './errors.js';
export * from './fingerprint.js';
export * from './gold-data-client.js';
export { copyKey, MIN_KEY_LENGTH } from './key-format.js';
export { CallEnding, type Ending } from './call-ending.js';
export { endingOf, KeyContext } from './key-context.js';
export * from './keyed-client.js';
export * from './loopback.js';
export * from './options.js';
export * from './outcome.js';
export * from './redact.js';
export * from './redact-kinds.js';
export * from './secret-text.js';
export * from './retry.js';
export * from './signal-hub.js';
export type * from './types.js';
