import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, describe, it, onTestFinished, vi } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { KeyRotationManager } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { endWithProcess, makeTempFolder } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { askRedis, startRedis, type Redis } from '../servers/redis.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OLD = 'sk-invented-old-0123456789';
const NEW = 'sk-invented-new-9876543210';
const PROCESSES = 4;

/** One process: fifty calls a second, each of which prints with which key it was made, until its stdin ends. */
const CLIENT = `
import { KeyedClient } from '../../src/index.js';
import { localCipher } from '../../src/providers/local/index.js';
import { fromKeyRing } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';

const [url, masterKeyFile] = process.argv.slice(2);
const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'gold' } });
const client = new KeyedClient({
  keyProvider: fromKeyRing({ ring: redisRing({ key: 'gold', url }), name: 'gold', cipher }),
  ttl: 1_000,
  staleIfError: 60_000,
});
const call = () =>
  client
    .withKey(async ({ apiKey }) => (apiKey === ${JSON.stringify(NEW)} ? 'new' : apiKey === ${JSON.stringify(OLD)} ? 'old' : 'wrong'))
    .then(console.log, (error) => console.log('failed', error.code, error.message));
await call();
const calls = setInterval(call, 20);
process.stdin.resume().on('end', () => {
  clearInterval(calls);
  client.close();
});
`;

const found = await orSkip(startRedis);

describe.skipIf(found.skipped !== undefined)(
  `a ring in Redis that is lost and made anew ${found.skipped ?? ''}`,
  () => {
    it('is followed by four processes at fifty calls a second, none of which is lost', async () => {
      await using redis = found.server as Redis;
      const folder = makeTempFolder('goldkey-redis-');
      onTestFinished(() => rm(folder, { recursive: true }));
      await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
      const outfile = join(folder, 'client.mjs');
      await build({
        stdin: { contents: CLIENT, resolveDir: join(ROOT, 'test/integration') },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        external: ['redis', 'lru-cache'],
        logLevel: 'error',
      });
      const masterKeyFile = join(folder, 'master.key');
      await createMasterKey(masterKeyFile);
      const cipher = localCipher({
        masterKeyFile,
        encryptionContext: { service: 'gold' },
      });
      const ring = redisRing({ key: 'gold', url: redis.url });
      const rotation = new KeyRotationManager({ ring, name: 'gold', cipher });
      await rotation.init(OLD);
      // The ring that is made anew begins with a lower revision than this one has.
      await rotation.stage('sk-invented-third-5555555555');
      await rotation.revert();
      const printed: string[][] = [];
      const fleet: ChildProcess[] = Array.from({ length: PROCESSES }, (_, index) => {
        const argv = [outfile, redis.url, masterKeyFile];
        const child = endWithProcess(
          spawn(process.execPath, argv, {
            stdio: ['pipe', 'pipe', 'inherit'],
          }),
        );
        const lines: string[] = [];
        printed[index] = lines;
        createInterface(child.stdout).on('line', (line) => lines.push(line));
        onTestFinished(() => void child.kill());
        return child;
      });
      /** Waits until each process has made so many more calls that are like this. */
      const calls = (count: number, like: string): Promise<void> => {
        const before = printed.map((lines) => lines.filter((line) => line === like).length);
        return vi.waitFor(
          () => {
            for (const [index, lines] of printed.entries()) {
              expect(lines.filter((line) => line === like).length).toBeGreaterThanOrEqual((before[index] ?? 0) + count);
            }
          },
          { timeout: 30_000 },
        );
      };
      await calls(100, 'old');

      expect(await askRedis(redis.port, 'FLUSHALL')).toBe('+OK\r\n');
      // Each process finds no ring for a while, at two of its loads or so.
      await sleep(2_500);
      await calls(50, 'old');
      await rotation.init(NEW);
      const followedAt = performance.now();
      await calls(1, 'new');
      const followed = performance.now() - followedAt;
      await calls(100, 'new');
      for (const child of fleet) child.stdin?.end();
      for (const child of fleet) if (child.exitCode === null) await once(child, 'exit');

      expect(followed).toBeLessThan(10_000);
      for (const lines of printed) {
        expect(lines.filter((line) => line !== 'old' && line !== 'new')).toEqual([]);
        // None goes back to the key of the ring that is gone.
        expect(lines.lastIndexOf('old')).toBeLessThan(lines.indexOf('new'));
      }
      await ring.close?.();
    });
  },
);
