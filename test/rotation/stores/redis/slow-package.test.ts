import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { startScriptedRedis } from './scripted-redis.js';

const SOURCE = fileURLToPath(new URL('../../../../src/rotation/stores/redis/index.ts', import.meta.url));
const REAL = createRequire(import.meta.url).resolve('redis');

it('a package that takes longer to load than a call may take is no fault of Redis', async () => {
  await using redis = await startScriptedRedis();
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-slow-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const outfile = join(folder, 'ring.cjs');
  const options: BuildOptions = { bundle: true, platform: 'node', format: 'cjs', external: ['redis'] };
  await build({ entryPoints: [SOURCE], outfile, ...options, logLevel: 'error' });
  await mkdir(join(folder, 'node_modules', 'redis'), { recursive: true });
  await writeFile(
    join(folder, 'node_modules', 'redis', 'index.js'),
    `for (const end = Date.now() + 2_300; Date.now() < end;);
     module.exports = require(${JSON.stringify(REAL)});`,
  );
  const program = `
    const { redisRing } = require('./ring.cjs');
    const store = redisRing({ key: 'gold', url: ${JSON.stringify(redis.url)} });
    const settle = (work) => work.then(() => 'done', (error) => error.message);
    (async () => {
      const works = [store.subscribe(() => undefined), store.read(), store.lease('one', 1000)];
      console.log(JSON.stringify(await Promise.all(works.map(settle))));
      await store.close();
    })();`;

  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { cwd: folder, timeout: 20_000 });

  expect(JSON.parse(stdout)).toEqual(['done', 'done', 'done']);
});
