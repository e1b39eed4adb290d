import { channel } from 'node:diagnostics_channel';
import { hostname } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { audit, type AuditSink } from '../../src/audit/index.js';
import { KeyAccessDeniedError, KeyedClient, KeyProviderError } from '../../src/index.js';
import { noteStoreRequest } from '../../src/core/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { FIRST, SECOND, setUp } from '../core/helpers.js';
import { MemorySink, setUpAudit } from './scene.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the records of a client', () => {
  it('a load is recorded with version, fingerprint, host and process, after the record that the log opened', async () => {
    const { gold, sink, log } = setUpAudit({ actor: 'gold-data-stream' });

    await gold.getPrice();
    await log.flush();

    expect(sink.records[0]).toMatchObject({ v: 1, seq: 1, event: 'opened', outcome: 'success', pid: process.pid });
    expect(sink.records[1]).toMatchObject({
      v: 1,
      seq: 2,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      time: '2023-11-14T22:13:20.000Z',
      event: 'key.loaded',
      outcome: 'success',
      severity: 'info',
      client: 'gold',
      provider: 'memory',
      stage: 'current',
      version: 'v1',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      durationMs: 0,
      host: hostname(),
      pid: process.pid,
      actor: 'gold-data-stream',
    });
  });

  it('a load names the master key and the request that its store told of', async () => {
    const load = (): Promise<{ bytes: Uint8Array; version: string }> =>
      Promise.resolve({
        bytes: noteStoreRequest(new TextEncoder().encode(FIRST), { keyId: 'arn:aws:kms:x', requestId: 'r-1' }),
        version: '1',
      });
    const client = new KeyedClient({ keyProvider: { name: 'kms', load } });
    const sink = new MemorySink();
    const log = audit(client, sink);

    await client.prefetch();
    await log.close();

    expect(sink.find('key.loaded')).toMatchObject([{ keyId: 'arn:aws:kms:x', requestId: 'r-1' }]);
  });

  it('a failed load has its code, and the request that the AWS error in its causes names', async () => {
    const { gold, keys, sink, log } = setUpAudit();
    const aws = Object.assign(new Error('denied'), { $metadata: { requestId: 'r-2', httpStatusCode: 400 } });
    keys.failWith(() => new KeyAccessDeniedError('no', { cause: new Error('outer', { cause: aws }) }));

    await expect(gold.getPrice()).rejects.toThrow('no');
    await log.flush();

    const failure = { outcome: 'failure', severity: 'critical', code: 'ERR_GOLDKEY_ACCESS_DENIED', requestId: 'r-2' };
    expect(sink.find('key.load-failed')).toMatchObject([
      { stage: 'current', ...failure },
      { stage: 'previous', ...failure },
    ]);
    expect(sink.find('key.used')).toEqual([]);
  });

  it('causes that lead in a circle, or throw when read, are no request', async () => {
    const { gold, keys, sink, log } = setUpAudit();
    const circle: Error = new Error('round');
    circle.cause = circle;
    const hostile = Object.defineProperty(new Error('hostile'), '$metadata', {
      get() {
        throw new Error('no');
      },
    });
    for (const cause of [circle, hostile]) {
      keys.failWith(() => new KeyProviderError('down', { cause }));
      gold.evict();
      await gold.getPrice().catch(() => undefined);
    }
    await log.flush();

    for (const record of sink.find('key.load-failed')) expect(record).not.toHaveProperty('requestId');
    expect(sink.find('key.load-failed').length).toBeGreaterThan(0);
  });

  it('a refused key, its repair and the uses of both versions are recorded', async () => {
    const { gold, keys, desk, sink, log } = setUpAudit();
    for (let call = 0; call < 3; call++) await gold.getPrice();
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);

    await gold.getPrice();
    await gold.getPrice();
    await log.flush();

    expect(sink.find('key.rejected')).toMatchObject([{ version: 'v1', failures: 1, severity: 'warning' }]);
    expect(sink.find('key.repaired')).toMatchObject([{ version: 'v2', uses: 1, outcome: 'success' }]);
    const used = sink
      .find('key.used')
      .map(({ version, outcome, uses, failures }) => [version, outcome, uses, failures]);
    expect(used.toSorted()).toEqual([
      ['v1', 'failure', 1, 1],
      ['v1', 'success', 3, 0],
      ['v2', 'success', 2, 0],
    ]);
  });

  it('uses are written once per interval, with the time that they stand for, and not without any', async () => {
    const { gold, clock, sink, log } = setUpAudit({ usageInterval: 10_000 });
    for (let call = 0; call < 5; call++) await gold.getPrice();
    await clock.advance(10_000);
    await clock.advance(20_000);
    await gold.getPrice();
    await clock.advance(10_000);
    await log.flush();

    expect(sink.find('key.used')).toMatchObject([
      { uses: 5, failures: 0, version: 'v1', stage: 'current', since: '2023-11-14T22:13:20.000Z' },
      { uses: 1, since: '2023-11-14T22:13:50.000Z', time: '2023-11-14T22:14:00.000Z' },
    ]);
  });

  it('a warm call is not looked at: nothing is read of the client, and nothing written, until the interval ends', async () => {
    const { gold, clock, sink, log } = setUpAudit();
    await gold.getPrice();
    await log.flush();
    const status = vi.spyOn(gold, 'status');
    const written = sink.lines.length;
    for (let call = 0; call < 1_000; call++) await gold.getPrice();

    expect([status.mock.calls.length, sink.lines.length]).toEqual([0, written]);
    await clock.advance(60_000);
    await log.flush();
    expect(sink.find('key.used').at(-1)).toMatchObject({ uses: 1_000 });
  });

  it('callers of a herd that wait for the first load count for the key that it brings', async () => {
    const { gold, keys, clock, sink, log } = setUpAudit();
    keys.delay = 50;
    const calls = Array.from({ length: 100 }, () => gold.getPrice());
    await clock.advance(50);
    await Promise.all(calls);
    await log.flush();

    expect(sink.find('key.used')).toMatchObject([{ uses: 100, version: 'v1' }]);
  });

  it('calls that found no key used none', async () => {
    const { gold, keys, clock, sink, log } = setUpAudit();
    keys.failWith(() => new KeyProviderError('down'));
    for (let call = 0; call < 5; call++) await gold.getPrice().catch(() => undefined);
    keys.failWith(undefined);
    await clock.advance(5_000);
    await gold.getPrice();
    await log.flush();

    expect(sink.find('key.used')).toMatchObject([{ uses: 1, outcome: 'success' }]);
  });

  it('the last uses of a client are written when it closes, and the end of the log when that closes', async () => {
    const { gold, sink, log } = setUpAudit();
    await gold.getPrice();
    await gold.close();
    await log.close();
    await log.close();

    expect(sink.find('key.used')).toMatchObject([{ uses: 1, client: 'gold' }]);
    expect(sink.records.slice(-2).map(({ event }) => event)).toEqual(['closed', 'checkpoint']);
    expect(sink.closed).toBe(1);
  });

  it('an eviction, a stale key, a closed gate and an emergency key are recorded', async () => {
    const { gold, keys, clock, desk, sink, log } = setUpAudit(
      {},
      { refusalGate: { after: 2 }, reloadCooldown: 0, ttl: 1_000, refreshAhead: 0 },
    );
    await gold.getPrice();
    keys.failWith(() => new KeyProviderError('down'));
    await clock.advance(2_000);
    await gold.getPrice();
    gold.evict('stolen');
    keys.failWith(undefined);
    await clock.advance(60_000);
    await gold.getPrice();
    desk.rotateTo();
    for (let call = 0; call < 6; call++) {
      await gold.getPrice().catch(() => undefined);
      await clock.advance(1_100);
    }
    await log.flush();

    for (const event of ['key.stale', 'key.evicted', 'gate.closed']) expect(sink.events, event).toContain(event);
    expect(sink.find('key.stale')[0]).toMatchObject({ severity: 'warning', uses: 1, code: 'ERR_GOLDKEY_PROVIDER' });
    expect(sink.find('gate.closed')[0]).toMatchObject({ severity: 'critical', outcome: 'failure' });
  });

  it('an emergency key is recorded as critical', async () => {
    const load = (): Promise<object> =>
      Promise.resolve({ bytes: new TextEncoder().encode(FIRST), version: '1', breakGlass: true });
    const client = new KeyedClient({ keyProvider: { name: 'glass', load: load as never } });
    const sink = new MemorySink();
    const log = audit(client, sink);
    await client.prefetch();
    await log.close();

    expect(sink.find('break-glass')).toMatchObject([{ severity: 'critical', client: 'glass', version: '1' }]);
  });

  it('rotation steps and alerts come from their channels until the log closes', async () => {
    const { sink, log } = setUpAudit();
    const step = { ring: 'gold', step: 'promote', version: 'v2', revision: 7 };
    const alert = { kind: 'spike', severity: 'critical', client: 'gold', version: 'v1', at: 5, value: 9, expected: 1 };
    channel('goldkey:rotation-step').publish(step);
    channel('goldkey:alert').publish(alert);
    channel('goldkey:alert').publish({ kind: 'age', severity: 'warning', client: 'gold', at: Number.MAX_VALUE });
    channel('goldkey:alert').publish(undefined);
    await log.close();
    channel('goldkey:rotation-step').publish(step);

    expect(sink.find('rotation.step')).toMatchObject([{ client: 'gold', kind: 'promote', version: 'v2' }]);
    expect(sink.find('alert')).toMatchObject([
      { ...{ kind: 'spike', severity: 'critical', client: 'gold', version: 'v1', value: 9, expected: 1 } },
      { kind: 'age', severity: 'warning' },
      { client: '', severity: 'warning' },
    ]);
    expect(sink.find('alert')[0]).toHaveProperty('time', '1970-01-01T00:00:00.005Z');
  });

  it('clients that share a store, or come later, each have their records; one given twice has one', async () => {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: FIRST });
    const [one, two] = ['one', 'two'].map((name) => new KeyedClient({ keyProvider, clock, name }));
    const sink = new MemorySink();
    const log = audit([], sink);
    log.add([one, one, two] as KeyedClient[]);
    log.add(one as KeyedClient);
    await one?.withKey(async () => undefined);
    await two?.withKey(async () => undefined);
    await log.close();

    expect(sink.find('key.loaded').map(({ client }) => client)).toEqual(['one', 'two']);
    expect(sink.find('key.used').map(({ client, uses }) => [client, uses])).toEqual([
      ['one', 1],
      ['two', 1],
    ]);
  });

  it('every sink gets every record, with the same id', async () => {
    const { gold } = setUp();
    const sinks = [new MemorySink(), new MemorySink()];
    const log = audit(gold, sinks);
    await gold.getPrice();
    await log.close();

    const [one, two] = sinks.map(({ records }) => records.filter(({ client }) => client !== 'goldkey/audit'));
    expect(one?.map(({ id }) => id)).toEqual(two?.map(({ id }) => id));
    expect(one).toHaveLength(2);
  });
});

describe('a sink that fails', () => {
  it('fails no call, is told to onError and the channel, and gets its records once it works again', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    channel('goldkey:audit-failed').subscribe(listen);
    const { gold, sink, log, errors } = setUpAudit();
    sink.fault = () => new Error('full');

    await expect(gold.getPrice()).resolves.toBe('XAU 2000');
    await log.flush();
    expect(sink.lines).toEqual([]);
    sink.fault = undefined;
    await log.flush();
    channel('goldkey:audit-failed').unsubscribe(listen);

    expect(errors[0]).toMatchObject({ message: 'full' });
    expect(told[0]).toMatchObject({ error: { message: 'full' } });
    expect(sink.records.map(({ seq, event }) => [seq, event])).toEqual([
      [1, 'opened'],
      [2, 'key.loaded'],
      [3, 'key.used'],
    ]);
  });

  it('is a process warning, once, where nobody listens', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { gold } = setUp();
    const log = audit(gold, { write: () => Promise.reject(new Error(FIRST)) });
    await gold.getPrice();
    await log.flush();
    await log.close();

    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/An audit sink failed \(Error\)/);
    assertNoSecret(warn.mock.calls, FIRST);
  });

  it('with an onError that throws or rejects, or a write that throws at once, still harms nobody', async () => {
    const { gold } = setUp();
    const write = (): never => {
      throw new Error('at once');
    };
    const onError = vi
      .fn(() => Promise.reject(new Error('again')))
      .mockImplementationOnce(() => {
        throw new Error('thrown');
      });
    const log = audit(gold, { write }, { onError: onError as never });

    await expect(gold.getPrice()).resolves.toBe('XAU 2000');
    await expect(log.close()).resolves.toBeUndefined();
    expect(onError.mock.calls.length).toBeGreaterThan(1);
  });

  it('that never answers holds up neither calls nor, for more than 10 s, close()', async () => {
    const { gold, sink, log, clock } = setUpAudit();
    sink.gate = new Promise(() => undefined);
    await gold.getPrice();
    let isClosed = false;
    void log.close().then(() => (isClosed = true));
    await clock.advance(9_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
  });

  it('that is slow gets the uses of a version added up once its buffer is full, and everything else one by one', async () => {
    const { gold, sink, log, clock, keys } = setUpAudit(
      { usageInterval: 1_000 },
      { ttl: 2_147_483_647, staleIfError: 0 },
    );
    let open: () => void = () => undefined;
    sink.gate = new Promise((resolve) => (open = resolve));
    for (let round = 0; round < 2_100; round++) {
      await gold.getPrice();
      await clock.advance(1_000);
    }
    for (let round = 0; round < 3; round++) {
      keys.set('current', SECOND);
      await gold.reload();
      await clock.advance(1_000);
    }
    open();
    await log.flush();

    const used = sink.find('key.used');
    expect(used.length).toBeLessThan(2_060);
    expect(used.reduce((sum, { uses = 0 }) => sum + uses, 0)).toBe(2_100);
    expect(sink.find('key.loaded')).toHaveLength(4);
  });

  it('a record that is being written is not added to: what came meanwhile is a record of its own', async () => {
    const { gold, keys, desk, sink, log, clock } = setUpAudit();
    await gold.getPrice();
    await log.flush();
    const repair = async (key: string): Promise<void> => {
      keys.set('current', key, 'same');
      desk.rotateTo(key);
      await gold.getPrice();
    };
    let open: () => void = () => undefined;
    let isRepaired = false;
    const write = sink.write.bind(sink);
    sink.write = async (line) => {
      if (line.includes('key.repaired') && !isRepaired) {
        isRepaired = true;
        await new Promise<void>((resolve) => (open = resolve));
      }
      await write(line);
    };
    await repair(SECOND);
    await expect.poll(() => isRepaired).toBe(true);
    await clock.advance(60_000);
    await repair('third-key-0000003');
    open();
    await log.flush();

    expect(sink.find('key.repaired').reduce((sum, { uses = 0 }) => sum + uses, 0)).toBe(gold.status().counts.repairs);
    expect(gold.status().counts.repairs).toBe(2);
  });

  it('thousands of repairs at once are one record with their number', async () => {
    const { gold, keys, desk, sink, log } = setUpAudit();
    await gold.getPrice();
    await log.flush();
    keys.set('current', SECOND);
    desk.rotateTo(SECOND);
    await Promise.all(Array.from({ length: 2_000 }, () => gold.getPrice()));
    await log.flush();

    const repaired = sink.find('key.repaired');
    expect(repaired.reduce((sum, { uses = 0 }) => sum + uses, 0)).toBe(2_000);
    expect(repaired.length).toBeLessThan(20);
  });
});

describe('the end of a log', () => {
  it('a sink whose reopen or close fails is told, and harms nothing', async () => {
    const { gold, sink, log, errors } = setUpAudit();
    Object.assign(sink, {
      reopen: () => Promise.reject(new Error('no reopen')),
      close: () => Promise.reject(new Error('no close')),
    });
    await gold.getPrice();
    await log.reopen();
    await log.close();

    expect(errors.map((error) => (error as Error).message)).toEqual(['no reopen', 'no close']);
    expect(sink.find('opened')).toHaveLength(2);
  });

  it('nothing is recorded after it, whatever is called', async () => {
    const { gold, sink, log, clock } = setUpAudit();
    await log.close();
    const { length } = sink.lines;
    log.add(setUp().gold);
    await gold.getPrice();
    await clock.advance(120_000);
    await Promise.all([log.flush(), log.reopen(), log.close()]);

    expect(sink.lines).toHaveLength(length);
  });

  it('no timer stays once the clients of a clock have closed, and a new client starts it again', async () => {
    const { gold, keys, sink, log, clock } = setUpAudit({ usageInterval: 1_000 });
    await gold.close();
    const timers = vi.spyOn(clock, 'setTimeout');
    await clock.advance(10_000);
    expect(timers).not.toHaveBeenCalled();
    const next = new KeyedClient({ keyProvider: keys, clock, name: 'next' });
    log.add(next);
    await next.withKey(async () => undefined);
    await clock.advance(1_000);
    await log.flush();

    expect(sink.find('key.used')).toMatchObject([{ client: 'next', uses: 1 }]);
  });

  it('a client that left its canary is recorded', async () => {
    const { gold, keys, desk, sink, log } = setUpAudit({}, { reloadCooldown: 0 });
    keys.set('pending', SECOND);
    Object.assign(keys, { rollout: () => Promise.resolve({ id: 'r1', pendingPercent: 100 }) });
    await gold.getPrice().catch(() => undefined);
    desk.rotateTo(FIRST);
    for (let call = 0; call < 10; call++) await gold.getPrice().catch(() => undefined);
    await log.close();

    expect(sink.find('rollout.reverted')).toMatchObject([{ severity: 'warning', outcome: 'failure' }]);
  });
});

describe('what a record may hold', () => {
  it('an actor function is asked for each record; one that throws or gives no text leaves it out', async () => {
    let turn = 0;
    const actors: unknown[] = ['first', 7, { toString: () => 'no' }, Promise.reject(new Error('unseen'))];
    const { gold, sink, log } = setUpAudit({
      actor: () => {
        const actor = actors[turn++];
        if (actor === undefined) throw new Error('nobody');
        return actor as string;
      },
    });
    await gold.getPrice();
    gold.evict();
    await log.close();

    expect(sink.records.map(({ actor }) => actor).filter((actor) => actor !== undefined)).toEqual(['first']);
    expect(sink.records.length).toBeGreaterThan(3);
  });

  it.each([
    ['throws', () => JSON.parse('{')],
    ['returns nothing', () => undefined],
    ['returns a promise', async () => ({ a: 1 })],
    ['returns a promise that rejects', async () => Promise.reject(new Error('unseen'))],
    ['returns a list', () => [1]],
    ['returns a number that JSON lacks', () => ({ n: 1n })],
    [
      'destroys the record',
      (record: Record<string, unknown>) => Object.keys(record).forEach((name) => delete record[name]),
    ],
  ])('a format that %s is told, and the record written as it is', async (_, format) => {
    const { gold, sink, log, errors } = setUpAudit({ format: format as never });
    await gold.getPrice();
    await log.flush();

    expect(sink.find('key.loaded')).toMatchObject([{ v: 1, client: 'gold', version: 'v1' }]);
    expect(errors.length).toBeGreaterThan(0);
  });

  const KEY = 'sk"invented\\/+&=0123';
  it('no form of the key is in any line or error, whatever actor, format, names and errors hold', async () => {
    const forms = [KEY, encodeURIComponent(KEY), Buffer.from(KEY).toString('base64'), Buffer.from(KEY).toString('hex')];
    const clock = manualClock();
    const keys = memoryKeyProvider({ current: KEY });
    const gold = new KeyedClient({ keyProvider: keys, clock, name: `gold ${KEY}` });
    // A key that no client has loaded yet is known to nobody.
    await gold.prefetch();
    const sink = new MemorySink();
    const errors: unknown[] = [];
    const log = audit(gold, sink, {
      actor: () => forms.join(' '),
      format: (record) => ({ ...record, [KEY]: { deep: [forms, new Error(KEY).message] }, toJSON: undefined }),
      onError: (error) => void errors.push(error),
    });
    await gold.withKey(async () => undefined);
    keys.failWith(
      () => new KeyProviderError(KEY, { cause: Object.assign(new Error(KEY), { $metadata: { requestId: KEY } }) }),
    );
    await gold.reload().catch(() => undefined);
    channel('goldkey:alert').publish({ kind: KEY, client: KEY, version: KEY, stage: KEY, severity: KEY });
    channel('goldkey:rotation-step').publish({ ring: KEY, step: KEY, version: KEY });
    await log.flush();
    sink.fault = () => new Error(`failed with ${KEY}`);
    gold.evict(KEY);
    await log.flush();
    sink.fault = undefined;
    await gold.close();
    await log.close();

    expect(sink.lines.length).toBeGreaterThan(7);
    for (const line of sink.lines) expect(JSON.parse(line)).toHaveProperty('seq');
    assertNoSecret(sink.lines, KEY);
    assertNoSecret(
      sink.lines.map((line) => JSON.parse(line) as unknown),
      KEY,
    );
    expect(errors.length).toBeGreaterThan(0);
    assertNoSecret(errors, KEY);
  });

  it('a key that is a piece of JSON itself is in no line either', async () => {
    const key = '"version":"v1"';
    const { gold, sink, log } = setUpAudit(
      {},
      { keyProvider: memoryKeyProvider({ current: key }), fetchPrice: async () => '' },
    );
    await gold.getPrice();
    await log.close();

    for (const line of sink.lines) expect(line).not.toContain(key);
    expect(sink.lines.length).toBeGreaterThan(1);
  });

  it('a line has no character that a reader of lines may take for a line break', async () => {
    const { sink, log } = setUpAudit({ actor: 'a\u2028b\u2029c\r\nd' });
    await log.flush();

    expect(sink.lines[0]).not.toMatch(/[\r\n\u2028\u2029]/);
    expect(sink.records[0]?.actor).toBe('a\u2028b\u2029c\r\nd');
  });
});

describe('the options of audit()', () => {
  const { gold } = setUp();
  const sink: AuditSink = { write: () => undefined };
  it.each([
    [() => audit(gold, []), /at least one sink/],
    [() => audit(gold, {} as never), /function `write`/],
    [() => audit({} as never, sink), /must be clients of goldkey/],
    [() => audit([undefined] as never, sink), /must be clients of goldkey, got undefined/],
    [() => audit([], sink).add([gold, {}] as never), /must be clients of goldkey/],
    [() => audit(gold, sink, { usage: 1 } as never), /no option `usage`/],
    [() => audit(gold, sink, { usageInterval: 0 }), /`usageInterval` must be an integer/],
    [() => audit(gold, sink, { chain: 'no' as never }), /`chain` must be a boolean/],
    [() => audit(gold, sink, { chain: false, chainKey: new Uint8Array(32) }), /`chainKey` needs `chain`/],
    [() => audit(gold, sink, { chainKey: 'secret' as never }), /`chainKey` must be a Uint8Array/],
    [() => audit(gold, sink, { chainKey: new Uint8Array(0) }), /`chainKey` must not be empty/],
    [() => audit(gold, sink, { actor: 7 as never }), /`actor` must be a string or a function/],
    [() => audit(gold, sink, { format: 'ocsf' as never }), /`format`/],
  ])('%s is refused', (make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });
});
