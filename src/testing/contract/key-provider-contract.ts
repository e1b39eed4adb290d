import {
  invalidType,
  isGoldKeyError,
  describeType,
  type KeyProvider,
  type LoadedKey,
  type UnchangedKey,
} from '../../core/index.js';
import { findSecret } from '../assert-no-secret.js';
import { outcomeOf, settlesAtOnce } from './outcome.js';

/** The three functions of vitest or jest that a contract needs. Of `expect` only `toBe` and `toEqual` are used. */
export interface TestRunner {
  /** Groups what `body` registers. */
  describe(name: string, body: () => void): void;
  /** Registers a test. Where it hands the body a context with `skip`, as vitest does, that is used. */
  it(name: string, body: () => Promise<void>): void;
  expect(value: unknown): any;
}

/** A provider over a store of its own, and how to move that store. A hook that is missing skips what it is for. */
export interface ProviderFixture {
  provider: KeyProvider;
  /** Makes `key` the current one in the store. */
  rotate?(key: string): Promise<void>;
  /** Takes the permission to read the key away (not the credentials: those can come back). */
  deny?(): Promise<void>;
  /** Makes the store unreachable or failing. */
  stop?(): Promise<void>;
  /** Closes what was opened, the provider included. Runs after every test, also after `stop`. */
  cleanUp(): Promise<void>;
}

type Test = (fixture: ProviderFixture, key: string) => Promise<void>;

/** How long a load that was aborted may take to end. */
const PROMPT_MS = 2_000;
/** How long a load may try a store that is down: inside the 5 s that runners give a test. */
const STOPPED_MS = 3_000;

/**
 * Registers the tests that every key store must pass to be used with goldkey: the key arrives byte for byte, the bytes
 * are the caller's own, a stage without a key is no error, an abort ends a load, a refusal is told from an outage, and
 * no error holds the key.
 *
 * @param name - the store's name, for the tests' titles
 * @param create - makes a fixture whose store holds `key` as the current one; called once per test
 * @param runner - vitest's or jest's functions
 * @throws {TypeError} with code `ERR_INVALID_ARG_VALUE`: `create` or a function of `runner` is missing
 *
 * @example
 * ```ts
 * import { keyProviderContract } from 'goldkey/testing';
 * import { describe, expect, it } from 'vitest';
 * import { fromTape, openTape } from '../src/tape.js';
 *
 * keyProviderContract(
 *   'fromTape',
 *   async (key) => {
 *     const tape = await openTape({ current: key });
 *     return {
 *       provider: fromTape(tape),
 *       rotate: (successor) => tape.write('current', successor),
 *       stop: () => tape.eject(),
 *       cleanUp: () => tape.destroy(),
 *     };
 *   },
 *   { describe, it, expect },
 * );
 * ```
 */
export function keyProviderContract(
  name: string,
  create: (key: string) => Promise<ProviderFixture>,
  runner: TestRunner,
): void {
  if (typeof create !== 'function') throw invalidType(`\`create\` must be a function, got ${describeType(create)}.`);
  for (const part of ['describe', 'it', 'expect'] as const) {
    if (typeof runner[part] === 'function') continue;
    throw invalidType(`\`runner.${part}\` must be a function, got ${describeType(runner[part])}.`);
  }
  const test = (title: string, run: Test, hook?: 'rotate' | 'deny' | 'stop'): void => {
    // A rest parameter: jest takes a body that declares one for a callback test.
    runner.it(title, async (...context: unknown[]) => {
      const key = inventKey();
      const fixture = await create(key);
      try {
        if (hook !== undefined && fixture[hook] === undefined) skip(context[0], `the fixture has no \`${hook}\``);
        else await run(fixture, key);
      } finally {
        await fixture.cleanUp();
      }
    });
  };
  runner.describe(`the key provider contract: ${name}`, () => {
    registerKey(test, runner);
    registerAborts(test, runner);
    registerHooks(test, runner);
  });
}

type Register = (title: string, run: Test, hook?: 'rotate' | 'deny' | 'stop') => void;

function registerKey(test: Register, { expect }: TestRunner): void {
  test('hands over the current key byte for byte, with a version', async ({ provider }, key) => {
    const loaded = await loadKey(provider);
    expect({ key: textOf(loaded), named: isName(provider.name), versioned: isName(loaded.version) }).toEqual({
      key,
      named: true,
      versioned: true,
    });
  });

  test('gives only times that make sense: ends lie ahead, the creation behind', async ({ provider }) => {
    const { expiresAt, until, createdAt } = await loadKey(provider);
    const now = Date.now();
    const ahead = (at: number | undefined): boolean => at === undefined || (Number.isFinite(at) && at > now);
    const behind = createdAt === undefined || (Number.isFinite(createdAt) && createdAt <= now + 300_000);
    const sound = { expiresAt: ahead(expiresAt), until: ahead(until), createdAt: behind };
    expect(sound).toEqual({ expiresAt: true, until: true, createdAt: true });
  });

  test("hands over bytes that are the caller's own: zeroing them harms no other load", async ({ provider }, key) => {
    const [first, second] = await Promise.all([loadKey(provider), loadKey(provider)]);
    first.bytes.fill(0);
    expect(textOf(second)).toBe(key);
    second.bytes.fill(0);
    expect(textOf(await loadKey(provider))).toBe(key);
  });

  test('answers for a stage that may have no key with a key or undefined, never with an error', async ({
    provider,
  }) => {
    for (const stage of ['pending', 'previous'] as const) {
      const loaded = await provider.load({ stage, signal: new AbortController().signal });
      const sound = loaded === undefined || (isKey(loaded) && loaded.bytes.length > 0);
      expect({ stage, sound }).toEqual({ stage, sound: true });
    }
  });

  test('says `unchanged` only of a version that is among `known`', async ({ provider }, key) => {
    const { signal } = new AbortController();
    const { version } = await loadKey(provider);
    const again = await provider.load({ stage: 'current', signal, known: ['a version that never was', version] });
    const sound = again !== undefined && (isKey(again) ? textOf(again) === key : again.version === version);
    expect(sound).toBe(true);
    for (const known of [[], ['a version that never was']]) {
      const full = await provider.load({ stage: 'current', signal, known });
      expect(full !== undefined && isKey(full) ? textOf(full) : full).toBe(key);
    }
  });
}

function registerAborts(test: Register, { expect }: TestRunner): void {
  const expectAborted = async (load: Promise<unknown>, key: string): Promise<void> => {
    const { status, error } = await outcomeOf(load, PROMPT_MS);
    // A permanent error would make the client drop the key it has.
    const permanent = isGoldKeyError(error) && !error.retryable;
    const found = { status, permanent, holdsTheKey: findSecret(error, key) !== undefined };
    expect(found).toEqual({ status: 'rejected', permanent: false, holdsTheKey: false });
  };

  test('rejects at once when the signal has aborted before', async ({ provider }, key) => {
    await expectAborted(provider.load({ stage: 'current', signal: AbortSignal.abort() }), key);
    expect(textOf(await loadKey(provider))).toBe(key);
  });

  test('rejects promptly when the signal aborts during a load, the first or a later one', async ({ provider }, key) => {
    for (let run = 1; run <= 2; run++) {
      const aborting = new AbortController();
      const load = provider.load({ stage: 'current', signal: aborting.signal });
      // A store in memory has answered before anyone could abort it.
      const inMemory = await settlesAtOnce(load);
      aborting.abort();
      if (!inMemory) await expectAborted(load, key);
      expect(textOf(await loadKey(provider))).toBe(key);
    }
  });
}

function registerHooks(test: Register, { expect }: TestRunner): void {
  test(
    'hands over the new key, under another version, after a rotation',
    async (fixture, key) => {
      const { provider } = fixture;
      const before = await loadKey(provider);
      const successor = inventKey();
      await fixture.rotate?.(successor);
      for (const known of [undefined, [before.version]]) {
        const { signal } = new AbortController();
        const after = await provider.load({ stage: 'current', signal, known });
        const found = after !== undefined && isKey(after) ? textOf(after) : after;
        expect({ key: found, anotherVersion: after?.version !== before.version }).toEqual({
          key: successor,
          anotherVersion: true,
        });
      }
      expect(textOf(before)).toBe(key);
    },
    'rotate',
  );

  test(
    'rejects with a GoldKeyError that is not retryable when access is denied',
    async (fixture, key) => {
      const { provider } = fixture;
      await loadKey(provider);
      await fixture.deny?.();
      const { status, error } = await outcomeOf(loadKey(provider), STOPPED_MS);
      const retryable = isGoldKeyError(error) ? error.retryable : 'no GoldKeyError';
      const found = { status, retryable, holdsTheKey: findSecret(error, key) !== undefined };
      expect(found).toEqual({ status: 'rejected', retryable: false, holdsTheKey: false });
    },
    'deny',
  );

  test(
    'rejects with a GoldKeyError that is retryable, or tries until the deadline, when the store is down',
    async (fixture, key) => {
      const { provider } = fixture;
      await loadKey(provider);
      await fixture.stop?.();
      const deadline = new AbortController();
      const timer = setTimeout(() => {
        deadline.abort();
      }, STOPPED_MS);
      const { status, error } = await outcomeOf(loadKey(provider, deadline.signal), STOPPED_MS + PROMPT_MS / 2);
      clearTimeout(timer);
      const goldKeyError = isGoldKeyError(error) ? error.retryable : 'no GoldKeyError';
      const retryable = deadline.signal.aborted && !isGoldKeyError(error) ? true : goldKeyError;
      const found = { status, retryable, holdsTheKey: findSecret(error, key) !== undefined };
      expect(found).toEqual({ status: 'rejected', retryable: true, holdsTheKey: false });
    },
    'stop',
  );
}

let invented = 0;

/** A key of its own for each test, with characters that every encoding on the way treats differently. */
function inventKey(): string {
  invented += 1;
  return `inventedkey${String(invented).padStart(13, '0')}+/=&%"'\\~-_.`;
}

async function loadKey(provider: KeyProvider, signal: AbortSignal = new AbortController().signal): Promise<LoadedKey> {
  const loaded = await provider.load({ stage: 'current', signal });
  if (loaded === undefined) throw new Error('load() gave no current key.');
  if (isKey(loaded)) return loaded;
  throw new Error('load() gave no bytes, though no version was known.');
}

function isKey(loaded: LoadedKey | UnchangedKey): loaded is LoadedKey {
  return !('unchanged' in loaded) && (loaded as Partial<LoadedKey>).bytes instanceof Uint8Array;
}

function textOf({ bytes }: LoadedKey): string {
  return Buffer.from(bytes).toString('latin1');
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function skip(context: unknown, note: string): void {
  const skipper = context as { skip?: (note?: string) => void } | undefined;
  skipper?.skip?.(note);
}
