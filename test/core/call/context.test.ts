import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';
import { getKeyMatcher, type SecretMatcher } from '../../../src/core/index.js';
import { KeyContext, KeyedClient } from '../../../src/index.js';
import { assertNoSecret, manualClock, memoryKeyProvider } from '../../../src/testing/index.js';
import { FIRST, SECOND, setUp } from '../helpers.js';

const make = (): KeyedClient => new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST }) });

describe('a context', () => {
  it('gives key, bytes, version, stage and attempt, and can be destructured', async () => {
    await using client = make();
    const seen = await client.withKey(async ({ apiKey, bytes, version, stage, attempt, signal }) => ({
      apiKey,
      bytes: Buffer.from(bytes).toString(),
      version,
      stage,
      attempt,
      aborted: signal.aborted,
    }));
    expect(seen).toEqual({ apiKey: FIRST, bytes: FIRST, version: 'v1', stage: 'current', attempt: 1, aborted: false });
  });

  it('shows no key when it is printed, serialised or spread', async () => {
    await using client = make();
    await client.withKey(async (context) => {
      void context.apiKey;
      void context.bytes;
      for (const shown of [
        inspect(context, { showHidden: true, getters: true, depth: 9 }),
        JSON.stringify(context),
        String(context),
        { ...context },
        Object.entries(context),
        structuredClone({ ...context }),
      ]) {
        assertNoSecret(shown, FIRST);
      }
      expect(inspect(context)).toContain("stage: 'current'");
      expect(JSON.parse(JSON.stringify(context))).toEqual({ version: 'v1', stage: 'current', attempt: 1 });
    });
  });

  it('throws from every getter once the call has settled', async () => {
    await using client = make();
    let kept: KeyContext | undefined;
    await client.withKey(async (context) => void (kept = context));

    for (const name of ['apiKey', 'bytes', 'version', 'stage', 'attempt', 'signal'] as const) {
      expect(() => kept?.[name]).toThrow('settled');
    }
    expect(inspect(kept)).toBe('{ settled: true }');
    expect(JSON.stringify(kept)).toBe('{"settled":true}');
  });

  it('made by hand holds nothing', () => {
    const made = new (KeyContext as unknown as new () => KeyContext)();
    expect(() => made.apiKey).toThrow('settled');
    expect([inspect(made), JSON.stringify(made)]).toEqual(['{ settled: true }', '{"settled":true}']);
  });

  it('hands out copies of the bytes, and zeroes them when the call settles', async () => {
    await using client = make();
    const copies: Uint8Array[] = [];
    await client.withKey(async (context) => {
      copies.push(context.bytes, context.bytes);
      copies[0]?.fill(7);
      expect(context.apiKey).toBe(FIRST);
    });
    expect(copies.map((copy) => copy.every((byte) => byte === 0))).toEqual([true, true]);
    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(FIRST);
  });

  it('gives the key of its own run to a call that runs on while the key is replaced', async () => {
    const { gold, keys } = setUp();
    const text = await gold.withKey(async (context) => {
      keys.set('current', SECOND);
      await gold.reload();
      return [context.apiKey, Buffer.from(context.bytes).toString()];
    });
    expect(text).toEqual([FIRST, FIRST]);
    expect(await gold.withKey(async ({ apiKey }) => apiKey)).toBe(SECOND);
    await gold.close();
  });

  it('gives the key of its own run to a call that runs on while the key is evicted', async () => {
    const { gold } = setUp();
    const text = await gold.withKey(async (context) => {
      gold.evict();
      return context.apiKey;
    });
    expect(text).toBe(FIRST);
    await gold.close();
  });

  it('counts retries and repeats alike as attempts', async () => {
    const { gold, keys, clock } = setUp({ retry: { retries: 2, minTimeout: 10, randomize: false } });
    await gold.prefetch();
    keys.set('current', SECOND);
    const attempts: number[] = [];
    const call = gold.withKey(async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw Object.assign(new Error('no'), { status: 401 });
      if (attempt === 2) throw Object.assign(new Error('later'), { status: 503 });
      return 'done';
    });
    await clock.advance(10);
    expect(await call).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
    await gold.close();
  });
});

describe('what finds the key of a call in text, for our own adapters', () => {
  it('is made once a key, and is neither that of a settled call nor of a context that is not ours', async () => {
    await using client = make();
    let kept: KeyContext | undefined;
    const find = (): Promise<SecretMatcher | undefined> =>
      client.withKey(async (context) => getKeyMatcher((kept = context)));
    const matcher = await find();

    expect(matcher?.redact(`${FIRST} and ${SECOND}`)).toBe(`[REDACTED] and ${SECOND}`);
    expect(await find()).toBe(matcher);
    expect(() => getKeyMatcher(kept as KeyContext)).toThrow('settled');
    expect(getKeyMatcher({ apiKey: FIRST } as unknown as KeyContext)).toBeUndefined();
  });
});

describe('the signal of a context', () => {
  it('aborts at the deadline with the error that the caller gets', async () => {
    const clock = manualClock();
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: FIRST }), clock, timeout: 100 });
    let reason: unknown;
    const call = client
      .withKey(({ signal }) => new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason))))
      .catch((error: unknown) => error);
    await clock.advance(99);
    expect(reason).toBeUndefined();
    await clock.advance(1);
    const error = await call;
    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(reason).toBe(error);
    await client.close();
  });

  it('aborts with the caller’s own signal, also after the call has settled', async () => {
    await using client = make();
    const controller = new AbortController();
    const signal = await client.withKey(async (context) => context.signal, { signal: controller.signal });
    expect(signal.aborted).toBe(false);
    controller.abort(new Error('left'));
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(controller.signal.reason);
  });

  it('is one and the same however often it is read', async () => {
    await using client = make();
    await client.withKey(async (context) => {
      expect(context.signal).toBe(context.signal);
    });
  });

  it('does not abort when the call ends well', async () => {
    await using client = make();
    const signal = await client.withKey(async (context) => context.signal);
    await client.close();
    expect(signal.aborted).toBe(false);
  });
});
