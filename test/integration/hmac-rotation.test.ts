import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { KeyRotationManager } from '../../src/rotation/index.js';
import { redisRing } from '../../src/rotation/stores/redis/index.js';
import { temporaryFolder } from '../cli/run.js';
import { missing, ROOT } from '../examples/start-example.js';
import { endWithProcess } from '../programs/at-exit.mjs';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

const OLD = 'signing-key-invented-1';
const NEW = 'signing-key-invented-2';
const found = await orSkip(startRedis);
const skipped = `${found.skipped ?? ''}${missing}`;

interface Message {
  readonly version?: string;
  readonly answers: readonly string[];
}

describe.skipIf(skipped !== '')(`a rotation while one process signs and two verify ${skipped}`, () => {
  it('refuses no message, and accepts each once', { timeout: 90_000 }, async () => {
    const redis = found.server as Redis;
    const folder = await temporaryFolder();
    onTestFinished(async () => {
      await redis[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });
    const masterKeyFile = join(folder.path, 'master.key');
    await createMasterKey(masterKeyFile);
    const ring = redisRing({ key: 'signing', url: redis.url });
    const cipher = localCipher({ masterKeyFile, encryptionContext: { service: 'orders' } });
    const rotation = new KeyRotationManager({ ring, name: 'signing', cipher });
    await rotation.init(OLD);

    const start = (...argv: string[]) => {
      const script = join(ROOT, 'test/integration/hmac-rotation-process.mjs');
      const options = { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'] };
      const child = endWithProcess(
        spawn(process.execPath, [script, argv[0] ?? '', redis.url, masterKeyFile, ...argv.slice(1)], options),
      );
      onTestFinished(() => void child.kill());
      return { child, lines: createInterface(child.stdout) };
    };
    const verifiers = [start('verify'), start('verify')];
    const origins = await Promise.all(verifiers.map(async ({ lines }) => String((await once(lines, 'line'))[0])));
    const signer = start('sign', origins.join(','), '12000');
    const messages: Message[] = [];
    signer.lines.on('line', (line) => messages.push(JSON.parse(line) as Message));
    const ended = once(signer.child, 'close');
    await once(signer.lines, 'line');

    await sleep(1_500);
    const { version } = await rotation.stage(NEW);
    await sleep(1_500);
    await rotation.canary(25, { version });
    await sleep(2_000);
    const beforePromotion = messages.length;
    await rotation.promote({ version, overlap: 60_000 });
    await sleep(2_000);
    await rotation.retire({ force: true });
    expect(await ended).toEqual([0, null]);

    const acceptedOnce = messages.filter(
      ({ answers }) => answers.filter((answer) => /^v\d$/.test(answer)).length === 1,
    );
    const others = messages.flatMap(({ answers }) => answers).filter((answer) => !/^v\d$/.test(answer));
    const twice = messages.filter(({ answers }) => answers.length === 2);
    const canaries = messages.slice(0, beforePromotion).filter((message) => message.version === 'v2');
    console.info(
      `${String(messages.length)} messages, ${String(twice.length)} of them sent to both verifiers, ${String(canaries.length)} signed by the canary, ${String(others.length)} answers other than accepted`,
    );
    expect(messages.filter((message) => !acceptedOnce.includes(message))).toEqual([]);
    expect(others).toEqual(twice.map(() => 'replayed'));
    expect(twice.length).toBeGreaterThan(20);
    expect(canaries.length).toBeGreaterThan(10);
    expect(messages.at(-1)).toMatchObject({ version: 'v2' });
  });
});
