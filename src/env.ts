/**
 * What a program is told by its environment: `import { fromEnvironment, pinnedVersion } from 'goldkey/env'`.
 *
 * @module
 */
export { fromEnvironment } from './providers/environment.js';
export type { FromEnvironmentOptions } from './providers/environment.js';
export { pinnedVersion } from './providers/pinned-version.js';
