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
    ['DENIED Redis is running in protected mode', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /protected mode/],
    ['ERR invalid password', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /refused.*password/],
    ['ERR Client sent AUTH, but no password is set', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /refused.*password/],
    ['NOPERM this user has no permissions', 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /ACL/],
    [
      "ERR The user executing the script can't run this command or subcommand script: a0, on @user_script:2.",
      'ERR_GOLDKEY_ACCESS_DENIED',
      false,
      1,
      /ACL/,
    ],
    ['MOVED 622 127.0.0.1:7001', 'ERR_GOLDKEY_PROVIDER', true, 1, /MOVED: it is a node of a cluster.*`createCluster`/],
    ['ASK 622 127.0.0.1:7001', 'ERR_GOLDKEY_PROVIDER', true, 1, /ASK: it is a node of a cluster.*`createCluster`/],
    ['CLUSTERDOWN Hash slot not served', 'ERR_GOLDKEY_PROVIDER', true, 3, /cluster does not serve.*CLUSTERDOWN/],
    ['TRYAGAIN Multiple keys request during rehashing', 'ERR_GOLDKEY_PROVIDER', true, 3, /TRYAGAIN/],
    ['ERR DB index is out of range', 'ERR_GOLDKEY_PROVIDER', false, 1, /no database of that number.*`url`/],
    ['ERR invalid DB index', 'ERR_GOLDKEY_PROVIDER', false, 1, /no database of that number/],
    ['ERR SELECT is not allowed in cluster mode', 'ERR_GOLDKEY_PROVIDER', false, 1, /a cluster has only 0/],
    ["ERR unknown command 'GET'", 'ERR_GOLDKEY_PROVIDER', false, 1, /Sentinel.*`createSentinel`.*master/],
    ['ERR unknown command `get`', 'ERR_GOLDKEY_PROVIDER', false, 1, /Sentinel.*`createSentinel`/],
    ["ERR unknown command 'SELECT'", 'ERR_GOLDKEY_PROVIDER', false, 1, /Sentinel/],
    ["ERR unknown command 'EVAL'", 'ERR_GOLDKEY_PROVIDER', true, 1, /has no EVAL/],
    ['NOSCRIPT No matching script. Please use EVAL.', 'ERR_GOLDKEY_PROVIDER', true, 3, /lost a script.*NOSCRIPT/],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'ERR_GOLDKEY_PROVIDER', true, 1, /OOM.*`maxmemory`/],
    [
      "ERR Error running script (call to f_a0): @user_script:15: @user_script: 15: -OOM command not allowed when used memory > 'maxmemory'.",
      'ERR_GOLDKEY_PROVIDER',
      true,
      1,
      /no memory left.*OOM/,
    ],
    ['MISCONF Redis is configured to save RDB snapshots', 'ERR_GOLDKEY_PROVIDER', true, 1, /takes no writes.*MISCONF/],
    ['NOREPLICAS Not enough good replicas to write.', 'ERR_GOLDKEY_PROVIDER', true, 1, /takes no writes.*NOREPLICAS/],
    ['MASTERDOWN Link with MASTER is down', 'ERR_GOLDKEY_PROVIDER', true, 3, /lost its master.*MASTERDOWN/],
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
    if (!message.includes('unknown command')) expect((error as Error).message).not.toMatch(/EVAL/);
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

describe('a time limit', () => {
  const blockFor = (ms: number): void => {
    for (const end = performance.now() + ms; performance.now() < end;);
  };

  it('does not count the time in which this process was busy, while it connects or while it waits', async () => {
    for (const work of [
      () => store.read(),
      () => store.lease?.('one', 60_000),
      () => store.subscribe?.(() => undefined),
    ]) {
      const working = work();
      blockFor(2_100);
      await working;
    }
  });

  it('of a connection that is not made is not blamed on an answer', async () => {
    await using deaf = await startDeaf();

    const works = [redisRing({ key: 'gold', url: deaf.url }).read(), failsToSubscribe(deaf.url)];
    for (const error of await Promise.all(works.map(failure))) {
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT', retryable: true });
      expect((error as Error).message).toMatch(/no connection to Redis in time.*`url`/);
    }
  });

  it('of an answer that does not come is blamed on Redis', async () => {
    redis.always('GET', 'hang');
    redis.always('SUBSCRIBE', 'hang');

    for (const error of await Promise.all([store.read(), failsToSubscribe(redis.url)].map(failure))) {
      expect(error).toMatchObject({ message: expect.stringContaining('did not answer in time') });
    }
  });

  const failsToSubscribe = (url: string): Promise<unknown> =>
    redisRing({ key: 'gold', url }).subscribe?.(() => undefined) as Promise<unknown>;
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
    expect((await own.lease?.('one', 1_000))?.fence).toBeGreaterThan(0);
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
