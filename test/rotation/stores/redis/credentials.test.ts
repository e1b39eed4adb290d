import { inspect } from 'node:util';
import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redisRing } from '../../../../src/rotation/stores/redis/index.js';
import type { RingStore } from '../../../../src/rotation/ring/types.js';
import { run } from '../../../cli/run.js';
import { failure } from '../ring-places.js';
import { startScriptedRedis, type ScriptedRedis } from './scripted-redis.js';

let redis: ScriptedRedis;

beforeEach(async () => {
  redis = await startScriptedRedis();
});
afterEach(() => redis[Symbol.asyncDispose]());

/** Whatever a log might show of an error. */
const show = (error: unknown): string =>
  inspect(error, { depth: 20, showHidden: true, getters: true, maxStringLength: null }) +
  JSON.stringify(error, Object.getOwnPropertyNames(error)) +
  String((error as Error).cause);

const withPassword = (password: string): string => redis.url.replace('//', `//user:${encodeURIComponent(password)}@`);
const subscribe = (store: RingStore): Promise<unknown> => store.subscribe?.(() => undefined) as Promise<unknown>;

describe('a proxy that echoes the password of AUTH', () => {
  describe.each([
    ['a long password', 'invented-password'],
    ['a short one', 'abc123'],
    ['one that a URL encodes', 'p@ss/wörd?%41'],
    ['one that looks like the code of an answer', 'SECRET123'],
  ])('with %s', (_, password) => {
    it.each<[string, (text: string) => string]>([
      ['as Redis does', (text) => `ERR unknown command 'AUTH', with args beginning with: 'user' '${text}' `],
      ['in its own words', (text) => `ERR user:${text} was refused`],
      ['as the first word', (text) => `${text} is wrong`],
      ['as a code', (text) => `WRONGPASS invalid pair user:${text}`],
      ['encoded', (text) => `ERR redis://user:${encodeURIComponent(text)}@proxy is unknown`],
    ])('%s shows it in no error', async (_form, say) => {
      redis.always('AUTH', new Error(say(password)));
      const own = redisRing({ key: 'gold', url: withPassword(password) });

      const works = [own.read(), own.lease?.('one', 1_000) as Promise<unknown>, subscribe(own)];
      for (const error of await Promise.all(works.map(failure))) {
        expect(error).toMatchObject({ provider: 'redis', code: expect.stringMatching(/^ERR_GOLDKEY_/) });
        expect(show(error)).not.toContain(password);
        expect(show(error)).not.toContain(encodeURIComponent(password));
      }
    });
  });

  it('shows none of a `client` either, whose duplicate subscribes', async () => {
    const password = 'invented-password';
    const client = createClient({ url: withPassword(password), RESP: 2 });
    await client.on('error', () => undefined).connect();
    redis.always('AUTH', new Error(`ERR who is user:${password}`));
    redis.always('GET', new Error(`ERR who is user:${password}`));
    const store = redisRing({ key: 'gold', client });

    for (const error of await Promise.all([store.read(), subscribe(store)].map(failure))) {
      expect((error as Error).cause).toMatchObject({ message: 'ERR who is user:[REDACTED]' });
      expect(show(error)).not.toContain(password);
    }
    client.destroy();
  });

  it('shows it on no line of the command, with --verbose neither', async () => {
    const password = 'invented-password';
    redis.always('AUTH', new Error(`ERR unknown command 'AUTH', with args beginning with: 'user' '${password}' `));

    const { code, stdout, stderr } = await run([
      'rotate',
      'status',
      '--ring',
      `${withPassword(password)}/gold`,
      '--verbose',
    ]);

    expect(code).toBe(1);
    expect(stderr).toMatch(/caused by .*unknown command 'AUTH'/);
    expect(stdout + stderr).not.toContain(password);
  });
});

it('a server that echoes the arguments of a command shows no ciphertext and no name of a key', async () => {
  redis.always('GET', new Error("ERR unknown command 'GET', with args beginning with: '{gold}:ring' 'anything' "));

  const error = await failure(redisRing({ key: 'gold', url: redis.url }).read());

  expect((error as Error).cause).toMatchObject({ message: expect.stringContaining("unknown command 'GET'") });
  expect(show(error)).not.toMatch(/anything/);
});
