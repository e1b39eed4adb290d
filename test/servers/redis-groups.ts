import { spawn, type ChildProcess } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { freePort, ready, stopped } from './process.js';
import { askRedis, startRedis, type Redis } from './redis.js';

/** Three masters that share the slots. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly Redis[];
}

/** A master, its replica and a Sentinel that makes the replica the master when the master is gone for half a second. */
export interface RedisSentinel extends AsyncDisposable {
  readonly master: Redis;
  readonly replica: Redis;
  readonly port: number;
}

const SLOTS = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
] as const;

/**
 * Starts three redis-servers on free ports of loopback as a cluster.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startRedisCluster(): Promise<RedisCluster> {
  const folder = makeTempFolder('goldkey-redis-');
  const nodes: Redis[] = [];
  const buses: number[] = [];
  const end = async (): Promise<void> => {
    for (const node of nodes) await node[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  try {
    for (const [first, last] of SLOTS) {
      const bus = await freePort();
      const config = `nodes-${String(bus)}.conf`;
      const flags = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-config-file', config];
      const node = await startRedis([...flags, '--dir', folder]);
      nodes.push(node);
      buses.push(bus);
      await askRedis(node.port, `CLUSTER ADDSLOTSRANGE ${String(first)} ${String(last)}`);
      await askRedis(node.port, `CLUSTER SET-CONFIG-EPOCH ${String(nodes.length)}`);
    }
    const [{ port } = { port: 0 }, ...others] = nodes;
    for (const [index, other] of others.entries()) {
      await askRedis(port, `CLUSTER MEET 127.0.0.1 ${String(other.port)} ${String(buses[index + 1])}`);
    }
    await until('the cluster', async () => {
      const states = await Promise.all(nodes.map((node) => askRedis(node.port, 'CLUSTER INFO')));
      return states.every((state) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(state));
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { nodes, [Symbol.asyncDispose]: end };
}

/**
 * Starts a master, a replica and a Sentinel on free ports of loopback.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  const folder = makeTempFolder('goldkey-redis-');
  let sentinel: ChildProcess | undefined;
  const servers: Redis[] = [];
  const end = async (): Promise<void> => {
    if (sentinel !== undefined) await stopped(sentinel);
    for (const server of servers) await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  try {
    // A replica keeps what it is sent in a file.
    const keepIn = (name: string): string[] => ['--dir', folder, '--dbfilename', name];
    const master = await startRedis(keepIn('master.rdb'));
    servers.push(master);
    const replica = await startRedis([...keepIn('replica.rdb'), '--replicaof', '127.0.0.1', String(master.port)]);
    servers.push(replica);
    await until('the replica', async () =>
      (await askRedis(replica.port, 'INFO replication')).includes('master_link_status:up'),
    );
    const port = await freePort();
    const file = join(folder, 'sentinel.conf');
    const rules = [
      `port ${String(port)}`,
      'bind 127.0.0.1',
      `sentinel monitor gold 127.0.0.1 ${String(master.port)} 1`,
      'sentinel down-after-milliseconds gold 500',
      'sentinel failover-timeout gold 5000',
    ];
    await writeFile(file, rules.join('\n'));
    const started = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    sentinel = started;
    await ready('redis-sentinel', started, async () =>
      (await askRedis(port, 'SENTINEL MASTERS').catch(() => '')).includes(`num-slaves\r\n$1\r\n1`),
    );
    return { master, replica, port, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits until `isSo` holds, 30 s at most. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return;
    await sleep(100);
  }
  throw new Error(`${what} of Redis was not ready within 30 s.`);
}
