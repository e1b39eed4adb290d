/**
 * A key ring in Redis, on `redis`: `import { redisRing } from 'goldkey/rotation/redis'`.
 *
 * @module
 */
export { redisRing } from './ring.js';
export type { RedisRingOptions } from './options.js';
