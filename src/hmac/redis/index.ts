/**
 * The memory of a fleet's verifiers in Redis, on `redis`: `import { redisReplayStore } from 'goldkey/hmac/redis'`.
 *
 * @module
 */
export { redisReplayStore, type RedisReplayOptions } from './replay-store.js';
