import { once } from 'node:events';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { ringStoreContract } from '../rotation/stores/ring-contract.js';
import { failure, write } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

const found = await orSkip(startRedis);

describe.skipIf(found.skipped !== undefined)(`Redis ${found.skipped ?? ''}`, () => {
  const redis = found.server as Redis;
  const connect = () => createClient({ url: redis.url });
  let direct: ReturnType<typeof connect>;
  let rings = 0;

  beforeAll(async () => {
    direct = connect();
    direct.on('error', () => undefined);
    await direct.connect();
  });
  beforeEach(() => redis.start());
  afterAll(async () => {
    direct?.destroy();
    await redis[Symbol.asyncDispose]();
  });

  for (const own of [true, false]) {
    ringStoreContract(own ? 'redisRing' : 'redisRing on the caller’s client', async () => {
      const key = `gold-${String(++rings)}`;
      const client = own ? undefined : await connect().connect();
      return {
        open: () => (client === undefined ? redisRing({ key, url: redis.url }) : redisRing({ key, client })),
        async spoil(text) {
          await direct.set(`{${key}}:ring`, text);
        },
        stored: async () => (await direct.get(`{${key}}:ring`)) ?? undefined,
        async cleanUp() {
          client?.destroy();
        },
      };
    });
  }

  it('a server that was stopped and is back is used again, empty as it is', async () => {
    const store = redisRing({ key: `gold-${String(++rings)}`, url: redis.url });
    await store.write(sampleRing(1), { revision: 0 });

    await redis.stop();
    const error = await failure(store.read());
    await redis.start();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: 'redis' });
    expect((error as Error).message).toMatch(/\(ECONNREFUSED\)/);
    expect(await store.read()).toBeUndefined();
    await store.close?.();
  });

  it('a connection that the server cuts is replaced within the same call', async () => {
    const store = redisRing({ key: `gold-${String(++rings)}`, url: redis.url });
    const ring = sampleRing(1);
    await store.write(ring, { revision: 0 });

    await direct.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);

    expect((await store.read())?.ring).toEqual(ring);
    await store.close?.();
  });

  it('a subscription comes back by itself, counts that as a change, and tells of the next one', async () => {
    const key = `gold-${String(++rings)}`;
    const [store, other] = [redisRing({ key, url: redis.url }), redisRing({ key, url: redis.url })];
    const onChange = vi.fn<() => void>();
    const leave = await store.subscribe?.(onChange);
    expect(onChange).toHaveBeenCalledTimes(1);

    await redis.stop();
    await redis.start();
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 15_000 });
    await other.write(sampleRing(1), { revision: 0 });

    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3));
    await leave?.();
    await store.close?.();
    await other.close?.();
  });

  it('a subscription of a caller’s client comes back too, and that client stays open', async () => {
    const key = `gold-${String(++rings)}`;
    const client = connect();
    client.on('error', () => undefined);
    await client.connect();
    const store = redisRing({ key, client });
    const onChange = vi.fn<() => void>();
    await store.subscribe?.(onChange);

    await direct.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 15_000 });
    await write(store, sampleRing(1));
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3));
    await store.close?.();

    expect(client.isReady).toBe(true);
    expect(await client.ping()).toBe('PONG');
    client.destroy();
  });

  it('closing ends the subscriptions', async () => {
    const key = `gold-${String(++rings)}`;
    const [store, other] = [redisRing({ key, url: redis.url }), redisRing({ key, url: redis.url })];
    const onChange = vi.fn<() => void>();
    await store.subscribe?.(onChange);

    await store.close?.();
    await other.write(sampleRing(1), { revision: 0 });

    expect(await direct.sendCommand(['PUBSUB', 'NUMSUB', `{${key}}:changed`])).toEqual([`{${key}}:changed`, 0]);
    expect(onChange).toHaveBeenCalledTimes(1);
    await other.close?.();
  });

  it('a caller’s client that waits for its server makes no call wait longer than 2 s, and nothing is sent later', async () => {
    const key = `gold-${String(++rings)}`;
    const client = connect();
    client.on('error', () => undefined);
    await client.connect();
    const store = redisRing({ key, client });
    await redis.stop();

    const error = await failure(store.write(sampleRing(1), { revision: 0 }));
    await redis.start();
    if (!client.isReady) await once(client, 'ready');

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true });
    expect(await client.get(`{${key}}:ring`)).toBeNull();
    client.destroy();
  });

  it('a key that holds something else is told of', async () => {
    const key = `gold-${String(++rings)}`;
    await direct.hSet(`{${key}}:ring`, 'a', 'b');
    const store = redisRing({ key, url: redis.url });

    for (const error of [await failure(store.read()), await failure(store.write(sampleRing(1), { revision: 0 }))]) {
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
      expect((error as Error).message).toContain('holds nothing else');
    }
    await store.close?.();
  });

  describe('a user of its ACL', () => {
    const as = (user: string, password = 'invented-password'): string =>
      redis.url.replace('//', `//${user}:${password}@`);
    const rules = ['on', '>invented-password', '~{acl}*', '&{acl}*'];

    it('with a wrong password is told so, without the password', async () => {
      await direct.sendCommand(['ACL', 'SETUSER', 'writer', ...rules, '+@all']);

      const error = await failure(redisRing({ key: 'acl', url: as('writer', 'wrong-password') }).read());

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
      expect((error as Error).message).toContain('WRONGPASS');
    });

    it('who may not write is told so', async () => {
      await direct.sendCommand(['ACL', 'SETUSER', 'reader', ...rules, '+get', '+subscribe', '+ping', '+client']);
      const store = redisRing({ key: 'acl', url: as('reader') });

      expect(await store.read()).toBeUndefined();
      const error = await failure(store.write(sampleRing(1), { revision: 0 }));

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
      await store.close?.();
    });

    it('who may not publish writes all the same', async () => {
      await direct.sendCommand(['ACL', 'SETUSER', 'silent', ...rules.slice(0, 3), 'resetchannels', '+@all']);
      const store = redisRing({ key: 'acl', url: as('silent') });
      const ring = sampleRing(1);

      await store.write(ring, { revision: 0 });

      expect((await store.read())?.ring).toEqual(ring);
      expect(await failure(store.subscribe?.(() => undefined) as Promise<unknown>)).toMatchObject({
        code: 'ERR_GOLDKEY_ACCESS_DENIED',
      });
      await store.close?.();
    });
  });
});
