import { mock } from 'node:test';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { KeyedClient } from '../../../src/index.js';
import { memoryKeyProvider } from '../../../src/testing/index.js';

const never = (): Promise<never> => new Promise(() => undefined);

const clientOf = (client = KeyedClient): KeyedClient =>
  new client({ keyProvider: memoryKeyProvider({ current: 'key-a-00000001' }) });

/** A test runner's ways with the timers, by what is left of them. */
const runners: Array<
  [string, { install(): void; restore(): void; clear?(): void; advance?(ms: number): Promise<unknown> }]
> = [
  [
    'vitest, jest and sinon',
    {
      install: () => void vi.useFakeTimers(),
      restore: () => void vi.useRealTimers(),
      clear: () => void vi.clearAllTimers(),
      advance: (ms) => vi.advanceTimersByTimeAsync(ms),
    },
  ],
  [
    'those that replace the timers and no clock',
    {
      install: () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] }),
      restore: () => void vi.useRealTimers(),
      clear: () => void vi.clearAllTimers(),
      advance: (ms) => vi.advanceTimersByTimeAsync(ms),
    },
  ],
  [
    'those that replace the clocks and no timer',
    { install: () => void vi.useFakeTimers({ toFake: ['Date', 'hrtime'] }), restore: () => void vi.useRealTimers() },
  ],
  [
    "Node.js's own",
    {
      install: () => mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'] }),
      restore: () => mock.timers.reset(),
      advance: async (ms) => {
        // Node.js has no asynchronous tick: the call must have got to its deadline first.
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        mock.timers.tick(ms);
      },
    },
  ],
];

/** Ends the calls that a test leaves running: those of later tests would share their timer. */
let leftover = new AbortController();

afterEach(() => {
  leftover.abort();
  leftover = new AbortController();
  vi.useRealTimers();
  mock.timers.reset();
});

/** What the runners leave in the place of the timers would slow the test files that share this process. */
const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis;

afterAll(() => {
  Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate, clearImmediate });
  vi.resetModules();
});

/** A call that hangs, and must not for long. Real time decides: it is what the call may have lost. */
async function hangs(client: KeyedClient): Promise<void> {
  await expect(client.withKey(never, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
}

// In the order written: what one runner leaves of the timers is the next one's ground, and theirs clash in other orders.
describe('deadlines', { shuffle: false }, () => {
  describe.each(runners)("a call's deadline, under the fake timers of %s", (_, fake) => {
    it('is kept after they have been restored', async () => {
      const client = clientOf();
      fake.install();
      await client.withKey(async () => 'price');
      fake.restore();

      await hangs(client);
    });

    it('is kept when they are restored while the call runs', async () => {
      const client = clientOf();
      fake.install();
      const call = hangs(client);
      fake.restore();

      await call;
    });

    it('is kept when they are installed while the call runs', async () => {
      const client = clientOf();
      const call = hangs(client);
      fake.install();

      await call;
    });

    it('is kept when nothing advances them', async () => {
      const client = clientOf();
      fake.install();

      await hangs(client);
    });

    it('is kept where goldkey was loaded under them', async () => {
      fake.install();
      vi.resetModules();
      const loaded = (await import('../../../src/index.js')).KeyedClient;
      const client = clientOf(loaded);
      await client.withKey(async () => 'price');
      fake.restore();

      await hangs(client);
      await hangs(client);
    });
  });

  describe.each(runners.filter(([, { advance }]) => advance !== undefined))(
    "a call's deadline, under the fake timers of %s that can be advanced",
    (_, fake) => {
      it('comes when they are advanced, and not before', async () => {
        const client = clientOf();
        await client.prefetch();
        fake.install();
        let error: unknown;
        client
          .withKey(never, { timeout: 60_000, signal: leftover.signal })
          .catch((reason: unknown) => (error = reason));
        const { signal } = leftover;
        client.withKey(never, { timeout: 90_000, signal }).catch(() => undefined);

        await fake.advance?.(59_999);
        const before = error;
        await fake.advance?.(1);

        expect(before).toBeUndefined();
        expect(error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
      });

      it('comes when they are advanced also while a call from before them runs', async () => {
        const client = clientOf();
        await client.prefetch();
        const { signal } = leftover;
        const errors: unknown[] = [];
        const hang = (timeout: number): Promise<unknown> =>
          client.withKey(never, { timeout, signal }).catch((reason: unknown) => errors.push(reason));
        void hang(60_000);
        await new Promise((resolve) => setImmediate(resolve));
        fake.install();
        void hang(90_000);

        // Each step reaches one deadline: Node.js's own timers run none that is set meanwhile.
        for (const ms of [60_000, 31_000]) await fake.advance?.(ms);
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();

        expect(errors).toHaveLength(2);
      });
    },
  );

  describe.each(runners.filter(([, { clear }]) => clear !== undefined))(
    "a call's deadline, under the fake timers of %s that can be cleared",
    (_, fake) => {
      it('is kept when they are cleared', async () => {
        const client = clientOf();
        fake.install();
        const call = hangs(client);
        fake.clear?.();

        await call;
      });
    },
  );

  describe('whatever a test runner does to the timers, in any order', () => {
    const steps = ['install', 'restore', 'clear', 'call', 'hang', 'evict'] as const;

    it('a later call that hangs ends at its deadline, and nothing is kept of a key that was evicted', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...steps), { maxLength: 8 }), fc.nat(2), async (order, index) => {
          const [, fake] = runners[index] as (typeof runners)[number];
          const client = clientOf();
          const running: Promise<void>[] = [];
          for (const step of order) {
            if (step === 'install') fake.install();
            else if (step === 'restore') fake.restore();
            else if (step === 'clear') fake.clear?.();
            else if (step === 'evict') client.evict();
            else if (step === 'call')
              running.push(
                client
                  .withKey(async () => 'price')
                  .then(
                    () => undefined,
                    () => undefined,
                  ),
              );
            else running.push(hangs(client));
          }
          fake.restore();
          running.push(hangs(client));
          await Promise.all(running);
        }),
        { numRuns: 40 },
      );
    });
  });
});
