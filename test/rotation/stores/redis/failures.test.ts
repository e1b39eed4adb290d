import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { redisRing } from '../../../../src/rotation/stores/redis/index.js';
import type { RingStore } from '../../../../src/rotation/ring/types.js';
import { expectNoCiphertext, failure } from '../ring-places.js';
import { sampleRing } from '../sample-ring.js';
import { startScriptedRedis, type Reply, type ScriptedRedis } from './scripted-redis.js';

let redis: ScriptedRedis;
let store: RingStore;

beforeEach(async () => {
  redis = await startScriptedRedis();
  store = redisRing({ key: 'gold', url: redis.url });
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close?.();
  await redis[Symbol.asyncDispose]();
});

const count = (command: string): number => redis.commands.filter((name) => name === command).length;

describe('what Redis answers', () => {
  it.each([
    ['NOAUTH Authentication required.', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /NOAUTH.*password/],
    ['NOPERM this user has no permissions', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /ACL/],
    ['LOADING Redis is loading the dataset in memory', 'ERR_GOLDKEY_PROVIDER', true, 3, /LOADING.*starting/],
    ["READONLY You can't write against a read only replica.", 'ERR_GOLDKEY_PROVIDER', true, 3, /failing over/],
    ['BUSY Redis is busy running a script', 'ERR_GOLDKEY_PROVIDER', true, 3, /busy/],
    ['WRONGTYPE Operation against a key', 'ERR_GOLDKEY_PROVIDER', true, 1, /WRONGTYPE.*holds nothing else/],
    ['ERR unknown command', 'ERR_GOLDKEY_PROVIDER', true, 1, /ERR.*`cause`/],
    ['no word that is a code', 'ERR_GOLDKEY_PROVIDER', true, 1, /failed with \w+Error/],
  ])('%s is %s (retryable: %s, tries: %i)', async (message, code, retryable, tries, says) => {
    redis.always('GET', new Error(message));

    const error = await failure(store.read());

    expect(error).toMatchObject({ code, retryable, provider: 'redis', cause: { message } });
    expect((error as Error).message).toMatch(says);
    expect(count('GET')).toBe(tries);
  });

  it('a wrong password is told as such', async () => {
    redis.always('AUTH', new Error('WRONGPASS invalid username-password pair or user is disabled.'));
    const locked = redisRing({ key: 'gold', url: redis.url.replace('//', '//user:invented-password@') });

    expect(await failure(locked.read())).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect(count('AUTH')).toBe(1);
  });

  it('an answer to a write that is no list is told of', async () => {
    redis.next('EVAL', 'something');

    expect(await failure(store.write(sampleRing(1), { revision: 0 }))).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('a ring that no reader would take is not sent', async () => {
    const error = await failure(store.write(sampleRing(1, { current: 'v9' }), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: expect.stringContaining('`current`') });
    expectNoCiphertext(error);
    expect(redis.commands).toEqual([]);
  });
});

describe('a connection', () => {
  it.each<[string, Reply]>([
    ['is cut', 'cut'],
    ['leads to a replica', new Error("READONLY You can't write against a read only replica.")],
  ])('that %s in the middle of a write is made anew, and the write is done once', async (_, reply) => {
    const ring = sampleRing(1);
    redis.next('EVAL', reply);

    await store.write(ring, { revision: 0 });

    expect((await store.read())?.ring).toEqual(ring);
    expect(count('EVAL')).toBe(2);
    await vi.waitFor(() => expect(redis.connections()).toBe(1));
  });

  it('that was lost between two calls is made anew by the second', async () => {
    await store.read();
    redis.cut();

    expect(await store.read()).toBeUndefined();
    expect(await store.read()).toBeUndefined();
    expect(redis.connections()).toBe(1);
  });

  it('is one, however many calls begin at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => store.read()));

    expect(redis.connections()).toBe(1);
  });

  it('that is closed while a call waits ends that call, and is not made again by it', async () => {
    redis.always('GET', 'hang');
    const reading = failure(store.read());
    await vi.waitFor(() => expect(count('GET')).toBe(1));

    await store.close?.();

    expect(await reading).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    await vi.waitFor(() => expect(redis.connections()).toBe(0));
    expect(count('GET')).toBe(1);
  });

  it('that is closed while it is made is let go of', async () => {
    const reading = failure(store.read());

    await store.close?.();

    expect(await reading).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    await vi.waitFor(() => expect(redis.connections()).toBe(0));
  });
});

describe('an answer that does not come', () => {
  it('is waited for no longer than 2 s, and the next call has another connection', async () => {
    redis.next('GET', 'hang');
    const begun = performance.now();

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true, provider: 'redis' });
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(await store.read()).toBeUndefined();
    await vi.waitFor(() => expect(redis.connections()).toBe(1));
  });

  it('is not waited for after the signal has aborted', async () => {
    redis.always('GET', 'hang');
    const controller = new AbortController();
    const reading = failure(store.read({ signal: controller.signal }));
    await vi.waitFor(() => expect(count('GET')).toBe(1));
    const reason = new Error('enough');

    controller.abort(reason);

    expect(await reading).toBe(reason);
  });

  it('is not waited for while the connection greets the server either', async () => {
    await using deaf = await startDeaf();

    const error = await failure(redisRing({ key: 'gold', url: deaf.url }).read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    await vi.waitFor(() => expect(deaf.connections()).toBe(0), { timeout: 5_000 });
  });

  it('to a write that was done is no conflict', async () => {
    const ring = sampleRing(1);
    await store.write(ring, { revision: 0 });

    await store.write(ring, { revision: 0 });

    expect(await failure(store.write(sampleRing(1), { revision: 0 }))).toMatchObject({
      code: 'ERR_GOLDKEY_RING_CONFLICT',
    });
  });
});

describe('TLS', () => {
  it('that the server does not speak is told of', async () => {
    await using talker = await startTalker('-ERR this is no TLS\r\n');

    const error = await failure(redisRing({ key: 'gold', url: talker.url }).read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/TLS connection to Redis failed \(\w+\)/);
  });
});

describe('a subscription', () => {
  it('is refused when its first connection is', async () => {
    redis.always('SUBSCRIBE', new Error('NOPERM No permissions to access a channel'));

    const refused = await failure(store.subscribe?.(() => undefined) as Promise<unknown>);

    expect(refused).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    await vi.waitFor(() => expect(redis.connections()).toBe(0));
  });

  it('that is not confirmed in 2 s is given up', async () => {
    redis.always('SUBSCRIBE', 'hang');

    const late = await failure(store.subscribe?.(() => undefined) as Promise<unknown>);

    expect(late).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    await vi.waitFor(() => expect(redis.connections()).toBe(0), { timeout: 5_000 });
  });

  it('that is lost comes back, after failures too, and counts as a change each time', async () => {
    const onChange = vi.fn<() => void>();
    await store.subscribe?.(onChange);
    expect(onChange).toHaveBeenCalledTimes(1);

    redis.next('SUBSCRIBE', 'cut');
    redis.next('SUBSCRIBE', new Error('LOADING Redis is loading the dataset in memory'));
    redis.cut();

    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 10_000 });
    expect(count('SUBSCRIBE')).toBe(4);
  });

  it('that is ended while it comes back stays away', async () => {
    const onChange = vi.fn<() => void>();
    const leave = await store.subscribe?.(onChange);
    redis.cut();

    await leave?.();
    await store.subscribe?.(onChange);

    expect(onChange).toHaveBeenCalledTimes(2);
    expect(redis.connections()).toBe(1);
  });

  it('notices a server that has gone without a word', async () => {
    const onChange = vi.fn<() => void>();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await store.subscribe?.(onChange);
    redis.next('PING', 'hang');

    await vi.advanceTimersByTimeAsync(15_000);
    await vi.waitFor(() => expect(count('PING')).toBe(1));
    await vi.advanceTimersByTimeAsync(15_000);
    await vi.advanceTimersByTimeAsync(100);
    vi.useRealTimers();

    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 10_000 });
  });

  it('asks a silent server once in 15 s, and is content with its answer', async () => {
    const onChange = vi.fn<() => void>();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await store.subscribe?.(onChange);

    for (let beats = 1; beats <= 3; beats++) {
      await vi.advanceTimersByTimeAsync(15_000);
      await vi.waitFor(() => expect(count('PING')).toBe(beats));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }

    expect(onChange).toHaveBeenCalledTimes(1);
  });
});

describe('a caller’s client', () => {
  it('that is not connected is told of', async () => {
    const client = createClient({ url: redis.url, RESP: 2 });

    const error = await failure(redisRing({ key: 'gold', client }).read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toContain('must be connected');
  });

  it('may map texts to buffers, and is left open', async () => {
    const client = await createClient({
      url: redis.url,
      RESP: 2,
      commandOptions: { typeMapping: { 36: Buffer } },
    }).connect();
    const own = redisRing({ key: 'gold', client });
    const ring = sampleRing(1);
    await own.write(ring, { revision: 0 });

    expect((await own.read())?.ring).toEqual(ring);
    expect((await own.lease?.('one', 1_000))?.fence).toBe(1);
    await own.close?.();
    expect(client.isReady).toBe(true);
    client.destroy();
  });
});

/** A server that takes connections and says only what it is given. */
async function startTalker(says: string): Promise<AsyncDisposable & { url: string; connections: () => number }> {
  let open = 0;
  const server = createServer((socket) => {
    open++;
    socket.on('error', () => undefined).on('close', () => open--);
    socket.on('data', () => says !== '' && socket.write(says));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${says === '' ? 'redis' : 'rediss'}://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    connections: () => open,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

const startDeaf = (): ReturnType<typeof startTalker> => startTalker('');
