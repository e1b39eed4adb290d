import { describe, expect, it } from 'vitest';
import { KeyedClient, type KeyContext } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { SPECIAL as KEY } from './encodings.js';
import { REDACTED } from './helpers.js';
import { allLeaks } from './leaks.js';

const scene = async () => {
  const clock = manualClock();
  const client = new KeyedClient({
    clock,
    retry: false,
    timeout: 1_000,
    keyProvider: { name: 'own', load: () => Promise.resolve({ bytes: Buffer.from(KEY), version: '1' }) },
  });
  await client.withKey(() => Promise.resolve(1));
  return { client, clock };
};
const caught = async (left: Promise<unknown>): Promise<unknown> =>
  await left.then(
    () => expect.unreachable('it must fail'),
    (reason: unknown) => reason,
  );
const never = (): Promise<never> => new Promise(() => undefined);

/** What a caller may throw, or abort with: errors leave as the same object, anything else as a copy. */
const things: Record<string, () => unknown> = {
  'an error': () => new TypeError(`failed with ${KEY}`),
  'an error with more on it': () => Object.assign(new Error('failed'), { config: { url: `/p?k=${encodeURIComponent(KEY)}` } }),
  'an error with a cause': () => new Error('failed', { cause: new Error(KEY) }),
  'an AggregateError': () => new AggregateError([new Error(KEY), KEY]),
  'a DOMException': () => new DOMException(`aborted by ${KEY}`, 'AbortError'),
  'a text': () => `failed with ${KEY}`,
  'an object': () => ({ reason: KEY, list: [KEY] }),
  'an array': () => [1, KEY],
  'a Map': () => new Map([[KEY, KEY]]),
  'a symbol': () => Symbol(KEY),
  'a Response': () => new Response('{}', { headers: { echo: KEY } }),
}; // prettier-ignore

type Way = (thing: unknown) => Promise<unknown>;
const ways: Record<string, Way> = {
  'thrown at once': async (thing) => {
    const { client } = await scene();
    return await caught(
      client.withKey(() => {
        throw thing;
      }),
    );
  },
  'thrown later': async (thing) => {
    const { client } = await scene();
    return await caught(
      client.withKey(async () => {
        await Promise.resolve();
        throw thing;
      }),
    );
  },
  rejected: async (thing) => {
    const { client } = await scene();
    return await caught(client.withKey(() => Promise.reject(thing as Error)));
  },
  'rejected by a thenable': async (thing) => {
    const { client } = await scene();
    // oxlint-disable-next-line unicorn/no-thenable -- what it is about
    const thenable = { then: (_resolve: unknown, reject: (reason: unknown) => void) => reject(thing) };
    return await caught(client.withKey(() => thenable as unknown as Promise<never>));
  },
  'the reason of an abort': async (thing) => {
    const { client } = await scene();
    const controller = new AbortController();
    const left = caught(client.withKey(never, { signal: controller.signal }));
    controller.abort(thing);
    return await left;
  },
  'the reason of an abort before the start': async (thing) => {
    const { client } = await scene();
    return await caught(client.withKey(never, { signal: AbortSignal.abort(thing) }));
  },
  'the reason of an abort that its function passes on': async (thing) => {
    const { client } = await scene();
    const controller = new AbortController();
    const passOn = ({ signal }: KeyContext): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => void reject(signal.reason as Error));
      });
    const left = caught(client.withKey(passOn, { signal: controller.signal }));
    controller.abort(thing);
    return await left;
  },
  'with the last attempt of several': async (thing) => {
    const client = new KeyedClient({
      retry: { retries: 1, minTimeout: 0, maxTimeout: 1 },
      isTransient: () => true,
      keyProvider: { name: 'own', load: () => Promise.resolve({ bytes: Buffer.from(KEY), version: '1' }) },
    });
    return await caught(client.withKey(() => Promise.reject(thing as Error)));
  },
};

describe.each(Object.entries(ways))('what leaves a call, %s,', (_way, leave) => {
  it.each(Object.entries(things))('holds no key: %s', async (_name, make) => {
    const thing = make();
    const left = await leave(thing);
    expect(allLeaks(left, KEY)).toEqual([]);
    // The message of a DOMException cannot be changed.
    if (thing instanceof DOMException)
      expect(left).toMatchObject({ name: 'AbortError', message: `aborted by ${REDACTED}` });
    else if (thing instanceof Error) expect(left).toBe(thing);
    else expect(left).not.toBe(thing);
  });
});

describe('a call that is ended', () => {
  it('by its deadline leaves without the key, whatever its function makes of that', async () => {
    const { client, clock } = await scene();
    const fail = ({ signal, apiKey }: KeyContext): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => void reject(new Error(`GET /p?k=${apiKey}`, { cause: signal.reason })));
      });
    const left = caught(client.withKey(fail));
    await clock.advance(1_000);
    const error = await left;
    expect(error).toMatchObject({ name: 'CallTimeoutError' });
    expect(allLeaks(error, KEY)).toEqual([]);
  });

  it.each(Object.entries(things))('by close() and a signal leaves without the key: %s', async (_name, make) => {
    const { client } = await scene();
    const controller = new AbortController();
    const call = caught(client.withKey(never));
    const closed = client.close({ signal: controller.signal });
    controller.abort(make());
    const error = await call;
    await closed;
    expect(allLeaks(error, KEY)).toEqual([]);
    expect(error).toBeInstanceOf(Error);
  });

  it('long after the key was replaced leaves without the key that it was given', async () => {
    const keys = [KEY, 'another-key-00000001', 'another-key-00000002'];
    let loads = 0;
    const client = new KeyedClient({
      retry: false,
      reloadCooldown: 0,
      keyProvider: {
        name: 'own',
        load: () => Promise.resolve({ bytes: Buffer.from(String(keys[loads])), version: String(loads++) }),
      },
    });
    let fail = (): void => undefined;
    const left = caught(
      client.withKey(
        ({ apiKey }) =>
          new Promise((_resolve, reject) => void (fail = () => reject(new Error(`failed with ${apiKey}`)))),
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await client.reload();
    client.evict();
    fail();
    const error = (await left) as Error;
    expect(error.message).toBe(`failed with ${REDACTED}`);
    expect(allLeaks(error, KEY)).toEqual([]);
    await client.close();
  });
});
