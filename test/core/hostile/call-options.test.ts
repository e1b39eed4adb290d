import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { KeyedClient, type CallOptions } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const never = (): Promise<never> => new Promise<never>(() => undefined);
const KEY = 'sk_live_4f9aQ2zP7x';
const createClient = (more: object = {}): KeyedClient =>
  new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }), ...more });

describe('options of a call', () => {
  it('count as they were when it started, whatever is done to the object later', async () => {
    // The system's clock: there deadlines are set at the end of the turn, when the object may be another.
    const client = createClient();
    await client.prefetch();
    const options: { timeout: number } = { timeout: 1 };
    const call = client.withKey(never, options).catch((error: unknown) => error);
    options.timeout = 600_000;

    expect(await call).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
  });

  it('are read once: a getter that changes its mind takes no deadline from this call or another', async () => {
    const client = createClient({ timeout: 2 });
    await client.prefetch();
    let reads = 0;
    const options = Object.defineProperty({}, 'timeout', { get: () => (++reads === 1 ? 1 : Number.NaN) });
    const outcomes = await Promise.all(
      [options as CallOptions, undefined].map((each) => client.withKey(never, each).catch((error: unknown) => error)),
    );
    expect(outcomes).toMatchObject([{ code: 'ERR_GOLDKEY_TIMEOUT' }, { code: 'ERR_GOLDKEY_TIMEOUT' }]);
    expect(reads).toBe(1);
  }, 2_000);

  it('that there are not are refused with those that there are', async () => {
    await expect(createClient().withKey(never, { retries: 1 } as CallOptions)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'A call has no option `retries`; it has `signal`, `timeout`, `once`.',
    });
  });

  it('are not looked at by a client that is closed', async () => {
    const client = createClient();
    await client.close();
    for (const options of [{ signal: AbortSignal.abort('early') }, { timeout: 0 }])
      await expect(client.withKey(never, options)).rejects.toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
  });

  it('leave no listener on a signal that was exchanged', async () => {
    const client = createClient();
    await client.prefetch();
    const { signal } = new AbortController();
    const options: CallOptions = { signal };
    const call = client.withKey(async () => 1, options);
    options.signal = undefined;
    await call;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
