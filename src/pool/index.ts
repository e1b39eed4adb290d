/**
 * Many tenants, one client each: `import { KeyedClientPool } from 'goldkey/pool'`
 *
 * @module
 */
export { KeyedClientPool } from '../core/client/keyed-client-pool.js';
export type { KeyedClientPoolOptions } from '../core/client/keyed-client-pool.js';
