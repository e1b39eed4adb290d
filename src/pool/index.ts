/**
 * Many tenants, one client each: `import { KeyedClientPool } from 'goldkey/pool'`
 *
 * @module
 */
export { KeyedClientPool } from './keyed-client-pool.js';
export type { KeyedClientPoolOptions } from './keyed-client-pool.js';
