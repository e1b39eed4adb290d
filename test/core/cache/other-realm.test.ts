import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { encodeKey } from '../../../src/core/cache/validate-key.js';
import { KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

// Jest, jsdom and node:vm give code a realm of its own, whose classes are others.

const KEY = 'invented-key-4711';

/** Makes a value in another realm. */
const elsewhere = (expression: string, given: object = {}): unknown => runInNewContext(expression, { ...given });

const foreignBytes = (text: string): Uint8Array =>
  elsewhere('Uint8Array.from(list)', { list: [...Buffer.from(text)] }) as Uint8Array;

describe('of another realm', () => {
  it('the bytes of a store are a key, and are zeroed', async () => {
    const bytes = foreignBytes(KEY);
    expect([bytes instanceof Uint8Array, types.isUint8Array(bytes)]).toEqual([false, true]);
    const client = new KeyedClient({ keyProvider: { name: 'foreign', load: async () => ({ bytes, version: 'v1' }) } });

    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(KEY);
    expect([...bytes].every((byte) => byte === 0)).toBe(true);
    await client.close();
  });

  it('the bytes of a key that no client accepts are zeroed too', async () => {
    const bytes = foreignBytes('two words');
    const client = new KeyedClient({ keyProvider: { name: 'foreign', load: async () => ({ bytes, version: 'v1' }) } });

    await expect(client.prefetch()).rejects.toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    expect([...bytes].every((byte) => byte === 0)).toBe(true);
    await client.close();
  });

  it('bytes are a key to encode', () => {
    expect(Buffer.from(encodeKey(foreignBytes(KEY))).toString()).toBe(KEY);
  });

  it('an error of a store is told by its name', async () => {
    const load = async (): Promise<never> => {
      throw elsewhere(`Object.assign(new Error('x'), { name: 'StoreDownError' })`);
    };
    const client = new KeyedClient({ keyProvider: { name: 'foreign', load } });

    await expect(client.prefetch()).rejects.toMatchObject({
      message: expect.stringContaining('StoreDownError') as string,
    });
    await client.close();
  });

  it('a signal is one', async () => {
    // jsdom brings an AbortSignal of its own.
    class ForeignSignal extends EventTarget {
      aborted = false;
      reason: unknown = undefined;
      get [Symbol.toStringTag](): string {
        return 'AbortSignal';
      }
      throwIfAborted(): void {
        if (this.aborted) throw this.reason;
      }
      abort(reason: unknown): void {
        this.aborted = true;
        this.reason = reason;
        this.dispatchEvent(new Event('abort'));
      }
    }
    const signal = new ForeignSignal();
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });

    const call = client.withKey(() => new Promise(() => undefined), { signal: signal as unknown as AbortSignal });
    signal.abort(new Error('enough'));

    await expect(call).rejects.toThrow('enough');
    await client.close();
  });

  it('a promise of the caller’s function is awaited, with `then` of its own', async () => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });

    expect(await client.withKey(async () => 1)).toBe(1);
    expect(await client.withKey(() => elsewhere('Promise.resolve(2)') as Promise<number>)).toBe(2);
    await client.close();
  });
});
