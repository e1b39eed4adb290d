import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { fileRing, KeyRotationManager, type RingStore } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { manualClock } from '../../src/testing/index.js';
import { formsOf, run, temporaryFolder } from '../cli/run.js';
import { missing, ROOT } from '../examples/start-example.js';
import { endWithProcess } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { startRedis } from '../servers/redis.js';

const OLD = 'sk-invented/fleet-0001';
const NEW = 'sk-invented/fleet-0002';
const MINUTE = 60_000;
const found = await orSkip(startRedis);
const skipped = `${found.skipped ?? ''}${missing}`;

describe.skipIf(skipped !== '')(`six processes, one of them stuck on the old key ${skipped}`, () => {
  it.each(['Redis', 'a file'])('on a ring in %s: its version is kept until it has moved on', async (kind) => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const masterKeyFile = join(folder.path, 'master.key');
    await createMasterKey(masterKeyFile);
    const place = kind === 'Redis' ? String(found.server?.url) : join(folder.path, 'fleet.ring.json');
    const ring: RingStore = kind === 'Redis' ? redisRing({ key: 'fleet', url: place }) : fileRing(place);
    onTestFinished(async () => ring.close?.());
    const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'fleet' } });
    const clock = manualClock(Date.now());
    const manager = new KeyRotationManager({ ring, name: 'fleet', cipher, clock });
    await manager.init(OLD);

    const start = (instance: string, ...stuckOn: string[]) => {
      const script = join(ROOT, 'test/integration/rotation-fleet-process.mjs');
      const argv = [script, place, masterKeyFile, instance, String(clock.now()), ...stuckOn];
      const child = endWithProcess(spawn(process.execPath, argv, { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] }));
      onTestFinished(() => void child.kill());
      const lines = createInterface(child.stdout);
      /** Moves the process's clock and resolves to the version that served a call then. */
      const call = async (advance: number): Promise<string> => {
        const line = once(lines, 'line');
        child.stdin.write(`${String(advance)}\n`);
        return String((await line)[0]);
      };
      return { call, end: () => child.stdin.end() };
    };
    let fleet = Array.from({ length: 6 }, (_, index) => start(`host-${String(index)}`, ...(index === 5 ? ['v1'] : [])));
    const round = async (ms: number): Promise<string[]> => {
      await clock.advance(ms);
      return Promise.all(fleet.map(({ call }) => call(ms)));
    };
    /** How many instances last used each version. Reports are written while nobody waits for them. */
    const expectUse = (users: Record<string, number>): Promise<void> =>
      vi.waitFor(
        async () => {
          const { versions } = await manager.status();
          expect(Object.fromEntries(versions.map(({ version, instances }) => [version, instances]))).toEqual(users);
          const used = versions.filter(({ instances = 0 }) => instances > 0);
          expect(used.map(({ lastUsedAt }) => lastUsedAt)).toEqual(used.map(() => clock.now()));
        },
        { timeout: 10_000, interval: 50 },
      );

    expect(await round(0)).toEqual(Array.from({ length: 6 }, () => 'v1'));
    await expectUse({ v1: 6 });
    await manager.stage(NEW);
    await manager.promote({ overlap: 30 * MINUTE });
    await round(11 * MINUTE);
    const moved = await round(11 * MINUTE);
    expect(moved).toEqual(['v2', 'v2', 'v2', 'v2', 'v2', 'v1']);
    await expectUse({ v1: 1, v2: 5 });

    // The overlap has ended, and one instance still uses the old key.
    await round(10 * MINUTE);
    await expectUse({ v1: 1, v2: 5 });
    const refused = await manager.retire().catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION' });
    expect(String(refused)).toMatch(/host-5 used v1 as late as /);
    const told = await run([
      ...['rotate', 'status', '--ring', kind === 'Redis' ? `${place}/fleet` : place, '--name', 'fleet'],
    ]);
    expect(told.stdout).toMatch(/v1 +previous +[0-9a-f]{8} +\d+ minutes +1 /);
    for (const form of [OLD, NEW].flatMap(formsOf)) expect(told.stdout + told.stderr).not.toContain(form);

    // It is started anew, without the pin.
    fleet.at(-1)?.end();
    fleet = [...fleet.slice(0, -1), start('host-5')];
    expect(await round(0)).toEqual(Array.from({ length: 6 }, () => 'v2'));
    await expectUse({ v1: 0, v2: 6 });
    await clock.advance(11 * MINUTE);
    await manager.retire();
    expect((await manager.status()).versions.map(({ version, state }) => [version, state])).toEqual([
      ['v1', 'retired'],
      ['v2', 'current'],
    ]);
    for (const { end } of fleet) end();
  });
});
