/**
 * Many tenants, one client each: `import { KeyedClientPool } from 'goldkey/pool'`
 *
 * @module
 */
export { KeyedClientPool } from './core/pool.js';
export type { KeyedClientPoolOptions } from './core/pool.js';
