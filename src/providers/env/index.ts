/**
 * Keys and pinned versions in environment variables: `import { fromEnvironment, pinnedVersion } from 'goldkey/env'`.
 *
 * @module
 */
export { fromEnvironment } from './from-environment.js';
export type { FromEnvironmentOptions } from './from-environment.js';
export { pinnedVersion } from './pinned-version.js';
