import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hmacSigner, hmacVerifier, type HmacRequest } from '../../src/hmac/index.js';
import { redisReplayStore } from '../../src/hmac/redis/index.js';
import { KeyedClient } from '../../src/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));
const KEY = 'signing-key-00001';
const found = await orSkip(startRedis);

/** Verifies a request in another process, which prints what came of it. */
const PROGRAM = `
const { KeyedClient, hmacVerifier, redisReplayStore } = require('./goldkey.cjs');
const client = new KeyedClient({ keyProvider: { name: 'fixed', load: async () => ({ bytes: Buffer.from('${KEY}'), version: 'v1' }) } });
const verifier = hmacVerifier(client, { replay: redisReplayStore({ key: 'orders', url: process.argv[1] }) });
verifier.verify(JSON.parse(process.argv[2])).then(() => console.log('accepted'), (error) => console.log(error.reason ?? error.code));
`;

describe.skipIf(found.skipped !== undefined)(`messages remembered in Redis ${found.skipped ?? ''}`, () => {
  const redis = found.server as Redis;
  const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
  const direct = createClient({ url: redis?.url ?? '' });
  let folder: string;

  const sign = async (): Promise<HmacRequest> => {
    const request = { method: 'POST', url: 'https://api.example/orders', body: '{"metal":"XAU"}' };
    return {
      ...request,
      headers: await hmacSigner(client).sign(request),
    };
  };
  const verifyHere = async (request: HmacRequest, url = redis.url): Promise<unknown> =>
    hmacVerifier(client, { replay: redisReplayStore({ key: 'orders', url }) })
      .verify(request)
      .then(
        () => 'accepted',
        (error: { reason?: string; code?: string }) => error.reason ?? error.code,
      );
  const verifyElsewhere = async (request: HmacRequest): Promise<string> => {
    const argv = ['-e', PROGRAM, redis.url, JSON.stringify(request)];
    const options = { cwd: folder, timeout: 20_000 };
    return (await promisify(execFile)(process.execPath, argv, options)).stdout.trim();
  };

  beforeAll(async () => {
    direct.on('error', () => undefined);
    await direct.connect();
    folder = makeTempFolder('goldkey-replay-');
    await build({
      stdin: {
        contents: `export * from './index.js'; export * from './hmac/index.js'; export * from './hmac/redis/index.js';`,
        resolveDir: SOURCE,
        loader: 'ts',
      },
      outfile: join(folder, 'goldkey.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
  });
  beforeEach(async () => direct.flushAll());
  afterAll(async () => {
    direct.destroy();
    await rm(folder, { recursive: true });
    await redis[Symbol.asyncDispose]();
  });

  it('are accepted once by two processes, whichever comes first, and neither is kept alive', async () => {
    const [one, two] = [await sign(), await sign()];
    expect([await verifyElsewhere(one), await verifyHere(one)]).toEqual(['accepted', 'replayed']);
    expect([await verifyHere(two), await verifyElsewhere(two)]).toEqual(['accepted', 'replayed']);
  });

  it('are accepted once of twenty at the same moment', async () => {
    const request = await sign();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => verifyHere(request)));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'replayed')).toHaveLength(19);
  });

  it('are kept under a digest until they would be refused by their time, whatever the clocks say', async () => {
    const store = redisReplayStore({ key: 'orders', client: direct });
    expect(await store.add('a secret id', Date.now() + 900_000)).toBe(true);
    expect(await store.add('an old one', 5)).toBe(true);
    expect(await store.add('an old one', 5)).toBe(false);
    const keys = await direct.keys('*');
    const lives = await Promise.all(keys.map((key) => direct.pTTL(key)));
    expect(keys.join(' ')).toMatch(/^orders:[\w-]{43} orders:[\w-]{43}$/);
    expect(Math.max(...lives)).toBeGreaterThan(890_000);
    expect(Math.min(...lives)).toBeGreaterThan(590_000);
  });

  it('are no replays when a lost connection made the store ask twice', async () => {
    const asked: { first?: unknown } = {};
    // Its first answer is lost after Redis has remembered the message.
    const flaky = Object.create(direct) as typeof direct & Record<string, unknown>;
    const evaluate = async (script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown> => {
      const answer = await direct.eval(script, options);
      if ('first' in asked) return answer;
      asked.first = answer;
      throw new (class SocketClosedUnexpectedlyError extends Error {})('lost');
    };
    Object.assign(flaky, { eval: evaluate, withAbortSignal: () => flaky, withCommandOptions: () => flaky });
    const store = redisReplayStore({ key: 'orders', client: flaky });
    expect(await store.add('id', Date.now() + 600_000)).toBe(true);
    expect(asked.first).toBe(1);
    expect(await store.add('id', Date.now() + 600_000)).toBe(false);
  });

  it('are refused by a Redis that may evict them, before and after it does', async () => {
    await using small = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'allkeys-lru']);
    const request = await sign();
    expect(await verifyHere(request, small.url)).toBe('ERR_GOLDKEY_PROVIDER');
    const store = redisReplayStore({ key: 'orders', url: small.url });
    await expect(store.add('id', 0)).rejects.toMatchObject({
      message: expect.stringContaining('`noeviction`'),
      retryable: false,
    });
  });

  it('are refused by a Redis that is full, and none that it knows is forgotten', async () => {
    await using small = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction']);
    const [known, late] = [await sign(), await sign()];
    expect(await verifyHere(known, small.url)).toBe('accepted');
    const filler = await createClient({ url: small.url }).connect();
    const fill = async (): Promise<void> => {
      for (let count = 0; count < 20_000; count++) await filler.set(`filler:${String(count)}`, 'x'.repeat(1_000));
    };
    await expect(fill()).rejects.toThrow(/OOM/);
    filler.destroy();
    expect(await verifyHere(late, small.url)).toBe('ERR_GOLDKEY_PROVIDER');
    expect(await verifyHere(known, small.url)).not.toBe('accepted');
  });

  it('are refused while Redis is away, in words that show no password', async () => {
    const url = 'redis://:invented-password@127.0.0.1:1';
    const error = (await Promise.resolve(redisReplayStore({ key: 'orders', url }).add('id', 0)).catch(
      (failed: unknown) => failed,
    )) as Error;
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(`${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('invented-password');
  });
});
