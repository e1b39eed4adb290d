/**
 * What a program is told by its environment: `import { pinnedVersion } from 'goldkey/env'`.
 *
 * @module
 */
export { pinnedVersion } from './providers/pinned-version.js';
