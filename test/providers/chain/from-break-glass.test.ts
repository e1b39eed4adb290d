import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromBreakGlass, fromChain } from '../../../src/providers/chain/index.js';
import { KeyAccessDeniedError, KeyedClient, KeyProviderError, type KeyEvents } from '../../../src/core/index.js';
import { manualClock, memoryKeyProvider } from '../../../src/testing/index.js';
import { failure, request, text } from '../loading.js';
import { folderFor } from '../secret-files.js';

const KEY = 'sk-invented/first+&=0123456789';
const EMERGENCY = 'sk-invented/emergency+&=98765';
const HOUR = 3_600_000;

/** An emergency store whose seal a test breaks and mends. */
function emergency(maxDuration = HOUR) {
  const seal = { isBroken: false, looks: 0 };
  const store = memoryKeyProvider({ current: EMERGENCY });
  const enabledBy = (): boolean => {
    seal.looks++;
    return seal.isBroken;
  };
  return { seal, store, glass: fromBreakGlass({ provider: store, enabledBy, maxDuration }) };
}

describe('an emergency store', () => {
  it('answers nobody while it is sealed, and asks its store nothing', async () => {
    const { glass, store } = emergency();

    expect(await failure(glass.load(request()))).toMatchObject({
      code: 'ERR_GOLDKEY_ACCESS_DENIED',
      retryable: false,
      provider: 'break-glass:memory',
    });
    expect(store.loads).toBe(0);
  });

  it('open, hands over a key with a hard end and an alarm, each time in full', async () => {
    const clock = manualClock();
    const { glass, seal } = emergency();
    seal.isBroken = true;
    const until = clock.now() + HOUR;

    const key = await glass.load(request(clock));
    await clock.advance(1_000);
    const again = await glass.load(request(clock, { known: ['v1'] }));

    expect(text(key)).toBe(EMERGENCY);
    expect([key, again]).toMatchObject([
      { version: 'v1', breakGlass: true, until },
      { version: 'v1', breakGlass: true, until },
    ]);
    expect(text(again)).toBe(EMERGENCY);
  });

  it('closes after `maxDuration`, by either clock, until the seal has been whole once', async () => {
    const clock = manualClock();
    const { glass, seal } = emergency();
    seal.isBroken = true;
    await glass.load(request(clock));
    clock.setWall(clock.now() - HOUR);
    await clock.advance(HOUR);
    expect(await failure(glass.load(request(clock)))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });

    seal.isBroken = false;
    await failure(glass.load(request(clock)));
    seal.isBroken = true;
    expect(await glass.load(request(clock))).toMatchObject({ until: clock.now() + HOUR });
    clock.freeze(HOUR);
    expect(await failure(glass.load(request(clock)))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });

  it('is opened by a file, for as long as that is there', async () => {
    const enabledBy = join(await folderFor(), 'open');
    const provider = memoryKeyProvider({ current: EMERGENCY });
    const glass = fromBreakGlass({ provider, enabledBy, maxDuration: HOUR });
    await failure(glass.load(request()));
    await writeFile(enabledBy, '');
    expect(text(await glass.load(request()))).toBe(EMERGENCY);
    await unlink(enabledBy);
    expect(await failure(glass.load(request()))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });

  it('passes notices and the end on to its store, and has no canary', async () => {
    const told: string[] = [];
    const provider = {
      ...memoryKeyProvider({}),
      rollout: async () => ({ id: 'r', pendingPercent: 10 }),
      subscribe: async (onChange: (change: object) => void) => {
        onChange({});
        return async () => void told.push('left');
      },
      close: async () => void told.push('closed'),
    };
    const glass = fromBreakGlass({ provider, enabledBy: () => true, maxDuration: 1 });

    const leave = await glass.subscribe?.(() => told.push('changed'));
    await leave?.();
    await glass.close?.();

    expect(told).toEqual(['changed', 'left', 'closed']);
    expect([glass.rollout, glass.report, glass.plaintextAtRest]).toEqual([undefined, undefined, true]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no'))],
    ['says something else than true', () => 'yes'],
  ])('stays sealed when what should open it %s', async (_, enabledBy) => {
    const provider = memoryKeyProvider({ current: EMERGENCY });
    const glass = fromBreakGlass({ provider, enabledBy: enabledBy as never, maxDuration: HOUR });

    expect(await failure(glass.load(request()))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });

  it.each([
    [{ enabledBy: 'a', maxDuration: 1 }, '`provider`'],
    [{ provider: memoryKeyProvider({}), maxDuration: 1 }, '`enabledBy`'],
    [{ provider: memoryKeyProvider({}), enabledBy: '', maxDuration: 1 }, '`enabledBy`'],
    [{ provider: memoryKeyProvider({}), enabledBy: 'a' }, '`maxDuration`'],
    [{ provider: memoryKeyProvider({}), enabledBy: 'a', maxDuration: 0 }, '`maxDuration`'],
    [{ provider: memoryKeyProvider({}), enabledBy: 'a', duration: 1 }, 'did you mean `maxDuration`'],
  ])('%# is refused at once', (options, says) => {
    const make = (): unknown => fromBreakGlass(options as never);

    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(make).toThrow(says);
  });
});

describe('an emergency store in a chain', () => {
  const faults = [
    ['one that may pass', () => new KeyProviderError('down', { provider: 'memory' })],
    ['one for good', () => new KeyAccessDeniedError('denied', { provider: 'memory' })],
  ] as const;

  it.each(faults)('is passed over while sealed, and asked when open, after a failure: %s', async (_, fault) => {
    const first = memoryKeyProvider({ current: KEY });
    const { glass, seal, store } = emergency();
    const chain = fromChain([first, glass]);
    first.failWith(fault);

    const sealed = await failure(chain.load(request()));
    seal.isBroken = true;
    const open = await chain.load(request());

    const { name, code, message } = fault();
    const says = `${message} The emergency store \`${glass.name}\` is sealed and was not asked.`;
    expect(sealed).toMatchObject({ name, code, message: says, cause: { message } });
    expect([text(open), open?.version, store.loads]).toEqual([EMERGENCY, '2:v1', 1]);
    expect(open).toMatchObject({ breakGlass: true });
    first.failWith(undefined);
    expect(text(await chain.load(request()))).toBe(KEY);
  });

  it('is asked for the `current` key alone, and notices at every load that its seal is whole again', async () => {
    const clock = manualClock();
    const first = memoryKeyProvider({ current: KEY });
    const { glass, seal } = emergency();
    const chain = fromChain([first, glass]);
    first.failWith(faults[0][1]);
    seal.isBroken = true;
    await chain.load(request(clock));
    expect(await failure(chain.load(request(clock, { stage: 'previous' })))).toMatchObject({ message: 'down' });

    first.failWith(undefined);
    seal.isBroken = false;
    await clock.advance(2 * HOUR);
    await chain.load(request(clock));
    seal.isBroken = true;
    first.failWith(faults[0][1]);
    expect(await chain.load(request(clock))).toMatchObject({ until: clock.now() + HOUR });
  });

  it('that fails too: both are told, retryable if one of them was', async () => {
    const first = memoryKeyProvider({ current: KEY });
    const { glass, seal, store } = emergency();
    seal.isBroken = true;
    first.failWith(faults[1][1]);
    store.failWith(faults[1][1]);

    const error = await failure(fromChain([first, glass]).load(request()));
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    seal.isBroken = false;
    expect(await failure(fromChain([glass]).load(request()))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
  });

  it('raises a critical alarm at each load, and nothing serves its key past the end', async () => {
    const clock = manualClock();
    const first = memoryKeyProvider({ current: KEY });
    const { glass, seal, store } = emergency(600_000);
    const client = new KeyedClient({ keyProvider: fromChain([first, glass]), clock, ttlJitter: 0, refreshAhead: 0 });
    onTestFinished(() => client.close());
    const alarms: Array<KeyEvents['break-glass']> = [];
    client.on('break-glass', (alarm) => alarms.push(alarm));
    const use = (): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);
    first.failWith(faults[1][1]);
    seal.isBroken = true;
    const until = clock.now() + 600_000;

    expect(await use()).toBe(EMERGENCY);
    await clock.advance(300_001);
    expect(await use()).toBe(EMERGENCY);
    expect(alarms).toMatchObject([
      { severity: 'critical', until, version: '2:v1' },
      { severity: 'critical', until, version: '2:v1' },
    ]);
    store.failWith(faults[0][1]);
    first.failWith(faults[0][1]);
    await clock.advance(299_999);
    expect(await failure(use())).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect(client.status().fingerprint).toBeUndefined();
  });
});
