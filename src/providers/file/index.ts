/**
 * Keys in mounted files, as Docker and Kubernetes give them: `import { fromFile } from 'goldkey/file'`.
 *
 * @module
 */
export { fromFile } from './from-file.js';
export type { FromFileOptions } from './from-file.js';
