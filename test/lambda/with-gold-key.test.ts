import { afterEach, describe, expect, it, vi } from 'vitest';
import { timeLimits } from '../../src/core/index.js';
import { KeyedClient } from '../../src/index.js';
import { withGoldKey } from '../../src/lambda/index.js';
import { manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { setUp } from '../core/helpers.js';
import { contextOf, timeOut, turn, type Context } from './helpers.js';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

describe('a wrapped handler', () => {
  it('is called with what Lambda gives, and its result leaves untouched', async () => {
    const { gold } = setUp();
    const result = { price: 1 };
    const handler = vi.fn(async (..._given: unknown[]) => result);
    const wrapped = withGoldKey(gold, handler);
    const [self, event, context] = [{}, {}, {}];

    expect(await wrapped.call(self, event, context)).toBe(result);
    expect(handler.mock.calls).toEqual([[event, context]]);
    expect(handler.mock.calls[0]?.[0]).toBe(event);
    expect(handler.mock.contexts).toEqual([self]);
  });

  it.each([
    ['rejects', async (error: unknown) => Promise.reject(error as Error)],
    ['throws at once', throwAtOnce],
  ])('that %s: its error leaves untouched, by a rejection', async (_, fail) => {
    const { gold } = setUp();
    const error = Object.freeze(new Error('mine'));
    const wrapped = withGoldKey(gold, () => fail(error));

    await expect((wrapped as () => Promise<unknown>)()).rejects.toBe(error);
    expect(timeLimits.shared).toBeUndefined();
  });

  it('that returns no promise still has its result', async () => {
    const { gold } = setUp();

    const results = [0, '', undefined, null, false].map((value) =>
      (withGoldKey(gold, (() => value) as never) as () => Promise<unknown>)(),
    );

    expect(await Promise.all(results)).toEqual([0, '', undefined, null, false]);
  });

  it('that answers by the callback returns nothing, because a promise would be the answer', async () => {
    const { gold } = setUp();
    const answers: unknown[] = [];
    const handler = (_event: object, _context: object, callback: (error: null, result: string) => void): void => {
      setImmediate(callback, null, 'price');
    };
    const wrapped = withGoldKey(gold, handler as never) as typeof handler;

    expect(wrapped({}, {}, (_, result) => answers.push(result))).toBeUndefined();
    await turn();
    expect(answers).toEqual(['price']);
    expect(timeLimits.shared).toBeUndefined();
  });

  it('keeps what is marked on it, and declares no parameter', () => {
    const { gold } = setUp();
    const named = async (_event: object, _stream: object, _context: object): Promise<void> => undefined;
    const handler = Object.assign(named, {
      [STREAMING]: 'response',
      [Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')]: 1024,
      use: () => 'middy',
    });
    const hidden = Symbol('durable');
    Object.defineProperty(handler, hidden, { value: 'kept', enumerable: false });

    const wrapped = withGoldKey(gold, handler);

    expect(Object.getOwnPropertySymbols(wrapped)).toEqual(Object.getOwnPropertySymbols(handler));
    expect(Object.getOwnPropertyDescriptor(wrapped, hidden)).toEqual(Object.getOwnPropertyDescriptor(handler, hidden));
    expect([wrapped[STREAMING as never], wrapped.name, wrapped.length]).toEqual(['response', 'named', 0]);
    expect(wrapped.use()).toBe('middy');
  });

  it('may be a `function` or a class’s method', async () => {
    const { gold } = setUp();
    const legacy = new Function('return Promise.resolve(1)') as () => Promise<number>;

    expect(await withGoldKey(gold, legacy)()).toBe(1);
  });
});

describe('a call in an invocation', () => {
  it.each([
    [3_000, undefined, 2_500],
    [3_000, { margin: 0 }, 3_000],
    [3_000, { margin: 1_200 }, 1_800],
    [60_000, undefined, 10_000],
    [500, undefined, 1],
    [400, undefined, 1],
    [-9, undefined, 1],
  ])('with %i ms left and %j ends after %i ms', async (left, options, expected) => {
    const { gold, clock } = setUp();
    await gold.prefetch();
    const startedAt = clock.now();
    const handler = withGoldKey(gold, async (_event: object, _context: Context) => timeOut(gold, clock), {
      settle: 0,
      ...options,
    });

    const ended = handler({}, contextOf(clock, left));
    await clock.advance(10_000);

    expect((await ended) - startedAt).toBe(expected);
  });

  it.each([
    ['no context', undefined],
    ['a context that tells no time', {}],
    ['a context that fails to tell it', { getRemainingTimeInMillis: () => throwAtOnce(new Error('no')) }],
    ['a context that tells no number', { getRemainingTimeInMillis: () => Number.NaN }],
    ['a context that cannot be read', new Proxy({}, { get: () => throwAtOnce(new Error('no')) })],
  ])('of %s has its own timeout', async (_, context) => {
    const { gold, clock } = setUp({ timeout: 4_000 });
    const startedAt = clock.now();
    const handler = withGoldKey(gold, async (_event: object, _context: unknown) => timeOut(gold, clock));

    const ended = handler({}, context);
    await clock.advance(4_000);

    expect((await ended) - startedAt).toBe(4_000);
  });

  it('has the time left when it starts, not when the handler did', async () => {
    const { gold, clock } = setUp();
    const startedAt = clock.now();
    const handler = withGoldKey(gold, async (_event: object, _context: Context) => {
      const first = await timeOut(gold, clock).then((at) => at - startedAt);
      return [first, (await timeOut(gold, clock)) - startedAt];
    });

    const ended = handler({}, contextOf(clock, 3_000));
    await clock.advance(2_500);
    await clock.advance(1);

    expect(await ended).toEqual([2_500, 2_501]);
  });

  it('of a streaming handler has the time of its third argument, marked or not', async () => {
    const { gold, clock } = setUp();
    const startedAt = clock.now();
    const handler = withGoldKey(
      gold,
      async (_event: object, stream: { write(text: string): void }, _context: Context) => {
        stream.write('first');
        stream.write(String((await timeOut(gold, clock)) - startedAt));
      },
    );
    const written: string[] = [];

    const ended = handler({}, { write: (text) => written.push(text) }, contextOf(clock, 2_000));
    await clock.advance(1_500);
    await ended;

    expect(written).toEqual(['first', '1500']);
  });

  it('of a durable handler has the time of Lambda’s context in the durable one', async () => {
    const { gold, clock } = setUp();
    const startedAt = clock.now();
    const handler = withGoldKey(gold, async (_event: object, _context: { lambdaContext: Context }) =>
      timeOut(gold, clock),
    );

    const ended = handler({}, { lambdaContext: contextOf(clock, 2_000) });
    await clock.advance(1_500);

    expect((await ended) - startedAt).toBe(1_500);
  });

  it('of a client that was not passed is limited too', async () => {
    const { gold, clock } = setUp();
    const other = new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'other-key-0001' }), clock });
    const handler = withGoldKey(other, async (_event: object, _context: Context) => timeOut(gold, clock));

    const ended = handler({}, contextOf(clock, 1_500));
    await clock.advance(1_000);

    expect(await ended).toBe(clock.now());
  });
});

describe('a call outside of an invocation', () => {
  it('is not limited before it, nor after it', async () => {
    const { gold, clock } = setUp();
    const handler = withGoldKey(gold, async (_event: object, _context: Context) => undefined);
    const startedAt = clock.now();
    const before = timeOut(gold, clock);
    await turn();

    await handler({}, contextOf(clock, 600));
    const after = timeOut(gold, clock);
    await clock.advance(10_000);

    expect([(await before) - startedAt, (await after) - startedAt]).toEqual([10_000, 10_000]);
    expect(timeLimits).toEqual({ shared: undefined, findOwn: undefined });
  });

  it('is not limited when the invocation that left it behind has ended', async () => {
    const { gold, clock } = setUp();
    const startedAt = clock.now();
    let leftBehind: Promise<number> | undefined;
    const handler = withGoldKey(gold, async (_event: object, _context: Context) => {
      leftBehind = turn().then(() => timeOut(gold, clock));
    });

    await handler({}, contextOf(clock, 600));
    await turn();
    await clock.advance(10_000);

    expect(((await leftBehind) as number) - startedAt).toBe(10_000);
  });
});

describe('background loads', () => {
  /** A client whose next load takes `delay`, and a handler that starts it. */
  const setUpReload = (delay: number) => {
    const { gold, clock, keys } = setUp();
    const handler = async (_event: object, _context?: Context): Promise<string> => {
      keys.delay = delay;
      void gold.reload().catch(() => undefined);
      return 'price';
    };
    return { gold, clock, keys, handler };
  };
  /** After how many ms an invocation answers. */
  const measure = async (answer: Promise<unknown>, clock: ReturnType<typeof manualClock>): Promise<number> => {
    const startedAt = clock.now();
    let took = Number.NaN;
    void answer.then(
      () => (took = clock.now() - startedAt),
      () => (took = clock.now() - startedAt),
    );
    await turn();
    for (let waited = 0; waited < 6_000 && Number.isNaN(took); waited += 10) await clock.advance(10);
    return took;
  };

  it.each([
    ['as long as they take', 300, 5_000, undefined, 300],
    ['for `settle` at most', 3_000, 5_000, undefined, 1_000],
    ['for a longer `settle`', 3_000, 9_000, { settle: 2_000 }, 2_000],
    ['up to half of `margin` before the end', 3_000, 900, undefined, 650],
    ['up to half of another `margin`', 3_000, 900, { margin: 200 }, 800],
    ['not at all once that has passed', 3_000, 240, undefined, 0],
    ['not at all where `settle` is 0', 3_000, 5_000, { settle: 0 }, 0],
  ])('are waited for %s', async (_, delay, left, options, expected) => {
    const { gold, clock, handler } = setUpReload(delay);
    await gold.prefetch();

    const answer = withGoldKey(gold, handler, options)({}, contextOf(clock, left));

    expect(await measure(answer, clock)).toBe(expected);
    expect(await answer).toBe('price');
  });

  it('are waited for where nothing tells the time left', async () => {
    const { gold, clock, handler } = setUpReload(3_000);
    await gold.prefetch();

    expect(await measure(withGoldKey(gold, handler)({}), clock)).toBe(1_000);
  });

  it('are waited for when the handler fails, and its error leaves untouched', async () => {
    const { gold, clock, handler } = setUpReload(300);
    await gold.prefetch();
    const error = new Error('mine');
    const answer = withGoldKey(gold, async () => {
      await handler({});
      throw error;
    })();
    answer.catch(() => undefined);

    expect(await measure(answer, clock)).toBe(300);
    await expect(answer).rejects.toBe(error);
  });

  it('are waited for after a streaming handler’s own promise, never before its first byte', async () => {
    const { gold, clock, handler } = setUpReload(300);
    await gold.prefetch();
    const written: number[] = [];
    const startedAt = clock.now();
    const answer = withGoldKey(gold, async (_event: object, stream: { write(): void }, _context: Context) => {
      await handler({});
      stream.write();
    })({}, { write: () => written.push(clock.now() - startedAt) }, contextOf(clock, 5_000));

    expect(await measure(answer, clock)).toBe(300);
    expect(written).toEqual([0]);
  });

  it('of every client are waited for', async () => {
    const { gold, clock, handler } = setUpReload(300);
    const keys = memoryKeyProvider({ current: 'other-key-0001' });
    keys.delay = 700;
    const other = new KeyedClient({ keyProvider: keys, clock });
    await gold.prefetch();
    const answer = withGoldKey([gold, other], async (event: object) => {
      void other.prefetch();
      return handler(event);
    })({});

    expect(await measure(answer, clock)).toBe(700);
  });

  it('that fail change nothing, nor does a client that fails to tell', async () => {
    const { gold, clock, keys, handler } = setUpReload(300);
    class Odd extends KeyedClient {
      override settled(): Promise<void> {
        throw new Error('odd');
      }
    }
    const odd = new Odd({ keyProvider: memoryKeyProvider({ current: 'other-key-0001' }), clock });
    await gold.prefetch();
    keys.failWith(() => new Error('down'));

    const answer = withGoldKey([odd, gold], handler)({});

    expect(await measure(answer, clock)).toBe(300);
    expect(await answer).toBe('price');
    expect(timeLimits.shared).toBeUndefined();
  });

  it('are waited for by whole milliseconds', async () => {
    const { gold, clock } = setUp();
    const timer = vi.spyOn(clock, 'setTimeout');

    await withGoldKey(gold, async (_event: object, _context: Context) => 'price', { margin: 501 })(
      {},
      contextOf(clock, 900),
    );

    expect(timer.mock.calls.map(([, ms]) => ms)).toEqual([649]);
  });

  it('leave no timer behind', async () => {
    const { gold, clock } = setUp();
    const cancelled = vi.fn();
    vi.spyOn(clock, 'setTimeout').mockImplementation(() => ({ cancel: cancelled }));

    await withGoldKey(gold, async () => 'price')();

    expect(cancelled).toHaveBeenCalledTimes(vi.mocked(clock.setTimeout).mock.calls.length);
    expect(clock.setTimeout).toHaveBeenCalledOnce();
  });
});

describe('the first load', () => {
  afterEach(() => vi.unstubAllEnvs());

  const wrap = (type: string | undefined, options?: object): number => {
    vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', type);
    const { gold, keys } = setUp();
    withGoldKey(gold, async () => undefined, options);
    return keys.loads;
  };

  it('starts when an on-demand function initialises', () => {
    expect([wrap('on-demand'), wrap('on-demand', { prefetch: true })]).toEqual([1, 1]);
  });

  it('does not where its request could freeze half done, outside of Lambda, or when not wanted', () => {
    const others = ['provisioned-concurrency', 'snap-start', 'lambda-managed-instances', '', undefined];

    expect(others.map((type) => wrap(type))).toEqual([0, 0, 0, 0, 0]);
    expect(wrap('on-demand', { prefetch: false })).toBe(0);
  });

  it('that fails shows in the first call, and nowhere else', async () => {
    vi.stubEnv('AWS_LAMBDA_INITIALIZATION_TYPE', 'on-demand');
    const rejections: unknown[] = [];
    const note = (reason: unknown): number => rejections.push(reason);
    process.on('unhandledRejection', note);
    const { gold, keys } = setUp();
    keys.failWith(() => new Error('down'));
    const handler = withGoldKey(gold, async () => gold.getPrice('XAU'));
    await turn();
    await turn();
    process.off('unhandledRejection', note);

    await expect(handler()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(rejections).toEqual([]);
    expect(keys.loads).toBe(1);
  });
});

describe('what `withGoldKey` is given', () => {
  const { gold } = setUp();
  const handler = async (): Promise<void> => undefined;

  it.each([
    ['no client', undefined, handler, undefined, TypeError, '`clients`'],
    ['no clients', [], handler, undefined, TypeError, 'an empty array'],
    ['a client that is none', [gold, {}], handler, undefined, TypeError, '`clients`'],
    ['a gap among clients', [gold, undefined], handler, undefined, TypeError, '`clients`'],
    ['a key in place of a client', 'first-key-000001', handler, undefined, TypeError, 'type string'],
    ['no handler', gold, undefined, undefined, TypeError, '`handler`'],
    ['options that are none', gold, handler, null, TypeError, 'options'],
    ['an unknown option', gold, handler, { margins: 1 }, TypeError, '`margin`'],
    ['the other wrapper’s option', gold, handler, { internalKey: 'a' }, TypeError, 'internalKey'],
    ['a margin below 0', gold, handler, { margin: -1 }, RangeError, '`margin`'],
    ['a margin that is no integer', gold, handler, { margin: 0.5 }, RangeError, '`margin`'],
    ['a margin as text', gold, handler, { margin: '500' }, TypeError, '`margin`'],
    ['a settle that is no number', gold, handler, { settle: Number.NaN }, RangeError, '`settle`'],
    ['a settle beyond a timer', gold, handler, { settle: 2 ** 31 }, RangeError, '`settle`'],
    ['a prefetch as text', gold, handler, { prefetch: 'no' }, TypeError, '`prefetch`'],
  ])('is refused: %s', (_, clients, given, options, type, message) => {
    const wrap = (): unknown => withGoldKey(clients as never, given as never, options as never);

    expect(wrap).toThrow(type);
    expect(wrap).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(message) }),
    );
    expect(wrap).not.toThrow('first-key-000001');
  });

  it('is copied: a list may change afterwards', async () => {
    const clients = [gold];
    const wrapped = withGoldKey(clients, handler);
    clients[0] = undefined as never;

    await expect(wrapped()).resolves.toBeUndefined();
  });
});

function throwAtOnce(error: unknown): never {
  throw error;
}
