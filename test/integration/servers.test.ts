import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { orSkip } from '../servers/or-skip.js';
import { startRedis, type Redis } from '../servers/redis.js';

const found = await orSkip(startRedis);

describe.skipIf(found.skipped !== undefined)(`Redis, to be stopped and started ${found.skipped ?? ''}`, () => {
  it('is the same address after an outage, and empty', async () => {
    await using redis = found.server as Redis;
    const ask = async (command: string): Promise<string> => {
      const socket = connect(redis.port, '127.0.0.1').setEncoding('latin1');
      socket.write(`${command}\r\n`);
      const [answer] = (await once(socket, 'data')) as [string];
      socket.destroy();
      return answer;
    };

    expect(await ask('SET ring 1')).toBe('+OK\r\n');
    await redis.stop();
    await redis.stop();
    await expect(ask('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await redis.start();
    await redis.start();

    expect(redis.url).toBe(`redis://127.0.0.1:${String(redis.port)}`);
    expect(await ask('GET ring')).toBe('$-1\r\n');
  });
});
