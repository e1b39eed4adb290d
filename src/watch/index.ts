/**
 * Tells unusual use of a key, and stops a client on it: `import { watch } from 'goldkey/watch'`.
 *
 * @module
 */
export { KeyHeldError } from './held-error.js';
export type { Alert, WatchOptions } from './types.js';
export { watch, type Watch } from './watch.js';
