import { afterAll } from 'vitest';
import { redisRing } from '../../../../src/rotation/stores/redis/index.js';
import { ringStoreContract } from '../ring-contract.js';
import { startScriptedRedis } from './scripted-redis.js';

const redis = await startScriptedRedis();
afterAll(() => redis[Symbol.asyncDispose]());

let rings = 0;

ringStoreContract('redisRing on a server in this process', async () => {
  const key = `gold-${String(++rings)}`;
  return {
    open: () => redisRing({ key, url: redis.url }),
    async spoil(text) {
      redis.texts.set(`{${key}}:ring`, text);
    },
    stored: async () => redis.texts.get(`{${key}}:ring`),
  };
});
