import { describe, expect, it, vi } from 'vitest';
import { isGoldKeyError, KeyAccessDeniedError, KeyedClient, KeyProviderError } from '../../../src/index.js';
import { manualClock, memoryKeyProvider } from '../../../src/testing/index.js';
import { FIRST, SECOND, setUp, tally, THIRD, unauthorized } from '../helpers.js';

const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  );

describe('a refusal is seen', () => {
  const shapes: Record<string, unknown> = {
    'in `status`': Object.assign(new Error('x'), { status: 401 }),
    'in `statusCode`': Object.assign(new Error('x'), { statusCode: 401 }),
    'in `response.status`': Object.assign(new Error('x'), { response: { status: 401 } }),
    'in `response.statusCode`': Object.assign(new Error('x'), { response: { statusCode: 401 } }),
    'in `$metadata.httpStatusCode`': Object.assign(new Error('x'), { $metadata: { httpStatusCode: 401 } }),
    'down the `cause` chain': new Error('a', { cause: new Error('b', { cause: { status: 401 } }) }),
    'in a thrown object': { status: 401 },
    'in a thrown Response': new Response(null, { status: 401 }),
  };

  it.each(Object.entries(shapes))('%s of what was thrown', async (_, thrown) => {
    const { keys, gold } = setUp({
      fetchPrice: async (_symbol, { apiKey }) => {
        if (apiKey === FIRST) throw thrown;
        return 'repaired';
      },
    });
    keys.set('current', FIRST);
    await gold.prefetch();
    keys.set('current', SECOND);

    expect(await gold.getPrice()).toBe('repaired');
    await gold.close();
  });

  it.each([
    ['403', Object.assign(new Error('x'), { status: 403 })],
    ['a text of 401', Object.assign(new Error('401 Unauthorized'), { status: '401' })],
    ['no status', new Error('x')],
    [
      'a getter that throws',
      Object.defineProperty(new Error('x'), 'status', {
        get: () => {
          throw new Error('y');
        },
      }),
    ],
    ['a text', 'Unauthorized'],
    ['nothing', undefined],
  ])('not in %s, which leaves as it came', async (_, thrown) => {
    const { keys, gold } = setUp({ fetchPrice: () => Promise.reject(thrown as Error) });

    expect(await failure(gold.getPrice())).toBe(thrown);
    expect(keys.loads).toBe(1);
    await gold.close();
  });

  it('in a cause chain that is a circle, without end', async () => {
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    const { gold } = setUp({ fetchPrice: () => Promise.reject(circle) });
    expect(await failure(gold.getPrice())).toBe(circle);
    await gold.close();
  });
});

describe('a returned Response', () => {
  const client = (): KeyedClient =>
    new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST }), clock: manualClock() });

  it('with status 401 is repaired, its unread body cancelled before the repeat', async () => {
    const order: string[] = [];
    const keys = memoryKeyProvider({ current: FIRST });
    const gold = new KeyedClient({ keyProvider: keys, clock: manualClock() });
    await gold.prefetch();
    keys.set('current', SECOND);

    const response = await gold.withKey(async ({ apiKey }) => {
      order.push(apiKey === FIRST ? 'first run' : 'repeat');
      if (apiKey === SECOND) return new Response('2000');
      return new Response(new ReadableStream({ cancel: () => void order.push('cancelled') }), { status: 401 });
    });

    expect(await response.text()).toBe('2000');
    expect(order).toEqual(['first run', 'cancelled', 'repeat']);
    await gold.close();
  });

  it('that nothing can repair becomes a KeyRejectedError, and its body is let go', async () => {
    const cancel = vi.fn();
    const gold = client();

    const error = await failure(
      gold.withKey(async () => new Response(new ReadableStream({ cancel }), { status: 401 })),
    );

    expect(isGoldKeyError(error, 'ERR_GOLDKEY_REJECTED')).toBe(true);
    expect((error as Error).cause).toBeUndefined();
    expect(cancel).toHaveBeenCalledOnce();
    await gold.close();
  });

  it('of any other status is returned as the same object, its body unread', async () => {
    const gold = client();
    for (const status of [200, 403, 500]) {
      const response = new Response('body', { status });
      expect(await gold.withKey(async () => response)).toBe(response);
      expect(await response.text()).toBe('body');
    }
    await gold.close();
  });

  it('is told from another object with a status', async () => {
    const gold = client();
    const quote = { status: 401, price: 2_000 };
    expect(await gold.withKey(async () => quote)).toBe(quote);
    await gold.close();
  });
});

describe('after a refusal', () => {
  it('with the same key in the store the call fails, the key stays, and a success clears it', async () => {
    const { gold, keys, desk } = setUp();
    await gold.getPrice();
    desk.rotateTo();

    const error = await failure(gold.getPrice());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', provider: 'memory', version: 'v1', retryAfter: 5_000 });
    expect(gold.status()).toMatchObject({ state: 'rejected', retryAfter: 5_000 });
    expect(desk.calls).toBe(2);
    desk.rotateTo(FIRST);
    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(gold.status().state).toBe('fresh');
    expect(keys.loads).toBe(3);
    await gold.close();
  });

  it('with the store down the call fails with both errors beside each other, and others go on with the key', async () => {
    const { gold, keys, desk } = setUp();
    await gold.getPrice();
    desk.rotateTo();
    const down = new KeyProviderError('down');
    keys.failWith(() => down);

    const error = (await failure(gold.getPrice())) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect((error.cause as AggregateError).errors).toEqual([expect.objectContaining({ status: 401 }), down]);
    desk.rotateTo(FIRST);
    expect(await gold.getPrice()).toBe('XAU 2000');
    await gold.close();
  });

  it('with the store closed to us for good the key is dropped', async () => {
    const { gold, keys, desk } = setUp();
    await gold.getPrice();
    desk.rotateTo();
    keys.failWith(() => new KeyAccessDeniedError('no'));

    const error = (await failure(gold.getPrice())) as Error;

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(gold.status().fingerprint).toBeUndefined();
    await gold.close();
  });

  it('`previous` is tried once, and preferred until the next load of `current`', async () => {
    const { gold, keys, desk, clock } = setUp();
    keys.set('current', SECOND);
    keys.set('previous', FIRST);
    const repaired: unknown[] = [];
    gold.on('repaired', ({ from, stage }) => repaired.push([from, stage]));

    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(repaired).toEqual([['v2', 'previous']]);
    desk.calls = 0;
    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(desk.calls).toBe(1);

    await clock.advance(300_001);
    desk.rotateTo(SECOND);
    desk.calls = 0;
    await gold.getPrice();
    await gold.settled();
    expect(await gold.getPrice()).toBe('XAU 2000');
    expect(repaired).toHaveLength(desk.refusals > 1 ? 2 : 1);
    await gold.close();
  });

  it('a stage without a key is not asked again for its ttl', async () => {
    const { gold, keys, desk, clock } = setUp();
    await gold.getPrice();
    desk.rotateTo();
    const asked: string[] = [];
    const { load } = keys;
    keys.load = (request) => {
      asked.push(request.stage);
      return load(request);
    };

    await failure(gold.getPrice());
    await clock.advance(6_000);
    await failure(gold.getPrice());

    expect(asked).toEqual(['current', 'previous', 'current']);
    await gold.close();
  });

  it('at most two repeats are made, never with bytes refused before', async () => {
    const { gold, keys, clock } = setUp({
      retry: { retries: 2 },
      fetchPrice: (_symbol, { apiKey }) => {
        sent.push(apiKey);
        return Promise.reject(unauthorized());
      },
    });
    const sent: string[] = [];
    await gold.prefetch();
    keys.set('current', SECOND);
    keys.set('previous', THIRD);

    const call = failure(gold.getPrice());
    await clock.advance(10_000);

    expect(await call).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED' });
    expect(sent).toEqual([FIRST, SECOND, THIRD]);
    await gold.close();
  });

  it('under `once` the function is not run again, but the key is asked for', async () => {
    const { gold, keys, desk } = setUp();
    await gold.getPrice();
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);
    desk.calls = 0;

    const error = await failure(gold.getPrice('XAU', { once: true }));
    await gold.settled();

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_REJECTED', cause: { status: 401 } });
    expect(desk.calls).toBe(1);
    expect(await gold.getPrice('XAU', { once: true })).toBe('XAU 2000');
    expect(keys.loads).toBe(2);
    await gold.close();
  });

  it('new callers wait for the reload at most 250 ms, then use the suspect', async () => {
    const { gold, keys, desk, clock } = setUp();
    await gold.getPrice();
    keys.delay = 1_000;
    const refused = failure(gold.withKey(() => Promise.reject(unauthorized())));
    await clock.advance(0);
    expect(gold.status()).toMatchObject({ state: 'suspect', loading: true });
    desk.calls = 0;

    const price = gold.getPrice();
    await clock.advance(249);
    expect(desk.calls).toBe(0);
    await clock.advance(1);

    expect(await price).toBe('XAU 2000');
    // The reload, and then the question for a previous key.
    await clock.advance(2_000);
    await refused;
    await gold.close();
  });

  it('forced reloads say nothing of what is known, ordinary ones do', async () => {
    const { gold, keys, clock, desk } = setUp();
    const known: unknown[] = [];
    const { load } = keys;
    keys.load = (request) => {
      if (request.stage === 'current') known.push(request.known);
      return load(request);
    };
    await gold.getPrice();
    desk.rotateTo();
    await failure(gold.getPrice());
    await gold.reload();
    await clock.advance(280_000);
    desk.rotateTo(FIRST);
    await gold.getPrice();
    await gold.settled();

    expect(known).toEqual([undefined, undefined, undefined, ['v1']]);
    await gold.close();
  });
});

describe('`isKeyRejected`', () => {
  it('takes the place of the default, and may answer with a promise', async () => {
    const { gold, keys } = setUp({
      fetchPrice: async (_symbol, { apiKey }) => (apiKey === FIRST ? '{"code":101}' : '{"price":1}'),
      isKeyRejected: async ({ result }) => typeof result === 'string' && result.includes('101'),
    });
    await gold.prefetch();
    keys.set('current', SECOND);

    expect(await gold.getPrice()).toBe('{"price":1}');
    expect(await failure(gold.withKey(() => Promise.reject(unauthorized())))).toMatchObject({ status: 401 });
    await gold.close();
  });

  it('that throws fails the call with its error', async () => {
    const { gold } = setUp({
      isKeyRejected: () => {
        throw new RangeError('broken');
      },
    });
    expect(await failure(gold.getPrice())).toMatchObject({ name: 'RangeError', message: 'broken' });
    expect(await tally([gold.getPrice()])).toEqual({ good: 0, failed: { RangeError: 1 } });
    await gold.close();
  });
});
