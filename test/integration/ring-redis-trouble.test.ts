import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RingStore } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { failure, write } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

/** The rules of the guide, for the key `gold`. */
const RULES = ['~{gold}:*', '&{gold}:changed'];
const READER = ['get', 'subscribe', 'ping'];
const WRITER = [...READER, 'set', 'eval', 'publish'];
const ROTATOR = [...WRITER, 'time', 'hget', 'hset', 'pexpire', 'del'];

const found = await orSkip(startRedis);

describe.skipIf(found.skipped !== undefined)(`a Redis in trouble ${found.skipped ?? ''}`, () => {
  const redis = found.server as Redis;
  const connect = () => createClient({ url: redis.url }).on('error', () => undefined);
  let direct: ReturnType<typeof connect>;
  let store: RingStore;

  beforeAll(async () => {
    direct = await connect().connect();
  });
  beforeEach(async () => {
    await direct.flushAll();
    store = redisRing({ key: 'gold', url: redis.url });
    onTestFinished(async () => store.close?.());
  });
  afterAll(async () => {
    direct?.destroy();
    await redis[Symbol.asyncDispose]();
  });

  const send = (...command: string[]): Promise<unknown> => direct.sendCommand(command);
  /** Changes the configuration until the end of the test. */
  const configure = async (name: string, value: string, after: string): Promise<void> => {
    onTestFinished(() => send('CONFIG', 'SET', name, after) as Promise<void>);
    await send('CONFIG', 'SET', name, value);
  };
  const writing = (): Promise<unknown> => failure(store.write(sampleRing(1), { revision: 0 }));

  it('that is full says so of a write, and is read from all the same', async () => {
    await store.write(sampleRing(1), { revision: 0 });
    await configure('maxmemory', '1', '0');

    const error = await failure(write(store, sampleRing(2)));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true, provider: 'redis' });
    expect((error as Error).message).toMatch(/no memory left.*OOM.*`maxmemory`/);
    expect((await store.read())?.ring.revision).toBe(1);
  });

  it('that has no such database says so', async () => {
    const error = await failure(redisRing({ key: 'gold', url: `${redis.url}/4711` }).read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false, provider: 'redis' });
    expect((error as Error).message).toMatch(/no database of that number.*`url`/);
  });

  it('that lacks replicas for a write says so', async () => {
    await configure('min-replicas-to-write', '1', '0');

    const error = await writing();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/takes no writes \(NOREPLICAS\)/);
  });

  it('that cannot write to its disk says so', async () => {
    const folder = makeTempFolder('goldkey-redis-');
    onTestFinished(() => rm(folder, { recursive: true }));
    await using broken = await startRedis(['--dir', folder, '--dbfilename', 'taken.rdb']);
    await mkdir(join(folder, 'taken.rdb'));
    const other = await createClient({ url: broken.url }).connect();
    await other.sendCommand(['CONFIG', 'SET', 'save', '3600 1000']);
    await other.sendCommand(['BGSAVE']);
    await vi.waitFor(async () =>
      expect(await other.sendCommand(['INFO', 'persistence'])).toContain('rdb_last_bgsave_status:err'),
    );
    const ring = redisRing({ key: 'gold', url: broken.url });

    const error = await failure(ring.write(sampleRing(1), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/takes no writes \(MISCONF\)/);
    await ring.close?.();
    other.destroy();
    // It would not end otherwise without a place for its data.
    await broken.stop('SIGKILL');
  });

  it('that is a replica without its master says so', async () => {
    await configure('replica-serve-stale-data', 'no', 'yes');
    await send('REPLICAOF', '127.0.0.1', '1');
    onTestFinished(() => send('REPLICAOF', 'NO', 'ONE') as Promise<void>);

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/lost its master \(MASTERDOWN\)/);
  });

  it('that runs a long script says so', async () => {
    await configure('busy-reply-threshold', '50', '5000');
    const other = await connect().connect();
    const running = other.eval('while true do end').catch(() => undefined);
    await vi.waitFor(() => expect(direct.get('a')).rejects.toThrow(/^BUSY/));

    const error = await failure(store.read());
    await send('SCRIPT', 'KILL');
    await running;
    other.destroy();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/busy \(BUSY\)/);
  });

  it('that has no connection free is told as one without a connection', async () => {
    await configure('maxclients', '1', '10000');

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/no connection to Redis.*refused/);
  });

  it('that asks for a password says so, and to whom the wrong one is given', async () => {
    await configure('requirepass', 'invented-password', '');

    const none = await failure(store.read());
    const wrong = await failure(redisRing({ key: 'gold', url: redis.url.replace('//', '//:wrong-password@') }).read());

    expect(none).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect((none as Error).message).toMatch(/NOAUTH.*`url`/);
    expect(wrong).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect((wrong as Error).message).toMatch(/password \(WRONGPASS\).*`url`/);
  });

  it('that has no EVAL says so of a write', async () => {
    await using bare = await startRedis(['--rename-command', 'EVAL', '']);
    const ring = redisRing({ key: 'gold', url: bare.url });

    expect(await ring.read()).toBeUndefined();
    const error = await failure(ring.write(sampleRing(1), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/has no EVAL/);
    expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain('{gold}:ring');
    await ring.close?.();
  });

  describe('that evicts keys', () => {
    it('gives the lease again, but never the same number or a lower one', async () => {
      await using small = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru']);
      const other = await createClient({ url: small.url }).connect();
      const ring = redisRing({ key: 'gold', url: small.url });
      const first = await ring.lease?.('one', 600_000);

      for (let n = 0; (await other.exists(['{gold}:lease', '{gold}:fence'])) > 0 && n < 20_000; n++) {
        await other.set(`cache:${String(n)}`, 'x'.repeat(1_000));
      }
      const second = await ring.lease?.('two', 600_000);

      expect(second?.fence).toBeGreaterThan(first?.fence ?? Infinity);
      await ring.close?.();
      other.destroy();
    });

    it.each([
      ['the fencing number', ['DEL', '{gold}:fence']],
      ['the lease', ['DEL', '{gold}:lease']],
      ['both', ['DEL', '{gold}:lease', '{gold}:fence']],
      ['everything', ['FLUSHALL']],
    ])('loses %s, and the next number is larger', async (_, command) => {
      const first = await store.lease?.('one', 60_000);

      await send(...command);
      await first?.release();
      const second = await store.lease?.('two', 60_000);

      expect(second?.fence).toBeGreaterThan(first?.fence ?? Infinity);
    });

    it('counts on from a number that is ahead of its clock', async () => {
      await send('SET', '{gold}:fence', '4102444800000000');

      expect((await store.lease?.('one', 60_000))?.fence).toBe(4_102_444_800_000_001);
    });
  });

  describe('with the ACL of the guide', () => {
    const asUser = async (commands: readonly string[], keys = RULES, database = ''): Promise<RingStore> => {
      const allowed = commands.map((command) => `+${command}`);
      await send('ACL', 'SETUSER', 'gold', 'reset', 'on', '>invented-password', ...keys, ...allowed);
      const ring = redisRing({ key: 'gold', url: redis.url.replace('//', '//gold:invented-password@') + database });
      onTestFinished(async () => ring.close?.());
      return ring;
    };
    /** What fails, in order. */
    const listDenied = async (ring: RingStore): Promise<string[]> => {
      const onChange = vi.fn<() => void>();
      const lease = async (): Promise<void> => {
        const held = await ring.lease?.('one', 60_000);
        expect(held?.fence).toBeGreaterThan(1_700_000_000_000_000);
        await held?.release();
      };
      const steps: Record<string, () => Promise<unknown> | undefined> = {
        read: () => ring.read(),
        subscribe: () => ring.subscribe?.(onChange),
        write: () => ring.write(sampleRing(1), { revision: 0 }),
        notice: () => vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 300 }),
        lease,
      };
      const denied: string[] = [];
      for (const [name, step] of Object.entries(steps)) {
        await step()?.catch((error: Error & { code?: string }) => {
          denied.push(name);
          if (error.name !== 'AssertionError') expect(error.code).toBe('ERR_GOLDKEY_ACCESS_DENIED');
        });
      }
      return denied;
    };

    it('a user does everything, and the server has denied nothing', async () => {
      await send('ACL', 'LOG', 'RESET');

      expect(await listDenied(await asUser(ROTATOR))).toEqual([]);
      expect(await send('ACL', 'LOG')).toEqual([]);
    });

    it.each([
      ['get', ['read', 'write', 'notice', 'lease']],
      ['set', ['write', 'notice', 'lease']],
      ['eval', ['write', 'notice', 'lease']],
      ['publish', ['notice']],
      ['subscribe', ['subscribe', 'notice']],
      ['time', ['lease']],
      ['hget', ['lease']],
      ['hset', ['lease']],
      ['pexpire', ['lease']],
      ['del', ['lease']],
    ])('without %s what fails is told as denied: %j', async (command, denied) => {
      const ring = await asUser(ROTATOR.filter((allowed) => allowed !== command));

      expect(await listDenied(ring)).toEqual(denied);
    });

    it.each([
      ['a reader', READER, ['write', 'notice', 'lease']],
      ['a writer without leases', WRITER, ['lease']],
    ])('%s does what it is for', async (_, commands, denied) => {
      expect(await listDenied(await asUser(commands))).toEqual(denied);
    });

    it('another database needs select', async () => {
      expect(await listDenied(await asUser([...ROTATOR, 'select'], RULES, '/1'))).toEqual([]);
      expect((await failure((await asUser(ROTATOR, RULES, '/1')).read())) as Error).toMatchObject({
        code: 'ERR_GOLDKEY_ACCESS_DENIED',
      });
    });

    it('a user of other keys is denied everything', async () => {
      const ring = await asUser(ROTATOR, ['~{silver}:*', '&{silver}:changed']);

      expect(await listDenied(ring)).toEqual(['read', 'subscribe', 'write', 'notice', 'lease']);
    });
  });
});
