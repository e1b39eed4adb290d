import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as redis6 from 'redis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyedClient } from '../../src/index.js';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { fromKeyRing, KeyRotationManager, type RingStore } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { failure } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { orSkip } from '../servers/or-skip.js';
import { installRedisClient, loadRedisClient } from '../servers/redis-clients.js';
import { startRedisSentinel, type RedisSentinel } from '../servers/redis-groups.js';
import { askRedis } from '../servers/redis.js';

const found = await orSkip(async () => {
  const redis5 = await installRedisClient('redis', 5);
  return { packages: { 5: loadRedisClient(redis5, 'redis'), 6: redis6 }, servers: await startRedisSentinel() };
});

describe.skipIf(found.skipped !== undefined)(`Redis under a Sentinel ${found.skipped ?? ''}`, () => {
  const { packages, servers } = found.server as { packages: Record<5 | 6, typeof redis6>; servers: RedisSentinel };
  const clients: Client[] = [];
  const stores: RingStore[] = [];
  const connect = async (version: 5 | 6): Promise<Client> => {
    const client = packages[version].createSentinel({
      name: 'gold',
      sentinelRootNodes: [{ host: '127.0.0.1', port: servers.port }],
    }) as unknown as Client;
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const open = (key: string, client: Client): RingStore => {
    const store = redisRing({ key, client });
    stores.push(store);
    return store;
  };

  beforeAll(async () => {
    for (const version of [5, 6] as const) await connect(version);
  });
  afterAll(async () => {
    for (const store of stores) await store.close?.();
    for (const client of clients) await client.destroy();
    await servers[Symbol.asyncDispose]();
  });

  it('asked by `url` itself says that it is a Sentinel or the like, and names `createSentinel`', async () => {
    for (const url of [`redis://127.0.0.1:${String(servers.port)}`, `redis://127.0.0.1:${String(servers.port)}/1`]) {
      const error = await failure(redisRing({ key: 'gold', url }).read());

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false, provider: 'redis' });
      expect((error as Error).message).toMatch(/Sentinel.*`createSentinel`.*master/);
    }
  });

  it('a replica by `url` reads, and says that it takes no writes', async () => {
    const store = redisRing({ key: 'replica', url: servers.replica.url });

    expect(await store.read()).toBeUndefined();
    const error = await failure(store.write(sampleRing(1), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/READONLY: it is a replica.*`createSentinel`/);
    await store.close?.();
  });

  it('a killed master is followed: no call is lost, readers see no older ring, writes go on, notices come back', async () => {
    const [five, six] = clients.map((client) => open('gold', client)) as [RingStore, RingStore];
    const callers = await makeCallers([five, six]);
    let calls = 0;
    const call = (caller: KeyedClient): Promise<number> => caller.withKey(async () => ++calls);
    for (const caller of callers) await call(caller);
    const [writer, reader] = clients.map((client) => open('raw', client)) as [RingStore, RingStore];
    await writer.write(sampleRing(1), { revision: 0 });
    const notices = [vi.fn<() => void>(), vi.fn<() => void>()] as const;
    await writer.subscribe?.(notices[0]);
    await reader.subscribe?.(notices[1]);
    const lease = await writer.lease?.('one', 100);
    await vi.waitFor(async () => expect(await askRedis(servers.replica.port, 'GET {raw}:fence')).toMatch(/^\$16/));
    const seen: (number | undefined)[] = [];
    const errors: unknown[] = [];
    const failed: unknown[] = [];
    const ending = new AbortController();
    const loop = async (work: () => Promise<unknown>, failures: unknown[]): Promise<void> => {
      while (!ending.signal.aborted) {
        await work().catch((error: unknown) => failures.push(error));
        await sleep(20);
      }
    };
    const loops = [
      loop(async () => seen.push((await reader.read())?.ring.revision), errors),
      ...callers.map((caller) => loop(() => call(caller), failed)),
    ];
    for (const onChange of notices) onChange.mockClear();
    await vi.waitFor(() => expect(seen).toContain(1));

    await servers.master.stop('SIGKILL');
    const second = sampleRing(2);
    await vi.waitUntil(
      () =>
        writer.write(second, { revision: 1 }).then(
          () => true,
          (error: unknown) => errors.push(error) < 0,
        ),
      { timeout: 20_000, interval: 50 },
    );
    await vi.waitFor(() => notices.forEach((onChange) => expect(onChange).toHaveBeenCalled()), { timeout: 20_000 });
    const next = await reader.lease?.('two', 60_000);
    const callsBefore = calls;
    await vi.waitFor(() => expect(calls).toBeGreaterThan(callsBefore + 100), { timeout: 20_000 });
    ending.abort();
    await Promise.all(loops);
    for (const caller of callers) await caller.close();

    expect(failed).toEqual([]);
    expect(new Set(seen)).toEqual(new Set([1, 2]));
    expect(seen.toSorted()).toEqual(seen);
    expect((await reader.read())?.ring).toEqual(second);
    for (const error of errors) expect(error).toMatchObject({ retryable: true, provider: 'redis' });
    expect(next?.fence).toBeGreaterThan(lease?.fence ?? Infinity);
  });
});

/** Clients with a key from a ring in each store, who ask the store again every second. */
async function makeCallers(rings: readonly RingStore[]): Promise<KeyedClient[]> {
  const folder = makeTempFolder('goldkey-redis-');
  onTestFinished(() => rm(folder, { recursive: true }));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'gold' } });
  await new KeyRotationManager({ ring: rings[0] as RingStore, name: 'gold', cipher }).init('sk-invented-0123456789');
  return rings.map(
    (ring) =>
      new KeyedClient({ keyProvider: fromKeyRing({ ring, name: 'gold', cipher }), ttl: 1_000, staleIfError: 60_000 }),
  );
}

interface Client {
  on(event: 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): Promise<void>;
}
