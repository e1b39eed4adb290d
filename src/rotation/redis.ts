/**
 * A key ring in Redis, on `redis`: `import { redisRing } from 'goldkey/rotation/redis'`.
 *
 * @module
 */
export { redisRing } from './redis-ring.js';
export type { RedisRingOptions } from './redis-options.js';
