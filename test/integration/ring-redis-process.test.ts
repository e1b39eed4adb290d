import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endWithProcess, makeTempFolder } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

const SOURCE = fileURLToPath(new URL('../../src/rotation/stores/redis/index.ts', import.meta.url));
const found = await orSkip(startRedis);

/** Longer than any wait that is allowed to hold a process, shorter than the heartbeat and the package's own timeouts. */
const SOON = 4_000;

describe.skipIf(found.skipped !== undefined)(`a process with a ring in Redis ${found.skipped ?? ''}`, () => {
  const redis = found.server as Redis;
  let folder: string;

  beforeAll(async () => {
    folder = makeTempFolder('goldkey-redis-');
    const outfile = join(folder, 'redis.cjs');
    await build({ entryPoints: [SOURCE], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await redis[Symbol.asyncDispose]();
  });

  const program = (body: string): string[] => [
    '-e',
    `const { redisRing } = require('./redis.cjs');
     const store = redisRing({ key: 'process', url: ${JSON.stringify(redis.url)} });
     (async () => { ${body} })();`,
  ];
  const run = async (body: string): Promise<{ printed: string; took: number }> => {
    const begun = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, program(body), { cwd: folder, timeout: 20_000 });
    return { printed: stdout.trim(), took: performance.now() - begun };
  };

  it('lives while a command is under way, and ends by itself with its connection open', async () => {
    const { printed, took } = await run(`console.log(await store.read());`);

    expect(printed).toBe('undefined');
    expect(took).toBeLessThan(SOON);
  });

  it('ends by itself while it listens for changes', async () => {
    const { printed, took } = await run(
      `await store.subscribe(() => console.log('changed')); await store.read(); console.log('listening');`,
    );

    expect(printed).toBe('changed\nlistening');
    expect(took).toBeLessThan(SOON);
  });

  it('ends by itself while the server is away and the subscription tries to come back', async () => {
    const child = endWithProcess(
      spawn(
        process.execPath,
        program(
          `await store.subscribe(() => undefined); console.log('listening');
         process.stdin.once('data', () => { process.stdin.destroy(); console.log('idle'); });`,
        ),
        { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
    await once(child.stdout, 'data');
    await redis.stop();

    child.stdin.write('go\n');
    const begun = performance.now();
    const [code] = (await once(child, 'exit')) as [number];

    expect(code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(SOON);
    await redis.start();
  });

  it('is told that the server is away, and does not die of it', async () => {
    await redis.stop();

    const { printed } = await run(
      `await store.read().catch((error) => console.log(error.code)); await store.close(); console.log('alive');`,
    );
    await redis.start();

    expect(printed).toBe('ERR_GOLDKEY_PROVIDER\nalive');
  });
});
