import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMasterKey } from '../../src/providers/local/index.js';
import { startFakePriceApi } from '../../src/testing/fake-price-api/server.js';
import { temporaryFolder } from '../cli/run.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';
import { finishedWithout, ROOT } from '../examples/start-example.js';
import { endWithProcess } from '../programs/at-exit.mjs';

const OLD = 'sk-invented/old+&=0123456789';
const NEW = 'sk-invented/new+&=9876543210';
const PROCESSES = 3;
const LASTS = 60_000;
const finished = finishedWithout(OLD, NEW);
const redis = await orSkip(startRedis);
const moto = await orSkip(startMoto);

interface Call {
  at: number;
  process: number;
  version?: string;
  failed?: string;
}

/** A minute of a fleet of three processes, with a rotation by the command line from a fourth. */
async function minute(
  store: 'redis' | 'dynamodb',
  address: string,
  ring: string,
): Promise<{ calls: Call[]; promotedAt: number }> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const api = await startFakePriceApi({ keys: [OLD] });
  onTestFinished(() => api.close());
  const masterKeyFile = join(folder.path, 'master.key');
  await createMasterKey(masterKeyFile);
  await writeFile(join(folder.path, 'old.key'), OLD);
  await writeFile(join(folder.path, 'new.key'), NEW);
  const env = {
    ...MOTO_ENV,
    PATH: process.env['PATH'] ?? '',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const rotate = async (step: string, ...more: string[]): Promise<void> => {
    const local = ['--local', '--master-key', masterKeyFile, '--encryption-context', 'service=gold'];
    const ran = await finished(
      [join(ROOT, 'dist/esm/cli/bin.js'), 'rotate', step, '--ring', ring, ...local, ...more],
      env,
    );
    expect(ran, step).toMatchObject({ code: 0 });
  };
  await rotate('init', '--key-file', join(folder.path, 'old.key'));

  const calls: Call[] = [];
  const startedAt = Date.now();
  const fleet = Array.from({ length: PROCESSES }, (_, index) => {
    const script = join(ROOT, 'test/integration/rotation-client.mjs');
    // Their buckets are at 4, 29 and 21 %: the canary of a quarter of the clients takes two of the three.
    const argv = [store, address, masterKeyFile, api.url, `host-${String(index)}`, String(LASTS)];
    const child = endWithProcess(
      spawn(process.execPath, [script, ...argv], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    createInterface(child.stdout).on('line', (line) => calls.push({ ...(JSON.parse(line) as Call), process: index }));
    onTestFinished(() => void child.kill());
    return once(child, 'close');
  });
  const at = (ms: number): Promise<void> => sleep(Math.max(0, startedAt + ms - Date.now()));

  await at(8_000);
  api.accept(NEW);
  await rotate('stage', '--key-file', join(folder.path, 'new.key'), '--api-url', api.url);
  await rotate('canary', '--percent', '25');
  await at(25_000);
  await rotate('promote');
  const promotedAt = Date.now();
  await at(42_000);
  api.revoke(OLD);
  await rotate('retire', '--force');
  for (const [code] of await Promise.all(fleet)) expect(code).toBe(0);
  return { calls, promotedAt };
}

/** How long after the promotion the last process made its first call with the new key, in ms. */
function slowest(calls: readonly Call[], promotedAt: number): number {
  const firsts = Array.from({ length: PROCESSES }, (_, index) => {
    const mine = calls.filter((call) => call.process === index).toSorted((a, b) => a.at - b.at);
    return (mine.findLast(({ version }) => version === 'v1')?.at ?? 0) + 50;
  });
  return Math.max(0, ...firsts.map((first) => first - promotedAt));
}

function told(store: string, { calls, promotedAt }: { calls: Call[]; promotedAt: number }): void {
  const of = (version: string): string => String(calls.filter((call) => call.version === version).length);
  const failed = calls.filter((call) => call.failed !== undefined).length;
  console.info(
    `${store}: ${String(calls.length)} calls by ${String(PROCESSES)} processes, v1 ${of('v1')}, v2 ${of('v2')}, failed ${String(failed)}; from promote to the last process on the new key: ${String(slowest(calls, promotedAt))} ms`,
  );
}

describe('a rotation under a fleet of processes, for a minute', () => {
  it.skipIf(redis.skipped !== undefined)(
    `loses no call over Redis ${redis.skipped ?? ''}`,
    { timeout: 120_000 },
    async () => {
      const server = redis.server as Redis;
      onTestFinished(() => server[Symbol.asyncDispose]());

      const seen = await minute('redis', server.url, `${server.url}/gold`);

      told('Redis', seen);
      expect(seen.calls.filter(({ failed }) => failed !== undefined)).toEqual([]);
      expect(seen.calls.length).toBeGreaterThan(PROCESSES * 600);
      expect(
        new Set(seen.calls.filter(({ at }) => at > seen.promotedAt + 10_000).map(({ version }) => version)),
      ).toEqual(new Set(['v2']));
    },
  );

  it.skipIf(moto.skipped !== undefined)(
    `loses no call over DynamoDB ${moto.skipped ?? ''}`,
    { timeout: 120_000 },
    async () => {
      const server = moto.server as Moto;
      onTestFinished(() => server[Symbol.asyncDispose]());
      await server.createRingTable('goldkey');

      const seen = await minute(
        'dynamodb',
        server.url,
        `dynamodb://goldkey/gold?endpoint=${encodeURIComponent(server.url)}&region=${server.region}`,
      );

      told('DynamoDB', seen);
      expect(seen.calls.filter(({ failed }) => failed !== undefined)).toEqual([]);
      expect(seen.calls.length).toBeGreaterThan(PROCESSES * 600);
      expect(
        new Set(seen.calls.filter(({ at }) => at > seen.promotedAt + 10_000).map(({ version }) => version)),
      ).toEqual(new Set(['v2']));
    },
  );
});
