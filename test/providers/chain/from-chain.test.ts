import { describe, expect, it, vi } from 'vitest';
import { fromBreakGlass, fromChain } from '../../../src/providers/chain/index.js';
import {
  GoldDataClient,
  KeyAccessDeniedError,
  KeyedClient,
  KeyProviderError,
  type KeyProvider,
  type LoadRequest,
} from '../../../src/core/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider, type MemoryKeyProvider } from '../../../src/testing/index.js';
import { failure, request, text } from '../loading.js';

const FIRST = 'sk-invented/first+&=0123456789';
const SECOND = 'sk-invented/second+&=987654321';
const down = (): Error => new KeyProviderError('down', { provider: 'memory' });
const denied = (): Error => new KeyAccessDeniedError('denied', { provider: 'memory' });
const allowed = { dangerouslyAllowPlaintextFallback: true };

interface Pair {
  first: MemoryKeyProvider;
  second: MemoryKeyProvider;
  chain: KeyProvider;
}

function pair(): Pair {
  const [first, second] = [memoryKeyProvider({ current: FIRST }), memoryKeyProvider({ current: SECOND })];
  return { first, second, chain: fromChain([first, second], allowed) };
}

const at = (clock: ReturnType<typeof manualClock>, known?: readonly string[]): LoadRequest => request(clock, { known });

describe('a chain of stores', () => {
  it('asks the first alone while it answers, and hands its version through', async () => {
    const { chain, first, second } = pair();

    const key = await chain.load(request());

    expect([text(key), key?.version, first.loads, second.loads]).toEqual([FIRST, 'v1', 1, 0]);
    expect(await chain.load(request(undefined, { known: ['v1'] }))).toEqual({ unchanged: true, version: 'v1' });
    expect(await chain.load(request(undefined, { stage: 'pending' }))).toBeUndefined();
  });

  it.each([
    ['a fault that may pass', down],
    ['an error of somebody else’s', () => new Error(`connect ECONNREFUSED ${FIRST}`)],
    ['something that is no error', () => 'down'],
  ])('goes on to the next store after %s', async (_, error) => {
    const { chain, first } = pair();
    first.failWith(error);

    const key = await chain.load(request());

    expect([text(key), key?.version]).toEqual([SECOND, '2:v1']);
  });

  it.each([
    ['a refusal', (first: MemoryKeyProvider) => first.failWith(denied), 'ERR_GOLDKEY_ACCESS_DENIED'],
    ['an absence', (first: MemoryKeyProvider) => first.set('current', undefined), 'ERR_GOLDKEY_NOT_FOUND'],
    ['what is no key', (first: MemoryKeyProvider) => first.set('current', `${FIRST} `), 'ERR_GOLDKEY_FORMAT'],
    ['an empty key', (first: MemoryKeyProvider) => first.set('current', ''), 'ERR_GOLDKEY_FORMAT'],
  ])('ends with %s', async (_, spoil, code) => {
    const { chain, first, second } = pair();
    spoil(first);

    const error = await failure(chain.load(request()));

    expect(error).toMatchObject({ code, retryable: false, provider: 'memory' });
    expect(second.loads).toBe(0);
    assertNoSecret(error, FIRST);
  });

  it('fails with the one error there was, or with all of them: retryable if one of them was', async () => {
    const { chain, first, second } = pair();
    first.failWith(() => new KeyProviderError('busy', { provider: 'memory', retryAfter: 700 }));
    second.failWith(denied);

    const error = await failure(chain.load(request()));

    expect(error).toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: true,
      retryAfter: 700,
      provider: 'chain',
      message:
        'No key store of the chain gave a key: memory (ERR_GOLDKEY_PROVIDER), memory (ERR_GOLDKEY_ACCESS_DENIED).',
    });
    expect(((error as Error).cause as AggregateError).errors).toHaveLength(2);
  });

  it('tells a store that gave its bytes away from one that may recover', async () => {
    const { chain, first } = pair();
    vi.spyOn(first, 'load').mockImplementation(async () => {
      const bytes = new TextEncoder().encode(FIRST);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      return { bytes, version: 'v1' };
    });

    const error = await failure(fromChain([first]).load(request()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT', retryable: false });
    expect(await failure(chain.load(request()))).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
  });

  it('does not wait for ever for a store that hangs, and wipes what it brings too late', async () => {
    const clock = manualClock();
    const { chain, first } = pair();
    const late = new TextEncoder().encode(FIRST);
    vi.spyOn(first, 'load').mockImplementation(async () => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 3_000));
      return { bytes: late, version: 'v1' };
    });

    const loading = chain.load(at(clock));
    await clock.advance(2_000);

    expect(text(await loading)).toBe(SECOND);
    await clock.advance(1_000);
    expect(late.every((byte) => byte === 0)).toBe(true);
  });

  it('remembers which one answered, and goes back to the first after a pause that grows', async () => {
    const clock = manualClock();
    const { chain, first } = pair();
    first.failWith(down);
    await chain.load(at(clock, []));

    await chain.load(at(clock, []));
    expect(first.loads).toBe(1);
    await clock.advance(1_000);
    await chain.load(at(clock, []));
    expect(first.loads).toBe(2);
    await clock.advance(1_999);
    await chain.load(at(clock, []));
    expect(first.loads).toBe(2);
    first.failWith(undefined);
    await clock.advance(1);
    expect(text(await chain.load(at(clock, [])))).toBe(FIRST);
  });

  it('keeps to its order when no version is known, and asks a resting store before it gives up', async () => {
    const { chain, first, second } = pair();
    const clock = manualClock();
    first.failWith(down);
    await chain.load(at(clock));
    first.failWith(undefined);
    expect(text(await chain.load(at(clock)))).toBe(FIRST);

    first.failWith(down);
    await chain.load(at(clock));
    first.failWith(undefined);
    second.failWith(denied);
    expect(text(await chain.load(at(clock, [])))).toBe(FIRST);
  });

  it('tells the versions of its stores apart, and each is told of its own', async () => {
    const { chain, first, second } = pair();
    const asked = [vi.spyOn(first, 'load'), vi.spyOn(second, 'load')];
    const known = ['v1', '2:v1', '2:a:b', '9:c'];
    first.failWith(down);

    const answer = await chain.load(request(undefined, { known }));

    expect(answer).toEqual({ unchanged: true, version: '2:v1' });
    expect(asked.map(({ mock }) => mock.calls[0]?.[0].known)).toEqual([['v1'], ['v1', 'a:b']]);
    first.failWith(undefined);
    first.set('current', FIRST, '2:v1');
    const odd = await chain.load(request());
    expect(odd?.version).toBe('1:2:v1');
    expect(await chain.load(request(undefined, { known: ['1:2:v1'] }))).toEqual({ unchanged: true, version: '1:2:v1' });
  });

  it('names the version in an error as it names it elsewhere', async () => {
    const { chain, first, second } = pair();
    first.failWith(down);
    second.failWith(() => new KeyProviderError('damaged', { provider: 'memory', version: 'v1' }));

    const error = await failure(chain.load(request()));

    expect(((error as Error).cause as AggregateError).errors[1]).toMatchObject({ message: 'damaged', version: '2:v1' });
  });

  it('ends with the abort of a load, and asks nobody else', async () => {
    const { chain, first, second } = pair();
    const aborting = new AbortController();
    vi.spyOn(first, 'load').mockImplementation(() => new Promise(() => undefined));
    const loading = chain.load(request(undefined, { signal: aborting.signal }));
    aborting.abort(new Error('closed'));

    expect(await failure(loading)).toMatchObject({ message: 'closed' });
    expect(second.loads).toBe(0);
  });

  it('passes rollouts, reports, notices and the end on to the stores', async () => {
    const told: unknown[] = [];
    const store = (name: string): KeyProvider => ({
      name,
      load: async () => ({ bytes: new TextEncoder().encode(FIRST), version: '3' }),
      rollout: async () => ({ id: 'r', pendingPercent: 10 }),
      report: async (refusal) => void told.push([name, refusal]),
      subscribe: async (onChange) => {
        onChange({ version: '4' });
        onChange({});
        return async () => void told.push([name, 'left']);
      },
      close: async () => void told.push([name, 'closed']),
    });
    const first = { ...store('a'), load: vi.fn(store('a').load) };
    const plain: KeyProvider = { name: 'c', load: async () => undefined };
    const chain = fromChain([first, store('b'), plain]);
    const changes: unknown[] = [];

    expect(await chain.rollout?.(request())).toEqual({ id: 'r', pendingPercent: 10 });
    first.load.mockRejectedValueOnce(down());
    await chain.load(request());
    expect(await chain.rollout?.(request())).toEqual({ id: '2:r', pendingPercent: 10 });
    await chain.report?.({ version: '2:3', rejections: 3 });
    const leave = await chain.subscribe?.((change) => changes.push(change));
    await leave?.();
    await chain.close?.();

    expect(changes).toEqual([{ version: '4' }, {}, { version: '2:4' }, {}]);
    expect(told).toEqual([
      ['b', { version: '3', rejections: 3 }],
      ['a', 'left'],
      ['b', 'left'],
      ['a', 'closed'],
      ['b', 'closed'],
    ]);
    const bare = fromChain([plain]);
    expect([bare.rollout, bare.report, bare.subscribe, bare.close, bare.plaintextAtRest]).toEqual([
      ...Array.from({ length: 4 }, () => undefined),
      false,
    ]);
  });

  it('hears the stores that can be heard, and tries the others again', async () => {
    vi.useFakeTimers();
    const deaf = vi
      .fn()
      .mockRejectedValueOnce(new Error('down'))
      .mockResolvedValue(async () => undefined);
    const well = { ...memoryKeyProvider({}), subscribe: vi.fn().mockResolvedValue(async () => undefined) };
    const chain = fromChain([{ ...memoryKeyProvider({}), subscribe: deaf }, well], allowed);
    const changed = vi.fn();

    const leave = await chain.subscribe?.(changed);
    await vi.advanceTimersByTimeAsync(30_000);
    await leave?.();
    vi.useRealTimers();

    expect([deaf.mock.calls.length, well.subscribe.mock.calls.length]).toEqual([2, 1]);
    expect(changed).toHaveBeenCalledOnce();
    const none = fromChain([{ ...memoryKeyProvider({}), subscribe: () => Promise.reject(new Error('down')) }]);
    expect(await failure(Promise.resolve(none.subscribe?.(changed)))).toMatchObject({ message: 'down' });
  });

  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const stuck: KeyProvider = {
    name: 'stuck',
    load: async () => undefined,
    subscribe: async () => () => never<void>(),
    close: () => never<void>(),
  };

  it('waits no longer than 2 s for a store that never closes, nor for one that never ends its subscription', async () => {
    const clock = manualClock();
    const told: string[] = [];
    const well: KeyProvider = {
      ...memoryKeyProvider({ current: FIRST }),
      subscribe: async () => async () => void told.push('left'),
      close: async () => void told.push('closed'),
    };
    const chain = fromChain([well, stuck, fromBreakGlass({ provider: stuck, enabledBy: () => false, maxDuration: 1 })]);
    await chain.load(request(clock));

    const leave = await chain.subscribe?.(() => undefined);
    const ending = Promise.all([leave?.(), chain.close?.()]).then(() => told.push('ended'));
    await clock.advance(1_999);
    expect(told).toEqual(['left', 'closed']);
    await clock.advance(1);

    await ending;
    expect(told).toEqual(['left', 'closed', 'ended']);
  });

  it('a sealed store alone is not waited for longer either', async () => {
    const clock = manualClock();
    const glass = fromBreakGlass({ provider: stuck, enabledBy: () => true, maxDuration: 1 });
    await glass.load(request(clock));

    const leave = await glass.subscribe?.(() => undefined);
    const ending = Promise.all([leave?.(), glass.close?.()]);
    await clock.advance(2_000);

    expect(await ending).toEqual([undefined, undefined]);
  });

  it('a store whose subscription never begins holds up nothing, and is heard once it does', async () => {
    const clock = manualClock();
    let begin: ((unsubscribe: () => Promise<void>) => void) | undefined;
    const left = vi.fn(async () => undefined);
    const slow = {
      ...memoryKeyProvider({}),
      subscribe: () => new Promise<() => Promise<void>>((done) => (begin = done)),
    };
    const well = { ...memoryKeyProvider({ current: FIRST }), subscribe: async () => async () => undefined };
    const chain = fromChain([well, slow], allowed);
    await chain.load(request(clock));
    const changed = vi.fn();

    const subscribing = Promise.resolve(chain.subscribe?.(changed));
    await clock.advance(2_000);
    const leave = await subscribing;
    expect(changed).not.toHaveBeenCalled();
    begin?.(left);
    await clock.advance(0);
    expect(changed).toHaveBeenCalledOnce();

    await leave?.();
    expect(left).toHaveBeenCalledOnce();
  });

  it('subscribes again although the fake timers it waited on are gone', async () => {
    const realTime = new AbortController();
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(realTime.signal);
    vi.useFakeTimers();
    const deaf = vi
      .fn()
      .mockRejectedValueOnce(new Error('down'))
      .mockResolvedValue(async () => undefined);
    const well = { ...memoryKeyProvider({}), subscribe: async () => async () => undefined };
    const changed = vi.fn();
    const leave = await fromChain([{ ...memoryKeyProvider({}), subscribe: deaf }, well], allowed).subscribe?.(changed);
    vi.useRealTimers();

    realTime.abort();
    await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce());
    await leave?.();
    vi.restoreAllMocks();

    expect(deaf).toHaveBeenCalledTimes(2);
  });

  it.each([
    [[[]], 'empty array'],
    [[undefined], '`providers`'],
    [[[{ name: 'a' }]], '`providers[0]`'],
    [[[memoryKeyProvider({})], { allowPlaintext: true }], 'dangerouslyAllowPlaintextFallback'],
    [[[memoryKeyProvider({})], { dangerouslyAllowPlaintextFallback: 1 }], 'must be a boolean'],
    [[[memoryKeyProvider({}), memoryKeyProvider({})]], '`providers[1]` (memory) holds the key in plaintext'],
  ])('%# is refused at once', (args, says) => {
    const make = (): unknown => fromChain(...(args as [KeyProvider[]]));

    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }));
    expect(make).toThrow(says);
  });

  it('lets a store that holds plaintext come first, and an emergency store come last', () => {
    const plain = memoryKeyProvider({});
    const sealed = fromBreakGlass({ provider: plain, enabledBy: () => false, maxDuration: 1 });

    expect(fromChain([plain, sealed]).plaintextAtRest).toBe(true);
  });
});

describe('a client of a chain', () => {
  it('serves through an outage of the first store, a rotation and its return', async () => {
    const clock = manualClock();
    const { chain, first, second } = pair();
    const live = new Set([FIRST]);
    const gold = new GoldDataClient({
      keyProvider: chain,
      clock,
      retry: false,
      ttlJitter: 0,
      fetchPrice: async (_: string, { apiKey, version }) => {
        if (!live.has(apiKey)) throw Object.assign(new Error('unauthorized'), { status: 401 });
        return version;
      },
    });

    expect(await gold.getPrice()).toBe('v1');
    first.failWith(down);
    live.clear();
    live.add(SECOND);
    expect(await gold.getPrice()).toBe('2:v1');
    first.failWith(undefined);
    first.set('current', SECOND);
    await clock.advance(300_001);
    expect(await gold.getPrice()).toBe('v2');
    expect(gold.status().counts).toMatchObject({ rejections: 1, repairs: 1 });
    second.failWith(denied);
    first.failWith(down);
    await clock.advance(300_001);
    expect(await gold.getPrice()).toBe('v2');
    await gold.close();
  });

  it('drops its key when the first store withdraws it, whatever another has', async () => {
    const clock = manualClock();
    const { chain, first } = pair();
    const client = new KeyedClient({ keyProvider: chain, clock });
    await client.withKey(async ({ apiKey }) => apiKey);
    first.failWith(denied);
    await clock.advance(300_001);

    expect(await failure(client.withKey(async ({ apiKey }) => apiKey))).toMatchObject({
      code: 'ERR_GOLDKEY_ACCESS_DENIED',
    });
    expect(client.status().fingerprint).toBeUndefined();
    await client.close();
  });
});
