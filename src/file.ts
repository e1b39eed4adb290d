/**
 * Keys in mounted files, as Docker and Kubernetes give them: `import { fromFile } from 'goldkey/file'`.
 *
 * @module
 */
export { fromFile } from './providers/file.js';
export type { FromFileOptions } from './providers/file.js';
