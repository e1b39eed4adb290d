import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CallTimeoutError,
  ClientClosedError,
  GoldDataClient,
  KeyAccessDeniedError,
  KeyNotFoundError,
  KeyProviderError,
} from '../../../src/core/index.js';
import {
  firstAvailable,
  metalsApi,
  PriceApiError,
  type FirstAvailableOptions,
  type PriceClient,
  type PriceQuery,
  type Quote,
} from '../../../src/prices/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider, type ManualClock } from '../../../src/testing/index.js';
import { startFakePriceApi, type FakePriceApi } from '../../../src/testing/fake-price-api/server.js';
import { Desk, fault, quoteOf } from './desk.js';
import { rejection } from '../scripted-api.js';

let clock: ManualClock;
let desks: [Desk, Desk, Desk];

beforeEach(() => {
  clock = manualClock();
  desks = [new Desk('a', clock), new Desk('b', clock), new Desk('c', clock)];
});

const together = (options: FirstAvailableOptions = {}): ReturnType<typeof firstAvailable> =>
  firstAvailable(desks, { clock, ...options });
const askedBy = (): string => desks.flatMap((desk) => desk.asked.map(() => desk.name)).join('');

/** What a promise has come to so far. */
function seen<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const outcome: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.error = error),
  );
  return outcome;
}

describe('asking in order', () => {
  it('the first client answers, and no other is asked', async () => {
    expect(await together().getPrice('XAG')).toEqual(quoteOf('a', 'XAG'));
    expect(askedBy()).toBe('a');
  });

  it('gold is asked for unless something else is', async () => {
    expect(await together().getPrice()).toMatchObject({ metal: 'XAU', source: 'a' });
    expect(await together().getPrice({ metal: 'XPT', currency: 'EUR' })).toMatchObject({ metal: 'XPT' });
    expect(desks[0].asked.map(({ queries }) => queries)).toEqual([['XAU'], [{ metal: 'XPT', currency: 'EUR' }]]);
  });

  it('one client answers a whole list, and an empty one asks nobody', async () => {
    desks[0].next(fault('plan'));
    const gold = together();

    expect(await gold.getPrices(['XAU', 'XAG'])).toEqual([quoteOf('b', 'XAU'), quoteOf('b', 'XAG')]);
    expect(await gold.getPrices([])).toEqual([]);
    expect(askedBy()).toBe('ab');
  });

  it.each([
    ['a key store that is down', new KeyProviderError('down')],
    ['a key that is denied', new KeyAccessDeniedError('denied')],
    ['a price API without the metal', fault('bad-request')],
    ['a volume used up', fault('quota')],
    ['a price that cannot be', fault('implausible')],
    ['a closed client', new ClientClosedError('closed')],
    ['an error of nobody’s', new TypeError('odd')],
    ['no error at all', 'a string'],
    ['nothing', undefined],
  ])('%s moves on to the next', async (_, error) => {
    desks[0].next(error);
    expect(await together().getPrice()).toEqual(quoteOf('b', 'XAU'));
    expect(askedBy()).toBe('ab');
  });

  it('a client that throws at once is a failure like any other', async () => {
    const odd: PriceClient = {
      getPrice() {
        throw new Error('at once');
      },
      getPrices: () => Promise.resolve([]),
    };
    expect(await firstAvailable([odd, desks[1]], { clock }).getPrice()).toEqual(quoteOf('b', 'XAU'));
  });

  it('fits where a client does: one may stand within another', async () => {
    desks[0].next(fault('quota'));
    desks[1].next(fault('quota'));
    const nested = firstAvailable([firstAvailable([desks[0], desks[1]], { clock }), desks[2]], { clock });
    expect(await nested.getPrice()).toEqual(quoteOf('c', 'XAU'));
  });
});

describe('when all of them fail', () => {
  it('a single client’s error leaves as it is', async () => {
    const error = new KeyNotFoundError('none');
    desks[0].next(error);
    expect(await rejection(firstAvailable([desks[0]], { clock }).getPrice())).toBe(error);
  });

  it('of several one error tells who failed with what, in the order asked', async () => {
    const errors = [fault('quota'), new KeyAccessDeniedError('denied'), new TypeError('sk-not-for-a-message')];
    desks.forEach((desk, index) => desk.next(errors[index]));

    const error = (await rejection(together().getPrice())) as PriceApiError;

    expect(error).toBeInstanceOf(PriceApiError);
    expect(error).toMatchObject({ kind: 'quota', source: 'first-available', retryable: false });
    expect(error.message).toBe(
      'None of the 3 clients gave a price: client 1 (an-api, quota), client 2 (ERR_GOLDKEY_ACCESS_DENIED), ' +
        'client 3 (another error).',
    );
    expect((error.cause as AggregateError).errors).toEqual(errors);
    expect(error.retryAfter).toBeUndefined();
  });

  it.each([
    ['transient', [fault('quota'), new KeyProviderError('down'), fault('plan')]],
    ['transient', [fault('quota'), Object.assign(new Error('socket'), { code: 'ECONNRESET' }), fault('plan')]],
    ['plan', [new KeyAccessDeniedError('denied'), fault('plan'), fault('quota')]],
    ['key-rejected', [new KeyAccessDeniedError('denied'), new TypeError('odd'), new KeyNotFoundError('none')]],
    ['bad-request', [new TypeError('odd'), 'a string', undefined]],
  ] as const)('the kind is %s (%#)', async (kind, errors) => {
    desks.forEach((desk, index) => desk.next(errors[index]));
    expect(await rejection(together().getPrice())).toMatchObject({ kind, retryable: kind === 'transient' });
  });

  it('the least wait is told when each has one', async () => {
    const waits = [9_000, 4_000, 7_000];
    desks.forEach((desk, index) => desk.next(fault('rate-limited', waits[index])));
    expect(await rejection(together().getPrice())).toMatchObject({ kind: 'transient', retryAfter: 4_000 });
  });
});

describe('time', () => {
  it('a client that hangs has its even share, and the next has its own of what is left', async () => {
    desks[0].hang();
    desks[1].hang();
    const outcome = seen(together({ timeout: 9_000 }).getPrice());

    await clock.advance(2_999);
    expect(askedBy()).toBe('a');
    await clock.advance(1);
    expect(askedBy()).toBe('ab');
    await clock.advance(3_000);

    expect(outcome.value).toEqual(quoteOf('c', 'XAU'));
    expect(desks.map((desk) => desk.asked[0]?.timeout)).toEqual([3_000, 3_000, 3_000]);
  });

  it('a quick failure leaves its share to the others', async () => {
    desks[0].next(fault('quota'));
    await together({ timeout: 9_000 }).getPrice();
    expect(desks[1].asked[0]?.timeout).toBe(4_500);
  });

  it('the deadline ends the call with what had come to it, and ends the client that was being asked', async () => {
    desks[0].next(fault('quota'));
    desks[1].hang();
    desks[2].hang();
    const outcome = seen(together().getPrice('XAU', { timeout: 4_000 }));

    await clock.advance(3_999);
    expect(outcome).toEqual({});
    await clock.advance(1);

    expect(outcome.error).toBeInstanceOf(CallTimeoutError);
    expect((outcome.error as Error).message).toContain(
      '(client 1 (an-api, quota), client 2 (ERR_GOLDKEY_TIMEOUT), client 3 was being asked)',
    );
    expect(((outcome.error as Error).cause as AggregateError).errors).toHaveLength(2);
    expect(desks[2].running).toBe(0);
  });

  it('the deadline is ten seconds, also with a client that listens to nothing', async () => {
    const deaf: PriceClient = { getPrice: () => new Promise(() => undefined), getPrices: () => Promise.resolve([]) };
    const outcome = seen(firstAvailable([deaf, desks[1]], { clock }).getPrice());

    await clock.advance(9_999);
    expect(outcome).toEqual({});
    await clock.advance(1);

    expect(outcome.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT', retryable: true });
    expect(askedBy()).toBe('');
  });

  it('a last client whose own timer rings first comes to the same error', async () => {
    desks[0].next(fault('quota'));
    desks[1].hang(-1);
    const outcome = seen(firstAvailable([desks[0], desks[1]], { clock }).getPrice());

    await clock.advance(9_999);

    expect(outcome.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT', message: expect.stringContaining('client 2') });
  });

  it('no timer is left when a call has ended', async () => {
    let timers = 0;
    const counting = {
      ...clock,
      setTimeout: (...args: Parameters<ManualClock['setTimeout']>) => {
        const timer = clock.setTimeout(...args);
        timers++;
        return { cancel: () => void (timers--, timer.cancel()) };
      },
    };
    await firstAvailable([desks[0]], { clock: counting }).getPrice();
    desks[0].next(fault('quota'));
    await rejection(firstAvailable([desks[0]], { clock: counting }).getPrice());
    expect(timers).toBe(0);
  });
});

describe('the caller’s own signal', () => {
  it('ends the call at once with its reason, ends the client, and asks no other', async () => {
    desks[0].hang();
    const caller = new AbortController();
    const outcome = seen(together().getPrice('XAU', { signal: caller.signal }));

    await clock.advance(1);
    caller.abort('enough');
    await clock.advance(0);

    expect(outcome).toEqual({ error: 'enough' });
    expect(desks[0].running).toBe(0);
    expect(askedBy()).toBe('a');
  });

  it('asks nobody when it has aborted before', async () => {
    const signal = AbortSignal.abort('before');
    expect(await rejection(together().getPrices(['XAU'], { signal }))).toBe('before');
    expect(askedBy()).toBe('');
  });

  it('is no failure of the client: the next call starts with it', async () => {
    desks[0].hang();
    const caller = new AbortController();
    const gold = together();
    const outcome = seen(gold.getPrice('XAU', { signal: caller.signal }));
    await clock.advance(1);
    caller.abort('enough');
    await clock.advance(0);

    expect(await gold.getPrice()).toEqual(quoteOf('a', 'XAU'));
    expect(outcome.error).toBe('enough');
  });

  it('may be shared by many calls', async () => {
    const warnings: unknown[] = [];
    const hear = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', hear);
    desks[0].hang(0, 40);
    const caller = new AbortController();
    const gold = together();
    const calls = Array.from({ length: 40 }, () => seen(gold.getPrice('XAU', { signal: caller.signal })));
    await clock.advance(1);
    caller.abort('enough');
    await clock.advance(0);

    expect(calls.map(({ error }) => error)).toEqual(calls.map(() => 'enough'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });
});

describe('a client that has just failed', () => {
  it('comes last for the cooldown, then one call tries it again', async () => {
    desks[0].next(fault('transient'));
    const gold = together();
    await gold.getPrice();

    await clock.advance(29_999);
    expect(await gold.getPrice()).toMatchObject({ source: 'b' });
    await clock.advance(1);
    desks[0].hang();
    const trial = seen(gold.getPrice());
    const others = await Promise.all([gold.getPrice(), gold.getPrice()]);

    expect(others.map(({ source }) => source)).toEqual(['b', 'b']);
    expect(desks[0].asked).toHaveLength(2);
    await clock.advance(3_334);
    expect(trial.value).toMatchObject({ source: 'b' });
    expect(await gold.getPrice()).toMatchObject({ source: 'b' });
  });

  it('a success puts it back in its place, also one it had as the last', async () => {
    const gold = together();
    for (const desk of desks) desk.next(fault('transient'));
    await rejection(gold.getPrice());
    desks[0].next(fault('transient'));
    desks[1].next(fault('transient'));

    expect(await gold.getPrice()).toMatchObject({ source: 'c' });
    expect(await gold.getPrice()).toMatchObject({ source: 'c' });
    expect(desks.map(({ asked }) => asked.length)).toEqual([2, 2, 3]);
  });

  it('when all cool down they are asked in order', async () => {
    const gold = together();
    for (const desk of desks) desk.next(fault('transient'));
    await rejection(gold.getPrice());
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });

  it.each([
    ['a request it cannot serve', fault('bad-request')],
    ['arguments it does not take', Object.assign(new TypeError('odd'), { code: 'ERR_INVALID_ARG_VALUE' })],
  ])('%s says nothing against it', async (_, error) => {
    desks[0].next(error);
    const gold = together();
    await gold.getPrice();
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });

  it('a longer `retryAfter` prolongs the cooldown, a shorter one does not cut it', async () => {
    desks[0].next(fault('rate-limited', 60_000));
    desks[1].next(fault('rate-limited', 1_000));
    const gold = together();
    await gold.getPrice();

    await clock.advance(29_999);
    expect(await gold.getPrice()).toMatchObject({ source: 'c' });
    await clock.advance(1);
    expect(await gold.getPrice()).toMatchObject({ source: 'b' });
    await clock.advance(30_000);
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });

  it('the deadline counts against the client that was being asked', async () => {
    const deaf = new Desk('deaf', clock);
    deaf.getPrice = () => new Promise(() => undefined);
    const gold = firstAvailable([deaf, desks[1]], { clock });
    const outcome = seen(gold.getPrice());
    await clock.advance(10_000);

    expect(outcome.error).toBeInstanceOf(CallTimeoutError);
    expect(await gold.getPrice()).toMatchObject({ source: 'b' });
  });

  it('a trial that its caller gives up leaves the next one to another call', async () => {
    desks[0].next(fault('transient'));
    const gold = together();
    await gold.getPrice();
    await clock.advance(30_000);
    desks[0].hang();
    const caller = new AbortController();
    const outcome = seen(gold.getPrice('XAU', { signal: caller.signal }));
    await clock.advance(1);
    caller.abort('enough');
    await clock.advance(0);

    expect(outcome.error).toBe('enough');
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });

  it('cooldown 0 asks in order, always', async () => {
    desks[0].next(fault('rate-limited', 60_000));
    const gold = together({ cooldown: 0 });
    expect(await gold.getPrice()).toMatchObject({ source: 'b' });
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });
});

describe('close', () => {
  it('lets running calls finish, closes every client once, and refuses new calls', async () => {
    desks[0].hang();
    const gold = together({ timeout: 9_000 });
    const running = seen(gold.getPrice());
    const closing = gold.close();
    await clock.advance(2_999);
    expect(desks.map(({ closed }) => closed)).toEqual([0, 0, 0]);
    await clock.advance(1);
    await closing;
    await gold[Symbol.asyncDispose]();

    expect(running.value).toEqual(quoteOf('b', 'XAU'));
    expect(desks.map(({ closed }) => closed)).toEqual([1, 1, 1]);
    expect(await rejection(gold.getPrice())).toBeInstanceOf(ClientClosedError);
    expect(await rejection(gold.getPrices(['XAU']))).toBeInstanceOf(ClientClosedError);
  });

  it('closes the others when one of them fails to', async () => {
    desks[0].close = () => Promise.reject(new Error('stuck'));
    expect(await rejection(together().close())).toMatchObject({ message: 'stuck' });
    expect(desks.map(({ closed }) => closed)).toEqual([0, 1, 1]);
  });
});

describe('arguments', () => {
  const some = { getPrice: () => undefined, getPrices: () => undefined };

  it.each([
    [undefined, {}, TypeError, /`clients` must be an array/],
    [{ ...some }, {}, TypeError, /`clients` must be an array/],
    [[], {}, RangeError, /at least one client/],
    [[some, 'sk-pasted-0123'], {}, TypeError, /`clients\[1\]` must be a client.*got a value of type string/],
    [[null], {}, TypeError, /`clients\[0\]`.*got null/],
    [[{ getPrice: some.getPrice }], {}, TypeError, /`getPrices`/],
    [[{ ...some, close: true }], {}, TypeError, /`clients\[0\]\.close` must be a function/],
    [[some, some], {}, RangeError, /`clients\[1\]` is in the list twice/],
    [[some], { timeout: 0 }, RangeError, /`timeout`/],
    [[some], { cooldown: -1 }, RangeError, /`cooldown`/],
    [[some], { clock: {} }, TypeError, /`clock`/],
    [[some], { cooldwon: 1 }, TypeError, /did you mean `cooldown`/],
    [[some], null, TypeError, /options object/],
  ])('%# are refused at once', (clients, options, type, message) => {
    const make = (): unknown => firstAvailable(clients as never, options as never);
    expect(make).toThrow(type);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each([
    [{ timeout: 0 }, /`timeout`/],
    [{ signal: {} }, /`signal` must be an AbortSignal/],
    [{ once: true }, /no option `once`/],
  ])('of a call: %j rejects, and asks nobody', async (options, message) => {
    const error = await rejection(together().getPrice('XAU', options as never));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) });
    expect(await rejection(together().getPrices('XAU' as never))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(askedBy()).toBe('');
  });

  it('the list is copied', async () => {
    const list: PriceClient[] = [desks[0]];
    const gold = firstAvailable(list, { clock });
    list.unshift(desks[1]);
    expect(await gold.getPrice()).toMatchObject({ source: 'a' });
  });
});

describe('with price APIs behind it', () => {
  const KEYS = ['test-key/one+0123', 'test-key/two+0123'] as const;
  const apis: FakePriceApi[] = [];
  const closing: AsyncDisposable[] = [];

  beforeEach(async () => {
    apis.splice(0, 2, ...(await Promise.all(KEYS.map((key) => startFakePriceApi({ keys: [key] })))));
  });
  afterEach(async () => {
    await Promise.all([...closing.splice(0), ...apis].map((each) => each[Symbol.asyncDispose]()));
  });

  function clients(): [GoldDataClient<Quote, string | PriceQuery>, GoldDataClient<Quote, string | PriceQuery>] {
    const [one, two] = KEYS.map((key, index) => {
      const keyProvider = memoryKeyProvider({ current: key });
      const baseUrl = apis[index]?.url;
      return new GoldDataClient({ keyProvider, clock, retry: false, ...metalsApi({ baseUrl }) });
    });
    return [one, two] as ReturnType<typeof clients>;
  }

  it('has the types of what it takes and gives', async () => {
    const keyProvider = memoryKeyProvider({ current: KEYS[0] });
    const client: PriceClient = new GoldDataClient({ keyProvider, ...metalsApi() });
    const gold: PriceClient = firstAvailable([client]);
    const quotes: [Promise<Quote>, Promise<Quote[]>] | undefined =
      gold === client ? [gold.getPrice(), gold.getPrices(['XAU', { metal: 'XAG' }])] : undefined;
    const own = new GoldDataClient({ keyProvider, fetchPrice: async (symbol: string) => symbol.length });
    // @ts-expect-error a client whose answer is no quote
    const none = (): unknown => firstAvailable([own]);

    expect([quotes, typeof none]).toEqual([undefined, 'function']);
    await Promise.all([client.close?.(), own.close()]);
  });

  it('takes clients as they are made, and repairs nothing twice', async () => {
    const gold = firstAvailable(clients());
    closing.push(gold);

    const first: Quote = await gold.getPrice();
    apis[0]?.inject('quota');
    const several = await gold.getPrices(['XAU', { metal: 'XAG', currency: 'EUR' }]);

    expect([first, ...several].map(({ metal }) => metal)).toEqual(['XAU', 'XAU', 'XAG']);
    expect(apis.map(({ calls }) => calls.length)).toEqual([2, 1]);
  });

  it('a hanging API costs its share of the time, once', async () => {
    apis[0]?.inject('slow', { times: Infinity });
    const gold = firstAvailable(clients(), { clock });
    closing.push(gold);

    const first = seen(gold.getPrice());
    await expect.poll(() => apis[0]?.calls.length).toBe(1);
    await clock.advance(5_000);
    await expect.poll(() => first.value).toMatchObject({ metal: 'XAU' });
    await gold.getPrice();

    expect(apis.map(({ calls }) => calls.length)).toEqual([1, 2]);
  });

  it('no error of it holds a key', async () => {
    const gold = firstAvailable(clients(), { clock });
    closing.push(gold);
    KEYS.forEach((key, index) => apis[index]?.revoke(key));
    const refused = await rejection(gold.getPrice());
    apis.forEach((api) => {
      // A request on a kept connection is sent once more.
      api.inject('reset', { times: 2 });
    });
    const cut = await rejection(gold.getPrice());
    apis.forEach((api) => {
      api.inject('slow');
    });
    const hanging = seen(gold.getPrice());
    for (const calls of [3, 4]) {
      await expect.poll(() => apis.reduce((sum, api) => sum + api.calls.length, 0)).toBe(calls + 4);
      await clock.advance(5_000);
    }
    const late = hanging.error;

    expect(refused).toMatchObject({ kind: 'key-rejected', message: expect.stringContaining('client 2 (metals-api, ') });
    expect(cut).toMatchObject({ kind: 'transient' });
    expect(late).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    for (const error of [refused, cut, late]) for (const key of KEYS) assertNoSecret(error, key);
  });
});
