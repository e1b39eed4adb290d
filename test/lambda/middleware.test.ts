import middy6 from '@middy/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { timeLimits } from '../../src/core/index.js';
import { goldKeyMiddleware, withGoldKey } from '../../src/lambda/index.js';
import { setUp } from '../core/helpers.js';
import { contextOf, timeOut, turn, type Context } from './helpers.js';

/** Middy, as these tests use it: the types of its two versions differ. */
interface Middy {
  (plugin?: object): Middy;
  (event: object, context: object): Promise<unknown>;
  use(middleware: object): Middy;
  handler(handler: (event: object, context: Context) => unknown): Middy;
}

interface Request {
  internal: Record<string, unknown>;
  context: Context;
  response?: unknown;
  error?: unknown;
}

const hasMiddy7 = Number(process.versions.node.split('.')[0]) >= 22;
const versions: Array<[string, Middy]> = [['6', middy6 as unknown as Middy]];
if (hasMiddy7) versions.push(['7', (await import('middy-7')).default as unknown as Middy]);

afterEach(async () => {
  // What no hook ended is over all the same: the next invocation finds nothing in its place.
  const { gold } = setUp();
  await withGoldKey(gold, async () => undefined)();
  expect(timeLimits).toEqual({ shared: undefined, findOwn: undefined });
});

describe.each(versions)('the middleware in Middy %s', (_, middy) => {
  it('gives other middlewares the client, and its handler the call’s limit', async () => {
    const { gold, clock } = setUp();
    await gold.prefetch();
    const seen: unknown[] = [];
    const handler = middy()
      .use(goldKeyMiddleware(gold))
      .use({ before: ({ internal }: Request) => void seen.push(internal['goldkey']) })
      .handler(async () => timeOut(gold, clock));
    const startedAt = clock.now();

    const ended = handler({}, contextOf(clock, 2_000));
    await turn();
    await clock.advance(1_500);

    expect(((await ended) as number) - startedAt).toBe(1_500);
    expect(seen).toEqual([gold]);
    expect(timeLimits.shared).toBeUndefined();
  });

  it('gives a list of clients as it was passed, under another name', async () => {
    const clients = [setUp().gold, setUp().gold];
    const seen: unknown[] = [];
    const handler = middy()
      .use(goldKeyMiddleware(clients, { internalKey: 'prices' }))
      .use({ before: ({ internal }: Request) => void seen.push(internal['prices'], internal['goldkey']) })
      .handler(() => 'price');

    expect(await handler({}, {})).toBe('price');
    expect(seen).toEqual([clients, undefined]);
    expect(seen[0]).toBe(clients);
  });

  it('puts no key where a handler or a middleware could print it', async () => {
    const { gold } = setUp();
    const seen: string[] = [];
    const handler = middy()
      .use(goldKeyMiddleware(gold))
      .use({ before: (request: Request) => void seen.push(JSON.stringify(request)) })
      .handler(async (_event, context) => {
        await gold.getPrice('XAU');
        seen.push(JSON.stringify(context));
      });

    await handler({}, { functionName: 'gold' });

    expect(seen).toHaveLength(2);
    expect(seen.join('')).not.toContain('first-key');
  });

  it('waits for background loads after the handler, at most `settle`', async () => {
    const { gold, clock, keys } = setUp();
    await gold.prefetch();
    keys.delay = 3_000;
    const startedAt = clock.now();
    const handler = middy()
      .use(goldKeyMiddleware(gold, { settle: 400 }))
      .handler(() => {
        void gold.reload();
        return 'price';
      });

    const answer = handler({}, {}).then((result) => [result, clock.now() - startedAt]);
    await turn();
    for (let waited = 0; waited < 500; waited += 10) await clock.advance(10);

    expect(await answer).toEqual(['price', 400]);
    await clock.advance(3_000);
  });

  it('waits also when the handler fails, and leaves its error untouched', async () => {
    const { gold, clock, keys } = setUp();
    await gold.prefetch();
    keys.delay = 300;
    const error = new Error('mine');
    let endedAt = 0;
    const handler = middy()
      .use(goldKeyMiddleware(gold))
      .handler(() => {
        void gold.reload();
        throw error;
      });

    const startedAt = clock.now();
    const answer = handler({}, {}).catch((thrown: unknown) => {
      endedAt = clock.now();
      return thrown;
    });
    await turn();
    for (let waited = 0; waited < 500; waited += 10) await clock.advance(10);

    expect(await answer).toBe(error);
    expect(endedAt - startedAt).toBe(300);
  });

  it('lets another `onError` answer', async () => {
    const { gold } = setUp();
    const handler = middy()
      .use({ onError: (request: Request) => void (request.response = 'instead') })
      .use(goldKeyMiddleware(gold))
      .handler(() => {
        throw new Error('down');
      });

    expect(await handler({}, {})).toBe('instead');
  });

  it.each([
    ['a later `before` answers early', { before: (): string => 'early' }, 'early'],
    ['a later `after` answers early', { after: (): string => 'early' }, 'early'],
    [
      'a later `onError` fails itself',
      {
        after: (): never => {
          throw new Error('first');
        },
        onError: (): never => {
          throw new Error('second');
        },
      },
      'second',
    ],
  ])('does not limit later calls when %s, so that our hooks are left out', async (_name, middleware, expected) => {
    const { gold, clock } = setUp();
    await gold.prefetch();
    const startedAt = clock.now();
    const handler = middy()
      .use(goldKeyMiddleware(gold))
      .use(middleware)
      .handler(() => 'price');

    const answer = await handler({}, contextOf(clock, 900)).catch((error: Error) => error.message);
    const later = timeOut(gold, clock);
    await clock.advance(10_000);

    expect(answer).toBe(expected);
    expect((await later) - startedAt).toBe(10_000);
  });

  it('leaves a clean-up for who answers early: it waits for the loads, once', async () => {
    const { gold, clock, keys } = setUp();
    await gold.prefetch();
    keys.delay = 300;
    const startedAt = clock.now();
    const times: number[] = [];
    const handler = middy()
      .use(goldKeyMiddleware(gold))
      .use(goldKeyMiddleware(gold, { internalKey: 'second' }))
      .use({
        before: async (request: Request) => {
          void gold.reload();
          const cleanUp = request.internal['goldkey.settle'] as (request?: Request) => Promise<void>;
          await cleanUp(request);
          times.push(clock.now() - startedAt);
          await cleanUp();
          return 'early';
        },
      })
      .handler(() => 'price');

    const answer = handler({}, contextOf(clock, 5_000));
    await turn();
    await clock.advance(300);

    expect(await answer).toBe('early');
    expect(times).toEqual([300]);
    expect(timeLimits.shared).toBeUndefined();
  });

  it('limits the calls of invocations side by side, each by its own time', async () => {
    const { gold, clock } = setUp({ timeout: 60_000 });
    await gold.prefetch();
    const startedAt = clock.now();
    const handler = middy({ timeoutEarlyInMillis: 0 })
      .use(goldKeyMiddleware(gold))
      .use({ before: turn })
      .handler(async () => {
        await turn();
        return (await timeOut(gold, clock)) - startedAt;
      });
    const left = [3_000, 5_000, 2_000, 900];

    const ends = left.map(async (ms) => handler({}, contextOf(clock, ms)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let waited = 0; waited < 5_000; waited += 50) await clock.advance(50);

    expect(await Promise.all(ends)).toEqual(left.map((ms) => ms - 500));
  });

  it('inside a wrapped handler has the smaller time left, and needs no AsyncLocalStorage', async () => {
    const { gold, clock } = setUp();
    await gold.prefetch();
    const startedAt = clock.now();
    const handler = withGoldKey(
      gold,
      middy({ timeoutEarlyInMillis: 0 })
        .use(goldKeyMiddleware(gold, { margin: 900 }))
        .handler(async () => {
          const storage = timeLimits.findOwn;
          return [(await timeOut(gold, clock)) - startedAt, storage];
        }) as never,
    ) as unknown as Middy;

    const ended = handler({}, contextOf(clock, 2_000));
    await turn();
    await clock.advance(1_100);

    expect(await ended).toEqual([1_100, undefined]);
    expect(handler.use).toBeTypeOf('function');
  });
});

describe('the middleware’s hooks', () => {
  it('are named, because Middy shows their names, and give no early answer', async () => {
    const { gold } = setUp();
    const { before, after, onError } = goldKeyMiddleware(gold);
    const request: Request = { internal: {}, context: {} as Context };

    expect([before, after, onError].map(({ name }) => name)).toEqual([
      'goldKeyMiddlewareBefore',
      'goldKeyMiddlewareAfter',
      'goldKeyMiddlewareOnError',
    ]);
    expect([before(request), await after(request), await onError(request)]).toEqual([undefined, undefined, undefined]);
  });

  it('that run alone, as after another middleware’s early answer, do nothing', async () => {
    const { gold } = setUp();
    const { after, onError } = goldKeyMiddleware(gold);

    expect([await after({ internal: {} }), await onError({ internal: {} })]).toEqual([undefined, undefined]);
  });

  it('that have marked their caller’s context leave an invocation that it starts its own time', async () => {
    const { gold, clock } = setUp({ timeout: 60_000 });
    await gold.prefetch();
    const startedAt = clock.now();
    const { before, after } = goldKeyMiddleware(gold);
    const request = { internal: {}, context: contextOf(clock, 2_000) };
    const first = withGoldKey(gold, async () => turn())();
    before(request);
    await first;

    const ended = withGoldKey(gold, async (_event: object, _context: Context) => timeOut(gold, clock))(
      {},
      contextOf(clock, 5_000),
    );
    for (let waited = 0; waited < 5_000; waited += 50) await clock.advance(50);
    await after(request);

    expect((await ended) - startedAt).toBe(4_500);
  });

  it('serve requests side by side that share one `internal`', async () => {
    const { gold, clock, keys } = setUp();
    await gold.prefetch();
    keys.delay = 300;
    void gold.reload();
    const { before, after } = goldKeyMiddleware(gold);
    const internal: Record<string, unknown> = {};
    const requests = [1_000, 2_000].map((ms) => ({ internal, context: contextOf(clock, ms) }));
    for (const request of requests) before(request);
    const settled: number[] = [];

    const cleanUp = internal['goldkey.settle'] as (request: object) => Promise<void>;
    void cleanUp(requests[0] as object).then(() => settled.push(0));
    await turn();
    await clock.advance(300);
    await turn();

    expect(settled).toEqual([0]);
    expect(timeLimits.findOwn).toBeDefined();
    await after(requests[1]);
  });
});

describe('the middleware’s load at the start', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is that of an on-demand function', () => {
    const loads = ['on-demand', 'provisioned-concurrency'].map((type) => {
      vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', type);
      const { gold, keys } = setUp();
      goldKeyMiddleware(gold);
      return keys.loads;
    });

    expect(loads).toEqual([1, 0]);
  });
});

describe('what `goldKeyMiddleware` is given', () => {
  const { gold } = setUp();

  it.each([
    ['no client', undefined, undefined, TypeError, '`clients`'],
    ['an unknown option', gold, { setToContext: true }, TypeError, 'setToContext'],
    ['an empty name', gold, { internalKey: '' }, TypeError, '`internalKey`'],
    ['a name that is no text', gold, { internalKey: 1 }, TypeError, '`internalKey`'],
    ['a margin below 0', gold, { margin: -1 }, RangeError, '`margin`'],
  ])('is refused: %s', (_, clients, options, type, message) => {
    const create = (): unknown => goldKeyMiddleware(clients as never, options as never);

    expect(create).toThrow(type);
    expect(create).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(message) }),
    );
  });
});
