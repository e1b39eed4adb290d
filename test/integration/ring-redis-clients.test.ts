import { execFile } from 'node:child_process';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import * as redis6 from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RingStore } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { ringStoreContract } from '../rotation/stores/ring-contract.js';
import { failure, write } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { orSkip } from '../servers/or-skip.js';
import { installRedisClient, loadRedisClient } from '../servers/redis-clients.js';
import { startRedisCluster, type RedisCluster } from '../servers/redis-groups.js';
import { askRedis, startRedis, type Redis } from '../servers/redis.js';

const SOURCE = fileURLToPath(new URL('../../src/rotation/stores/redis/index.ts', import.meta.url));

const found = await orSkip(async () => {
  const folders = { 4: await installRedisClient('redis', 4), 5: await installRedisClient('redis', 5) };
  const io = await installRedisClient('ioredis', 5);
  return { folders, io, redis: await startRedis(), cluster: await startRedisCluster() };
});

describe.skipIf(found.skipped !== undefined)(`the clients of Redis ${found.skipped ?? ''}`, () => {
  const { folders, io, redis, cluster } = found.server as {
    folders: Record<4 | 5, string>;
    io: string;
    redis: Redis;
    cluster: RedisCluster;
  };
  const packages = {
    4: loadRedisClient(folders[4], 'redis'),
    5: loadRedisClient(folders[5], 'redis'),
    6: redis6,
  };
  let rings = 0;

  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  /** A connected client of each kind that the package has. */
  const connect: Record<string, (version: 4 | 5 | 6) => Promise<Client>> = {
    async createClient(version) {
      return quiet(packages[version].createClient({ url: redis.url }));
    },
    async createClientPool(version) {
      return quiet(packages[version].createClientPool({ url: redis.url }));
    },
    async createCluster(version) {
      return quiet(packages[version].createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) }));
    },
  };

  for (const [name, version] of [
    ['createClient', 4],
    ['createClient', 5],
    ['createClientPool', 5],
    ['createClientPool', 6],
    ['createCluster', 4],
    ['createCluster', 5],
    ['createCluster', 6],
  ] as const) {
    describe(`${name} of redis ${String(version)}`, () => {
      let client: Client;
      beforeAll(async () => {
        client = (await connect[name]?.(version)) as Client;
      });
      afterAll(() => end(client));

      ringStoreContract(`a ring on it`, async () => {
        const key = `gold-${String(++rings)}`;
        return {
          open: () => redisRing({ key, client }),
          async spoil(text) {
            await client.set(`{${key}}:ring`, text);
          },
          stored: async () => (await client.get(`{${key}}:ring`)) ?? undefined,
        };
      });

      it('stays open when the ring is closed, and a later use goes on', async () => {
        const store = redisRing({ key: `gold-${String(++rings)}`, client });
        await store.subscribe?.(() => undefined);
        await store.write(sampleRing(1), { revision: 0 });

        await store.close?.();

        expect((await store.read())?.ring.revision).toBe(1);
        await store.close?.();
      });
    });
  }

  describe('redis 4', () => {
    it('sends nothing later when it waits for its server, because it cannot take a command back', async () => {
      await using server = await startRedis();
      const client = await quiet(packages[4].createClient({ url: server.url }));
      await server.stop();
      await vi.waitFor(() => expect(client.isReady).toBe(false));

      const error = await failure(redisRing({ key: 'gold', client }).write(sampleRing(1), { revision: 0 }));
      await server.start();
      await vi.waitFor(() => expect(client.isReady).toBe(true), { timeout: 10_000 });

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
      expect((error as Error).message).toMatch(/no connection.*`client`/);
      expect(await client.get('{gold}:ring')).toBeNull();
      await end(client);
    });

    it('in `legacyMode` is refused', () => {
      const client = packages[4].createClient({ url: redis.url, legacyMode: true } as object);

      expect(() => redisRing({ key: 'gold', client })).toThrow(/`client` must not be in `legacyMode`/);
    });
  });

  it.each([4, 5, 6] as const)('a client or a cluster of redis %i that is not connected is told of', async (version) => {
    const { createClient, createCluster } = packages[version];
    const { url } = redis;
    for (const client of [createClient({ url }), createCluster({ rootNodes: [{ url }] })]) {
      const store = redisRing({ key: 'gold', client });

      const works = [store.read(), store.subscribe?.(() => undefined) as Promise<unknown>];
      for (const error of await Promise.all(works.map(failure))) {
        expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
        expect((error as Error).message).toMatch(/must be connected/);
      }
    }
  });

  it.each([['Redis'], ['Cluster']] as const)('a %s of ioredis is refused by name', (name) => {
    const classes = loadRedisClient<Record<string, new (...args: unknown[]) => { disconnect(): void }>>(io, 'ioredis');
    const args = name === 'Redis' ? [{ lazyConnect: true }] : [[redis.url], { lazyConnect: true }];
    const client = new (classes[name] as (typeof classes)[string])(...args);

    expect(() => redisRing({ key: 'gold', client })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringMatching(/ioredis.*redis \(4 to 6\)/),
      }),
    );
    client.disconnect();
  });

  describe.each([4, 5] as const)('a ring by `url` with redis %i installed', (version) => {
    let folder: string;
    beforeAll(async () => {
      folder = makeTempFolder('goldkey-redis-');
      const outfile = join(folder, 'ring.cjs');
      const options: BuildOptions = { bundle: true, platform: 'node', format: 'cjs', external: ['redis'] };
      await build({ entryPoints: [SOURCE], outfile, ...options, logLevel: 'error' });
      await symlink(join(folders[version], 'node_modules'), join(folder, 'node_modules'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('reads, writes, leases and listens, and its process ends by itself', async () => {
      const ring = JSON.stringify(sampleRing(1));
      const program = `
        const { redisRing } = require('./ring.cjs');
        const open = () => redisRing({ key: 'url-${String(version)}', url: ${JSON.stringify(redis.url)} });
        const [store, other] = [open(), open()];
        (async () => {
          let changes = 0;
          await store.subscribe(() => changes++);
          await other.write(${ring}, { revision: 0 });
          const { ring } = await store.read();
          const lease = await store.lease('one', 60000);
          console.log(ring.revision, lease.fence > 0, await other.lease('two', 60000));
          while (changes < 2) await new Promise((resolve) => setTimeout(resolve, 10));
          console.log(changes, require('redis/package.json').version[0]);
        })();`;

      const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { cwd: folder, timeout: 20_000 });

      expect(stdout).toBe(`1 true undefined\n2 ${String(version)}\n`);
    });
  });

  describe('a cluster', () => {
    const asClient = (): Promise<Client> => connect['createCluster']?.(6) as Promise<Client>;

    it('keeps ring, lease and fencing number of any key in one slot', async () => {
      const client = await asClient();
      for (const key of ['gold', 'app:{gold}', 'a{}b', 'a}b', 'ü']) {
        const store = redisRing({ key, client });
        await store.write(sampleRing(1), { revision: 0 });
        const lease = await store.lease?.('one', 60_000);
        expect((await store.read())?.ring.revision).toBe(1);
        await lease?.release();
        await store.close?.();
      }
      await end(client);
    });

    it('asked by the `url` of a node that has not the ring says so, and names `createCluster`', async () => {
      const errors: unknown[] = [];
      for (const { url } of cluster.nodes) {
        const store = redisRing({ key: 'gold-by-url', url });
        const error = await store.write(sampleRing(1), { revision: 0 }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) errors.push(error);
        await store.close?.();
      }

      expect(errors).toHaveLength(2);
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: 'redis' });
        expect((error as Error).message).toMatch(/MOVED: it is a node of a cluster.*`createCluster`/);
      }
    });

    it('needs no more than the ACL of the guide, and the slots', async () => {
      const rules =
        'on >invented-password ~{acl}:* &{acl}:changed +cluster|slots +get +subscribe +ping +set +eval +publish';
      const forRotation = '+time +hget +hset +pexpire +del +hgetall +hdel +hvals';
      for (const { port } of cluster.nodes) await askRedis(port, `ACL SETUSER gold reset ${rules} ${forRotation}`);
      for (const version of [4, 5, 6] as const) {
        const client = await quiet(
          packages[version].createCluster({
            rootNodes: cluster.nodes.map(({ url }) => ({ url })),
            defaults: { username: 'gold', password: 'invented-password' },
          }),
        );
        const store = redisRing({ key: 'acl', client });
        const onChange = vi.fn<() => void>();
        await store.subscribe?.(onChange);

        const { ring } = (await store.read()) ?? {};
        await write(store, sampleRing((ring?.revision ?? 0) + 1));
        const lease = await store.lease?.('one', 60_000);
        const use = { instance: 'host', version: 'v1', at: Date.now() };
        await store.reportUse?.(use);

        expect(await store.readUse?.()).toEqual([use]);
        await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2));
        expect(lease?.fence).toBeGreaterThan(1_700_000_000_000_000);
        await lease?.release();
        await store.close?.();
        await end(client);
      }
    });

    it('has only the database 0, which is told of', async () => {
      const { url } = cluster.nodes[0] as Redis;

      const error = await failure(redisRing({ key: 'gold', url: `${url}/1` }).read());

      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
      expect((error as Error).message).toMatch(/no database of that number.*`url`/);
    });

    it('whose slot moves to another node while it is used loses no write', async () => {
      const client = await asClient();
      const key = `moving-${String(++rings)}`;
      const [store, other] = [redisRing({ key, client }), redisRing({ key, client })];
      await store.write(sampleRing(1), { revision: 0 });
      const ended = new AbortController();
      const moving = moveSlot(cluster, `{${key}}:ring`).finally(() => ended.abort());

      let revision = 1;
      while (!ended.signal.aborted) {
        await write(other, sampleRing(++revision));
        expect((await store.read())?.ring.revision).toBe(revision);
      }

      await moving;
      expect(revision).toBeGreaterThan(2);
      await end(client);
    });

    it('tells of a change after the node that the notices came from has lost its connections', async () => {
      const client = await asClient();
      const key = `gold-${String(++rings)}`;
      const store = redisRing({ key, client });
      const onChange = vi.fn<() => void>();
      await store.subscribe?.(onChange);

      for (const { url } of cluster.nodes) {
        const direct = await quiet(packages[6].createClient({ url }));
        await direct.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
        await end(direct);
      }
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 10_000 });
      await store.write(sampleRing(1), { revision: 0 });
      await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3), { timeout: 10_000 });

      await (store as RingStore).close?.();
      await end(client);
    });
  });
});

interface Client {
  readonly isReady?: boolean;
  on(event: 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
  sendCommand(args: string[]): Promise<unknown>;
  destroy?(): void;
  disconnect(): Promise<void>;
}

/** Connects a client whose errors nobody needs to hear. */
async function quiet(client: unknown): Promise<Client> {
  const made = client as Client;
  made.on('error', () => undefined);
  await made.connect();
  return made;
}

async function end(client: Client): Promise<void> {
  await (client.destroy === undefined ? client.disconnect() : client.destroy());
}

/** Moves the slot of a key to another node, with a pause at each of the states that a client meets. */
async function moveSlot({ nodes }: RedisCluster, key: string): Promise<void> {
  const ask = async (node: Redis, line: string): Promise<string> => (await askRedis(node.port, line)).trim();
  const idOf = async (node: Redis): Promise<string> => (await ask(node, 'CLUSTER MYID')).split('\r\n')[1] ?? '';
  const answers = await Promise.all(nodes.map((node) => ask(node, `GET ${key}`)));
  const source = nodes[answers.findIndex((answer) => answer.startsWith('$'))] as Redis;
  const target = nodes.find((node) => node !== source) as Redis;
  const slot = (await ask(source, `CLUSTER KEYSLOT ${key}`)).slice(1);
  const steps: [Redis, string][] = [
    [target, `CLUSTER SETSLOT ${slot} IMPORTING ${await idOf(source)}`],
    [source, `CLUSTER SETSLOT ${slot} MIGRATING ${await idOf(target)}`],
    [source, `MIGRATE 127.0.0.1 ${String(target.port)} ${key} 0 5000`],
    [target, `CLUSTER SETSLOT ${slot} NODE ${await idOf(target)}`],
    [source, `CLUSTER SETSLOT ${slot} NODE ${await idOf(target)}`],
  ];
  for (const [node, line] of steps) {
    expect(await ask(node, line)).toBe('+OK');
    await sleep(50);
  }
}
