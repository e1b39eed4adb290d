import { describe, expect, it, vi } from 'vitest';
import type { KeyContext } from '../../../src/index.js';
import { A, B, busy, pause, refusal, scene, unhandledIn, watch } from '../scene.js';

const never = new Promise<never>(() => undefined);

describe("a caller's function", () => {
  it('that never settles ends at the deadline, once', async () => {
    const { clock, client } = scene({ timeout: 500 });
    const call = watch(
      clock,
      client.withKey(() => never),
    );

    await clock.advance(499);
    const before = call.state;
    await clock.advance(1);

    expect(before).toBe('pending');
    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(client.status().counts.calls).toBe(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['resolves', async () => 'late'],
    ['rejects', () => Promise.reject(new Error('late'))],
    ['is refused', () => Promise.reject(refusal())],
    ['fails in passing', () => Promise.reject(busy())],
  ])('that %s after the deadline changes nothing any more', async (_, end) => {
    const { store, clock, client } = scene({ timeout: 500, retry: true });
    let runs = 0;
    const unhandled = await unhandledIn(async () => {
      const call = watch(
        clock,
        client.withKey(async () => {
          runs++;
          await pause(clock, 600);
          return end();
        }),
      );
      await clock.advance(20_000);
      expect(call).toMatchObject({ state: 'rejected', error: { code: 'ERR_GOLDKEY_TIMEOUT' }, at: 501 });
    });

    expect(unhandled).toEqual([]);
    expect(runs).toBe(1);
    expect(store.asked).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'no'],
    ['a number', 0],
    ['a symbol', Symbol('no')],
    ['a frozen error', Object.freeze(new Error('no'))],
    ['a function', () => 'no'],
  ])('that throws %s: that is what the caller gets', async (_, thrown) => {
    const { client } = scene({ retry: true });

    const caught = await client
      .withKey(() => Promise.reject(thrown as Error))
      .then(
        () => 'resolved',
        (error: unknown) => ({ error }),
      );

    expect(caught).toEqual({ error: thrown });
  });

  it('that throws at once, without a promise, is treated as one that rejects', async () => {
    const { client } = scene();
    const error = new Error('at once');

    await expect(
      client.withKey(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });

  it.each<[string, () => unknown]>([
    [
      'a proxy without answers',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('trap');
            },
            getPrototypeOf() {
              throw new Error('trap');
            },
            ownKeys() {
              throw new Error('trap');
            },
          },
        ),
    ],
    ['a revoked proxy', () => revoked()],
    [
      'an error whose every property throws',
      () =>
        Object.defineProperties(
          new Error('x'),
          Object.fromEntries(
            ['message', 'stack', 'cause', 'name', 'status', 'response', 'code', 'headers'].map((name) => [
              name,
              {
                enumerable: true,
                get() {
                  throw new Error(`no ${name}`);
                },
              },
            ]),
          ),
        ),
    ],
    ['an error whose headers cannot be asked', () => busy({ headers: { get: () => { throw new Error('no headers'); } } })], // prettier-ignore
    [
      'an endless chain of causes',
      () => {
        const error = new Error('round');
        error.cause = error;
        return error;
      },
    ],
  ])('that throws %s: its caller gets an answer, and nothing is left unhandled', async (_, make) => {
    const { clock, client } = scene({ retry: true });
    let call: ReturnType<typeof watch> | undefined;

    const unhandled = await unhandledIn(async () => {
      call = watch(
        clock,
        client.withKey(() => Promise.reject(make() as Error)),
      );
      await clock.advance(5_000);
    });

    expect(unhandled).toEqual([]);
    expect(call?.state).toBe('rejected');
    expect(call?.error).not.toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
  });

  it('that throws an error with headers that cannot be asked gets that same error', async () => {
    const { clock, client } = scene({ retry: { retries: 1, minTimeout: 10, randomize: false } });
    const headers = {
      get() {
        throw new Error('no headers');
      },
    };
    const error = busy({ headers });

    const call = watch(
      clock,
      client.withKey(() => Promise.reject(error)),
    );
    await clock.advance(5_000);

    expect(call.error).toBe(error);
  });

  it.each<[string, () => object]>([
    [
      'throws',
      () => {
        throw new Error('tag');
      },
    ],
  ])('that returns an object whose tag %s: the caller gets that object', async (_, tag) => {
    const { clock, client, call: warm } = scene({ timeout: 1_000 });
    await warm();
    const result = Object.defineProperty({}, Symbol.toStringTag, { get: tag });
    let call: ReturnType<typeof watch> | undefined;

    const unhandled = await unhandledIn(async () => {
      call = watch(
        clock,
        client.withKey(async () => result),
      );
      await clock.advance(1_000);
    });

    expect(unhandled).toEqual([]);
    expect(call?.state).toBe('resolved');
    expect(call?.value === result).toBe(true);
  });

  it('that returns a thenable: the caller gets what it resolves to', async () => {
    const { client } = scene();
    // oxlint-disable-next-line unicorn/no-thenable -- what query builders are
    const thenable = { then: (done: (value: string) => void) => done('rows') };

    expect(await client.withKey(() => thenable as unknown as Promise<string>)).toBe('rows');
  });

  it('whose error ends its own call while it is cleaned does not end somebody else', async () => {
    const { clock, client } = scene({ timeout: 2_000 });
    const { controller, error, other } = await besideAnother({ clock, client });

    const own = watch(
      clock,
      client.withKey(() => Promise.reject(error), { signal: controller.signal }),
    );
    const third = watch(
      clock,
      client.withKey(() => never),
    );
    await clock.advance(5_000);

    expect([own.state, other.state, third.state]).toEqual(['rejected', 'resolved', 'rejected']);
  });

  it('whose error ends its own call while it is cleaned is counted once: close() waits for the others', async () => {
    const { clock, client } = scene();
    const { controller, error, other } = await besideAnother({ clock, client });
    const own = watch(
      clock,
      client.withKey(() => Promise.reject(error), { signal: controller.signal }),
    );
    await clock.advance(1);
    const closed = watch(clock, client.close());
    await clock.advance(100);

    expect([own.state, other.state, closed.state]).toEqual(['rejected', 'pending', 'pending']);
    await clock.advance(500);
    expect([other.state, closed.state]).toEqual(['resolved', 'resolved']);
  });

  it('whose error cannot be searched for the key, because a built-in was taken away, ends in one that says so', async () => {
    const { client } = scene();
    await client.prefetch();
    vi.stubGlobal('performance', undefined);
    try {
      await expect(client.withKey(({ apiKey }) => Promise.reject(new Error(apiKey)))).rejects.toThrow(
        'The call failed. Its error could not be searched for the key, so it is not shown.',
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('cannot read the context once the call has settled, nor its copy of the bytes', async () => {
    const { clock, client } = scene({ timeout: 100 });
    let kept: KeyContext | undefined;
    let copy: Uint8Array | undefined;
    const call = watch(
      clock,
      client.withKey((context) => {
        kept = context;
        copy = context.bytes;
        return never;
      }),
    );
    await clock.advance(50);
    const during = copy?.some((byte) => byte !== 0);
    await clock.advance(50);

    expect(during).toBe(true);
    expect(call.state).toBe('rejected');
    expect(copy?.every((byte) => byte === 0)).toBe(true);
    for (const name of ['apiKey', 'bytes', 'version', 'stage', 'attempt', 'signal'] as const) {
      expect(() => kept?.[name], name).toThrow(TypeError);
    }
    expect(JSON.stringify(kept)).not.toContain(A);
  });

  it('gets no key of this call into its error, not even one dropped while it ran', async () => {
    const { clock, api, client } = scene({}, { current: A, previous: B });
    const seen: string[] = [];
    api.live.clear();

    const call = watch(
      clock,
      client.withKey(async ({ apiKey }) => {
        seen.push(apiKey);
        if (seen.length === 1) throw refusal();
        client.evict();
        throw new Error(`tried ${seen.join(' and ')}`);
      }),
    );
    await clock.advance(10);

    expect(seen).toEqual([A, B]);
    expect(String(call.error)).not.toContain(B);
    expect(String(call.error)).not.toContain(A);
  });
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Starts a call of half a second, and returns an error whose property ends another call when it is read, by its signal. */
async function besideAnother({ clock, client }: Pick<ReturnType<typeof scene>, 'clock' | 'client'>) {
  const controller = new AbortController();
  const error = Object.defineProperty(new Error('x'), 'detail', {
    enumerable: true,
    get() {
      controller.abort(new Error('own abort'));
      return 'detail';
    },
  });
  const other = watch(
    clock,
    client.withKey(async ({ signal }) => pause(clock, 500, signal)),
  );
  await clock.advance(1);
  return { controller, error, other };
}
