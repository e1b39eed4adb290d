import { describe, expect, it } from 'vitest';
import { KeyedClient, type KeyContext } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const transfer = (bytes: Uint8Array): void => {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
};

describe('bytes that the function gave away, as `postMessage` with a transfer list does', () => {
  it.each([
    ['succeeds', async ({ bytes }: KeyContext) => transfer(bytes)],
    [
      'fails',
      async ({ bytes }: KeyContext) => {
        transfer(bytes);
        throw new Error('failed');
      },
    ],
  ])('hinder nothing when the call %s, and its other copies are zeroed', async (_, use) => {
    const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }) });
    let kept: Uint8Array | undefined;
    const call = client.withKey(async (context) => {
      await use(context).finally(() => {
        kept = context.bytes;
      });
      return 'done';
    });
    // An unhandled rejection fails the run; in a program it ends the process.
    const outcome = await Promise.race([
      call.catch((error: unknown) => (error as Error).message),
      new Promise((resolve) => setTimeout(resolve, 500, 'hangs')),
    ]);
    expect(outcome).toMatch(/^(?:done|failed)$/);
    expect(kept?.every((byte) => byte === 0)).toBe(true);
    await client.close();
  });
});
