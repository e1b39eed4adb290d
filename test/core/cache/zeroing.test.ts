import { setImmediate } from 'node:timers/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { CachedKey, type Lifetime } from '../../../src/core/cache/cached-key.js';
import { encodeKey } from '../../../src/core/cache/validate-key.js';
import { KeyedClient } from '../../../src/index.js';
import { manualClock, memoryKeyProvider } from '../../../src/testing/index.js';

const KEY = 'invented-key-4711';
const LIFETIME: Lifetime = { loadedAt: 0, expiresAt: 1, purgeAt: 2, until: undefined, toMonotonic: 0 };

afterEach(() => {
  vi.restoreAllMocks();
});

const isZero = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0);

describe('a cached key', () => {
  it('is zeroed in the memory that it was given, whoever still sees it', () => {
    const bytes = Uint8Array.from(Buffer.from(KEY));
    const view = new Uint8Array(bytes.buffer);
    const key = new CachedKey(bytes, 'v1', 'current', LIFETIME, 0);
    const handedOut = key.bytes;
    expect(key.text).toBe(KEY);

    key.zero();

    expect([bytes, view, handedOut].map(isZero)).toEqual([true, true, true]);
    expect([key.isZeroed, key.bytes.length, key.textIfKnown]).toEqual([true, 0, undefined]);
  });

  it('is zeroed while a call holds it: what the call keeps is a string', () => {
    const bytes = Uint8Array.from(Buffer.from(KEY));
    const key = new CachedKey(bytes, 'v1', 'current', LIFETIME, 0);
    key.hold();

    key.zero();

    expect(isZero(bytes)).toBe(true);
    expect(key.text).toBe(KEY);
    key.release();
    expect(key.textIfKnown).toBeUndefined();
  });

  it('keeps its string until the last of several calls that hold it has settled', () => {
    const key = new CachedKey(Uint8Array.from(Buffer.from(KEY)), 'v1', 'current', LIFETIME, 0);
    key.hold();
    key.hold();
    key.release();
    expect(key.text).toBe(KEY);
    key.hold();
    key.zero();

    key.release();
    expect(key.text).toBe(KEY);
    key.release();
    expect(key.isGone).toBe(true);
  });

  it('keeps its string for the rest of the turn in which it came, and no longer', async () => {
    const key = new CachedKey(Uint8Array.from(Buffer.from(KEY)), 'v1', 'current', LIFETIME, 0);
    key.holdForTurn();
    key.zero();
    const during = key.text;
    await setImmediate();

    expect([during, key.isGone]).toEqual([KEY, true]);
  });

  it('may be zeroed again, also by a call that holds it and came too late for its string', () => {
    const key = new CachedKey(Uint8Array.from(Buffer.from(KEY)), 'v1', 'current', LIFETIME, 0);
    key.zero();
    key.hold();
    key.zero();

    expect([key.isGone, key.textIfKnown]).toEqual([true, undefined]);
  });

  it('keeps what finds it in text until the last call that holds it has settled, and clears it', () => {
    const key = new CachedKey(Uint8Array.from(Buffer.from(KEY)), 'v1', 'current', LIFETIME, 0);
    key.hold();
    const { matcher } = key;
    const clear = vi.spyOn(matcher, 'clear');
    expect(matcher.redact(`the key ${KEY}`)).toBe('the key [REDACTED]');
    expect(key.matcher).toBe(matcher);

    key.zero();

    expect([key.matcher === matcher, clear.mock.calls.length]).toEqual([true, 0]);
    key.release();
    expect(clear).toHaveBeenCalledOnce();
    expect(() => key.matcher).toThrow('zeroed');
  });

  it('equals bytes of the same length and content only', () => {
    const key = new CachedKey(Uint8Array.from(Buffer.from(KEY)), 'v1', 'current', LIFETIME, 0);

    expect(key.hasBytes(Buffer.from(KEY))).toBe(true);
    for (const other of [KEY.slice(1), `${KEY}1`, KEY.replace('7', '8'), '']) {
      expect(key.hasBytes(Buffer.from(other))).toBe(false);
    }
  });
});

describe('every copy of a key that a client made or was given', () => {
  /** A client whose copies of keys are held: the cache copies a store's bytes with `set`. */
  async function scene() {
    const clock = manualClock();
    const keyProvider = memoryKeyProvider({ current: KEY });
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    const loaded = vi.spyOn(keyProvider, 'load');
    const client = new KeyedClient({
      keyProvider,
      clock,
      ttl: 1_000,
      staleIfError: 1_000,
      refreshAhead: 0,
      ttlJitter: 0,
    });
    let handedOut: Uint8Array | undefined;
    await client.withKey(async ({ bytes }) => {
      expect(Buffer.from(bytes).toString()).toBe(KEY);
      handedOut = bytes;
    });
    const own = (): Uint8Array[] => (set.mock.contexts as Uint8Array[]).filter(({ length }) => length === KEY.length);
    expect(own().map((bytes) => Buffer.from(bytes).toString())).toContain(KEY);
    const answer = (await loaded.mock.results[0]?.value) as { bytes: Uint8Array };
    return { client, clock, keyProvider, own, answer, handedOut: handedOut as unknown as Uint8Array };
  }

  it('is zeroed at once where it served its turn: the answer of the store, and the bytes of a call', async () => {
    const { client, answer, handedOut } = await scene();

    expect([answer.bytes, handedOut].map(isZero)).toEqual([true, true]);
    await client.close();
  });

  it.each([
    ['evict', async ({ client }: Awaited<ReturnType<typeof scene>>) => client.evict()],
    ['close', ({ client }) => client.close()],
    ['the end of its life', ({ clock }) => clock.advance(2_001)],
    [
      'another key',
      async ({ client, clock, keyProvider }) => {
        keyProvider.set('current', 'a-longer-key-0002');
        await clock.advance(1_001);
        await client.withKey(async () => undefined);
        await clock.advance(10_000);
      },
    ],
  ] as Array<[string, (held: Awaited<ReturnType<typeof scene>>) => Promise<void>]>)(
    'is zeroed by %s',
    async (_, end) => {
      const held = await scene();
      const before = held.own();

      await end(held);
      await held.clock.advance(0);

      expect(before.map(isZero)).toEqual(before.map(() => true));
      await held.client.close();
    },
  );

  it('is zeroed where a key is encoded from a string', () => {
    const encoded = vi.spyOn(TextEncoder.prototype, 'encode');

    const bytes = encodeKey(KEY);
    expect(() => encodeKey('two words')).toThrow();

    expect(encoded.mock.results.map(({ value }) => isZero(value as Uint8Array))).toEqual([true, true]);
    expect(Buffer.from(bytes).toString()).toBe(KEY);
  });
});
