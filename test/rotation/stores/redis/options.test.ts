import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { redisRing, type RedisRingOptions } from '../../../../src/rotation/stores/redis/index.js';
import { checkRedisOptions } from '../../../../src/rotation/stores/redis/options.js';
import { failure } from '../ring-places.js';

const PASSWORD = 'invented-password';
const shape = (...names: string[]): object => Object.fromEntries(names.map((name) => [name, async () => undefined]));
const names = (key: string): readonly string[] => Object.values(checkRedisOptions({ key }).names);

describe('the options of redisRing', () => {
  it.each([
    ['no options', undefined, TypeError, /options object/],
    ['an unknown name', { kye: 'gold' }, TypeError, /`kye`.*`key`/],
    ['no key', { url: 'redis://localhost' }, TypeError, /`key` must be a non-empty string, got undefined/],
    ['an empty key', { key: '' }, TypeError, /`key`/],
    ['a key that can have no hash tag', { key: '}gold' }, RangeError, /hash tag/],
    ['an url that is no string', { key: 'gold', url: new URL('redis://localhost') }, TypeError, /`url`/],
    ['something that is no boolean', { key: 'gold', dangerouslyAllowPlaintext: 1 }, TypeError, /boolean/],
    ['a client that is none', { key: 'gold', client: {} }, TypeError, /`client` must be.*createClient/],
    ['null as a client', { key: 'gold', client: null }, TypeError, /`client`/],
    [
      'the promise of a client',
      { key: 'gold', client: Promise.resolve() },
      TypeError,
      /`client` is a promise.*`await`/,
    ],
    ['a client without eval', { key: 'gold', client: shape('get', 'connect', 'duplicate') }, TypeError, /redis 4 to 6/],
    ['one that cannot subscribe', { key: 'gold', client: shape('get', 'eval', 'connect') }, TypeError, /redis 4 to 6/],
    [
      'a client of ioredis',
      { key: 'gold', client: shape('get', 'eval', 'connect', 'duplicate', 'defineCommand') },
      TypeError,
      /ioredis.*redis \(4 to 6\).*`url`/,
    ],
    [
      'a client that returns no promises',
      { key: 'gold', client: { ...shape('get', 'eval', 'connect', 'duplicate'), options: { legacyMode: true } } },
      TypeError,
      /`legacyMode`/,
    ],
    ['a client and an url', { key: 'gold', client: {}, url: 'redis://localhost' }, TypeError, /either it or `url`/],
  ])('refuses %s', (_, options, type, says) => {
    const act = (): unknown => redisRing(options as RedisRingOptions);

    expect(act).toThrow(type);
    expect(act).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) }),
    );
  });

  it.each([
    ['plaintext to another host', `redis://user:${PASSWORD}@redis.example.com`, /`rediss:`.*dangerouslyAllowPlaintext/],
    ['a host that only looks like loopback', `redis://:${PASSWORD}@127.0.0.1.example.com`, /`rediss:`/],
    ['another protocol', `https://user:${PASSWORD}@localhost`, /rediss:\/\//],
    ['no address', `${PASSWORD}@localhost`, /rediss:\/\//],
    ['no host', 'redis:///0', /rediss:\/\//],
    ['a path', `rediss://user:${PASSWORD}@example.com/gold`, /database/],
    ['a query', `rediss://user:${PASSWORD}@example.com/0?tls=false`, /query/],
    ['a password with a bare %', `rediss://user:${PASSWORD}%@example.com`, /`%25`/],
    ['a password with a bare / and @', `rediss://user:a/${PASSWORD}@example.com`, /`url`/],
  ])('refuses an url with %s, and does not show it', (_, url, says) => {
    const error = failed(() => redisRing({ key: 'gold', url }));

    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
  });

  it.each([
    'redis://localhost',
    'redis://127.0.0.1:6380/3',
    'redis://[::1]',
    'rediss://user:p%40ss@redis.example.com:6380/0',
  ])('takes %s', (url) => {
    expect(redisRing({ key: 'gold', url }).name).toBe('redis');
  });

  it.each([
    ['of one connection', ['duplicate']],
    ['of one connection, with signals', ['duplicate', 'withAbortSignal', 'withCommandOptions']],
    ['of a pool', ['execute', 'withAbortSignal']],
    ['of a cluster', ['nodeClient', 'getRandomNode', 'duplicate']],
    ['of a Sentinel', ['_execute', 'withCommandOptions']],
  ])('takes a client %s by its commands, whatever its class', (_, more) => {
    expect(redisRing({ key: 'gold', client: shape('get', 'eval', 'connect', ...more) }).name).toBe('redis');
  });

  it('takes plaintext to another host from whoever asks for it by that name', () => {
    expect(redisRing({ key: 'gold', url: 'redis://cache', dangerouslyAllowPlaintext: true }).name).toBe('redis');
  });

  it('shows no password, and no error of its connection does', async () => {
    const store = redisRing({ key: 'gold', url: `redis://user:${PASSWORD}@127.0.0.1:1` });

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: 'redis' });
    for (const value of [store, error]) {
      expect(inspect(value, { depth: 20, showHidden: true, getters: true })).not.toContain(PASSWORD);
      expect(JSON.stringify(value)).not.toContain(PASSWORD);
    }
  });
});

describe('the names in Redis', () => {
  it('have one hash tag, so that a cluster keeps them in one slot', () => {
    expect(names('gold')).toEqual(['{gold}:ring', '{gold}:lease', '{gold}:fence', '{gold}:use', '{gold}:changed']);
  });

  it.each([
    ['app:{gold}', 'app:{gold}:ring'],
    ['{gold}:a', '{gold}:a:ring'],
    ['a{}b', '{a{}b}:ring'],
    ['a}b', '{a}b}:ring'],
    ['a{b', '{a{b}:ring'],
  ])('for the key %s begin as in %s', (key, ring) => {
    expect(names(key)[0]).toBe(ring);
    expect(new Set(names(key).map(tagOf)).size).toBe(1);
    expect(tagOf(ring)).not.toBe(ring);
  });
});

/** What a cluster hashes of a key, as its specification says. */
function tagOf(key: string): string {
  const open = key.indexOf('{');
  const close = open === -1 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}

function failed(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('It should have failed.');
}
