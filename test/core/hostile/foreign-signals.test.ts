import { describe, expect, it } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const createClient = (): KeyedClient =>
  new KeyedClient({ keyProvider: memoryKeyProvider({ current: 'first-key-0001' }) });
const late = <T>(work: Promise<T>): Promise<unknown> =>
  Promise.race([work.catch((error: unknown) => error), new Promise((resolve) => setTimeout(resolve, 500, 'hangs'))]);

class Polyfilled extends EventTarget {
  aborted = false;
}

describe('a signal of another implementation', () => {
  it("works without `throwIfAborted` and `reason`, which npm's abort-controller and old jsdom lack", async () => {
    const client = createClient();
    await client.prefetch();
    const signal = new Polyfilled();
    await expect(client.withKey(async () => 1, { signal: signal as never })).resolves.toBe(1);
    await client.close();
  });

  it('that aborts without a `reason` ends the call with an AbortError', async () => {
    const client = createClient();
    await client.prefetch();
    const signal = new Polyfilled();
    const call = client.withKey(() => new Promise(() => undefined), { signal: signal as never });
    signal.aborted = true;
    signal.dispatchEvent(new Event('abort'));

    await expect(call).rejects.toMatchObject({ name: 'AbortError', message: 'This operation was aborted' });
    await client.close();
  });

  it.each([
    ['removeEventListener', {}],
    ['aborted', { aborted: { get: throwsFromSecond() } }],
  ])('that throws from `%s` neither ends the process nor keeps the call from its answer', async (name, more) => {
    const client = createClient();
    await client.prefetch();
    const signal = Object.defineProperties(
      {
        aborted: false,
        addEventListener: () => undefined,
        throwIfAborted: () => undefined,
        removeEventListener() {
          if (name === 'removeEventListener') throw new Error('broken');
        },
      },
      more,
    ) as unknown as AbortSignal;
    // An unhandled rejection fails the run.
    expect(await late(client.withKey(async () => 1, { signal }))).not.toBe('hangs');
    expect(await late(client.reload({ signal }))).not.toBe('hangs');
    await client.close();
  });
});

describe('`close`', () => {
  it.each([
    ['null', null],
    ['a misspelt option', { sginal: 1 }],
    ['a signal that is none', { signal: 5 }],
  ])('with %s rejects, and closes nothing', async (_, options) => {
    const client = createClient();
    await expect(client.close(options as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await expect(client.withKey(async () => 1)).resolves.toBe(1);
    await client.close();
  });
});

function throwsFromSecond(): () => boolean {
  let reads = 0;
  return () => {
    if (++reads > 1) throw new Error('broken');
    return false;
  };
}
