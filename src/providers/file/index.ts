/**
 * Keys in mounted files of Docker and Kubernetes: `import { fromFile } from 'goldkey/file'`.
 *
 * @module
 */
export { fromFile } from './from-file.js';
export type { FromFileOptions, KeyFileLocation, KeyFileOptions } from './from-file.js';
