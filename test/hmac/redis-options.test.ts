import { expect, it } from 'vitest';
import { redisReplayStore } from '../../src/hmac/redis/index.js';

it.each<[string, object]>([
  ['no key', {}],
  ['an empty key', { key: '' }],
  ['an unknown option', { key: 'a', ttl: 1 }],
  ['plain text to another host', { key: 'a', url: 'redis://redis.example' }],
  ['a client that is none', { key: 'a', client: {} }],
  ['client and url', { key: 'a', url: 'redis://localhost', client: {} }],
])('a store in Redis is not made with %s', (_what, options) => {
  expect(() => redisReplayStore(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
});
