import { channel } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { audit, auditedProvider, verifyAudit } from '../../src/audit/index.js';
import { KeyedClient, type KeyProvider, type LoadedKey } from '../../src/index.js';
import { noteStoreRequest } from '../../src/core/index.js';
import { fromBreakGlass, fromChain } from '../../src/providers/chain/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../src/testing/index.js';
import { FIRST, SECOND } from '../core/helpers.js';
import { each, MemorySink } from './scene.js';

function setUpAudited(sinks: MemorySink[] = [new MemorySink()]) {
  const clock = manualClock();
  const store = memoryKeyProvider({ current: FIRST });
  const errors: unknown[] = [];
  const log = audit([], sinks, { onError: (error) => void errors.push(error) });
  const client = new KeyedClient({
    ...{ keyProvider: auditedProvider(store, log), clock, name: 'gold', ttl: 1_000, ttlJitter: 0, refreshAhead: 0 },
  });
  const use = (): Promise<string> => client.withKey(async ({ apiKey }) => apiKey);
  return { clock, store, log, client, errors, use, sink: sinks[0] as MemorySink };
}

/** A store that hands over one array, which the test can look at. */
function oneArray(version: string = '1'): { provider: KeyProvider; bytes: Uint8Array<ArrayBuffer> } {
  const bytes = new TextEncoder().encode(FIRST);
  return { bytes, provider: { name: 'store', load: () => Promise.resolve({ bytes, version }) } };
}

const request = { stage: 'current', signal: new AbortController().signal } as const;

describe('auditedProvider', () => {
  it('records a load before the key is handed over, once, with all that is known of it', async () => {
    const { client, log, sink } = setUpAudited();
    log.add(client);
    let seen: number | undefined;
    await client.withKey(async () => {
      seen = sink.find('key.loaded').length;
    });
    await log.close();

    expect(seen).toBe(1);
    expect(sink.find('key.loaded')).toMatchObject([
      { client: 'gold', provider: 'memory', stage: 'current', version: 'v1', durationMs: 0 },
    ]);
    expect(sink.find('key.loaded')[0]?.fingerprint).toBe(sink.find('key.used')[0]?.fingerprint);
    expect(await verifyAudit(each(sink.lines))).toMatchObject({ ok: true });
  });

  it('names the store where no client was added yet, and each client that shares it', async () => {
    const { client, log, sink, store } = setUpAudited();
    await client.prefetch();
    log.add(client);
    store.set('current', SECOND);
    await client.reload();

    expect(sink.find('key.loaded').map((record) => record.client)).toEqual(['memory', 'gold']);
  });

  it('without a sink that takes the record the load fails, retryable, and the bytes are zeroed', async () => {
    const sink = new MemorySink();
    sink.fault = () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const { provider, bytes } = oneArray();
    const audited = auditedProvider(provider, audit([], sink, { onError: () => undefined }));

    await expect(audited.load(request)).rejects.toMatchObject({
      code: 'ERR_GOLDKEY_PROVIDER',
      retryable: true,
      provider: 'store',
      message: expect.stringContaining('no audit sink has the record') as string,
    });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('a load that comes while an older record is failing has a try of its own', async () => {
    const { log, client, use, sink } = setUpAudited();
    log.add(client);
    await log.flush();
    let fail: (error: Error) => void = () => undefined;
    const write = sink.write.bind(sink);
    sink.write = () => new Promise((_, reject) => (fail = reject));
    channel('goldkey:alert').publish({ kind: 'age', client: 'gold' });
    await new Promise((resolve) => setImmediate(resolve));
    const used = use();
    await new Promise((resolve) => setImmediate(resolve));
    sink.write = write;
    fail(new Error('full until now'));

    expect(await used).toBe(FIRST);
  });

  it('one sink of two is enough', async () => {
    const sinks = [new MemorySink(), new MemorySink()];
    (sinks[0] as MemorySink).fault = () => new Error('down');
    const { use, errors } = setUpAudited(sinks);

    expect(await use()).toBe(FIRST);
    expect(sinks[1]?.find('key.loaded')).toHaveLength(1);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('a full disk: the cached key serves on, a new load fails, and it recovers; no record claims the failed load', async () => {
    const { use, sink, store, clock, client, log } = setUpAudited();
    log.add(client);
    expect(await use()).toBe(FIRST);
    sink.fault = () => Object.assign(new Error('full'), { code: 'ENOSPC' });
    store.set('current', SECOND);
    await clock.advance(2_000);
    expect(await use()).toBe(FIRST);
    expect(client.status()).toMatchObject({ state: 'stale', version: 'v1', lastErrorCode: 'ERR_GOLDKEY_PROVIDER' });
    client.evict();
    await clock.advance(60_000);
    await expect(use()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    sink.fault = undefined;
    await clock.advance(60_000);
    expect(await use()).toBe(SECOND);
    await log.close();

    expect(sink.find('key.loaded').map(({ version }) => version)).toEqual(['v1', 'v2']);
    expect(sink.find('key.load-failed').length).toBeGreaterThan(0);
    expect(await verifyAudit(each(sink.lines))).toMatchObject({ ok: true });
    assertNoSecret(sink.lines, FIRST);
    assertNoSecret(sink.lines, SECOND);
  });

  it('a sink that never answers: the load ends at its time limit, and the bytes are zeroed', async () => {
    const sink = new MemorySink();
    sink.gate = new Promise(() => undefined);
    const { provider, bytes } = oneArray();
    const clock = manualClock();
    const client = new KeyedClient({ keyProvider: auditedProvider(provider, audit([], sink)), clock, keyTimeout: 100 });
    const ended = client.prefetch();
    ended.catch(() => undefined);
    await clock.advance(100);

    await expect(ended).rejects.toMatchObject({ code: 'ERR_GOLDKEY_KEY_TIMEOUT' });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('after the log has closed no key is handed over', async () => {
    const { log, use } = setUpAudited();
    await log.close();
    await expect(use()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
  });

  it('a version that shows the key, or a key that no client accepts, is recorded as no load', async () => {
    const sink = new MemorySink();
    const log = audit([], sink);
    const shown = auditedProvider(oneArray(`v-${FIRST}`).provider, log);
    const short = auditedProvider(memoryKeyProvider({ current: 'short' }), log);
    await expect(shown.load(request)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    await expect(short.load(request)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    await log.close();

    expect(sink.events).toEqual([]);
    assertNoSecret(sink.lines, FIRST);
  });

  it('what a store noted of its request is recorded, without what shows the key', async () => {
    const sink = new MemorySink();
    const load = (): Promise<LoadedKey> => {
      const bytes = new TextEncoder().encode(FIRST);
      return Promise.resolve({
        bytes: noteStoreRequest(bytes, { keyId: `arn:${FIRST}`, requestId: 'r-1' }),
        version: '1',
      });
    };
    await auditedProvider({ name: 'kms', load }, audit([], sink)).load(request);

    expect(sink.find('key.loaded')).toMatchObject([{ requestId: 'r-1' }]);
    expect(sink.find('key.loaded')[0]).not.toHaveProperty('keyId');
  });

  it('an actor or a client name that shows the key is not recorded, although no client knows the key yet', async () => {
    const sink = new MemorySink();
    const { provider } = oneArray();
    // The log opens before there is any key.
    let actor = 'nobody';
    const log = audit([], sink, { actor: () => actor });
    const client = new KeyedClient({ keyProvider: auditedProvider(provider, log), name: `name ${FIRST}` });
    log.add(client);
    await log.flush();
    actor = `${FIRST} ${Buffer.from(FIRST).toString('base64')}`;
    await client.prefetch();
    await log.close();

    expect(sink.find('key.loaded')).toMatchObject([{ client: 'name [REDACTED]' }]);
    assertNoSecret(sink.lines, FIRST);
  });

  it('the rest of the store is as it was, its seal included', async () => {
    const store = memoryKeyProvider({ current: FIRST });
    const glass = fromBreakGlass({ provider: store, enabledBy: () => true, maxDuration: 60_000 });
    const log = audit([], new MemorySink());
    const down: KeyProvider = { name: 'down', load: () => Promise.reject(new Error('down')) };
    const chain = fromChain([down, auditedProvider(glass, log)]);
    const key = (await chain.load(request)) as LoadedKey;

    expect(key.breakGlass).toBe(true);
    const calls: string[] = [];
    const whole: KeyProvider = {
      ...{ name: 'whole', plaintextAtRest: true, load: () => Promise.resolve(undefined) },
      ...{ rollout: () => (calls.push('rollout'), Promise.resolve({ id: '', pendingPercent: 0 })) },
      ...{ report: () => (calls.push('report'), Promise.resolve()) },
      ...{ subscribe: () => (calls.push('subscribe'), Promise.resolve(() => Promise.resolve())) },
      ...{ close: () => (calls.push('close'), Promise.resolve()) },
    };
    const audited = auditedProvider(whole, log);
    await audited.rollout?.(request);
    await audited.report?.({ version: '1', rejections: 1 });
    await audited.subscribe?.(() => undefined);
    await audited.close?.();
    expect(calls).toEqual(['rollout', 'report', 'subscribe', 'close']);
    expect(audited).toMatchObject({ name: 'whole', plaintextAtRest: true });
    expect(auditedProvider(store, log)).not.toHaveProperty('rollout');
  });

  it('refuses what is no store or no log', () => {
    const log = audit([], new MemorySink());
    expect(() => auditedProvider({} as never, log)).toThrow(/`provider` must be a key store/);
    for (const other of [undefined, {}, { add: () => undefined }]) {
      expect(() => auditedProvider(memoryKeyProvider({}), other as never)).toThrow(/`audit` must be a log/);
    }
  });
});
