import {
  asUint8Array,
  describeType,
  invalidType,
  isGoldKeyError,
  systemClock,
  type KeyProvider,
  type LoadedKey,
  type LoadRequest,
  type UnchangedKey,
} from '../../core/index.js';
import { withDeadline } from '../../util/deadline.js';
import { findSecret } from '../assert-no-secret.js';

/** The three functions of vitest or jest that a contract uses. */
export interface TestRunner {
  /** Groups the tests that `body` registers. */
  describe(name: string, body: () => void): void;
  /** Registers a test. If it passes the body a context with `skip`, as vitest does, that marks tests as skipped. */
  it(name: string, body: () => Promise<void>): void;
  /** Starts an assertion. Only `toBe` and `toEqual` of the result are used. */
  expect(value: unknown): any;
}

/** A provider over a fresh store, and the changes that its tests make to the store. A test without its hook is skipped. */
export interface ProviderFixture {
  /** The provider under test. */
  provider: KeyProvider;
  /** Makes `key` the current one in the store. Default: the test of a rotation is skipped. */
  rotate?(key: string): Promise<void>;
  /**
   * Takes away the permission to read the key (not the credentials: those can come back). Default: the test of a
   * refused access is skipped.
   */
  deny?(): Promise<void>;
  /** Makes the store unreachable or failing. Default: the test of an outage is skipped. */
  stop?(): Promise<void>;
  /** Closes what was opened, the provider included. Runs after every test, also after `stop` and after a failure. */
  cleanUp(): Promise<void>;
}

type Hook = 'rotate' | 'deny' | 'stop';
type Test = (provider: KeyProvider, key: string, fixture: ProviderFixture) => Promise<void>;
type Register = (title: string, run: Test) => void;

/** The longest time in ms from an abort to the end of its load. */
const PROMPT_MS = 2_000;
/** The longest time in ms that a load may try a store that is down: within the 5 s that runners give a test. */
const STOPPED_MS = 3_000;

/**
 * Registers the tests that every key store must pass to be used with goldkey: the key arrives byte for byte in bytes that
 * belong to the caller, a stage without a key is not an error, an abort ends a load, a refused access differs from an
 * outage, and no error holds the key. It runs in vitest, jest, and any runner that has their three functions.
 *
 * @param name - the store's name, for the group's title
 * @param create - makes a fixture whose store holds `key` as the current one; called once per test
 * @param runner - the test runner's functions
 * @throws {TypeError} with code `ERR_INVALID_ARG_VALUE`: `create` or a function of `runner` is missing
 *
 * @example
 * ```ts
 * import { keyProviderContract, memoryKeyProvider } from 'goldkey/testing';
 * import { describe, expect, it } from 'vitest';
 *
 * keyProviderContract(
 *   'memoryKeyProvider', // here: your own store
 *   async (key) => {
 *     const provider = memoryKeyProvider({ current: key });
 *     return {
 *       provider,
 *       rotate: async (successor) => provider.set('current', successor),
 *       cleanUp: async () => undefined,
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
  const given =
    (hook?: Hook): Register =>
    (title, run) => {
      // A rest parameter, because jest waits for a callback if the body declares a parameter.
      runner.it(title, async (...[context]: unknown[]) => {
        const key = inventKey();
        const fixture = await create(key);
        try {
          // A runner without `skip` shows a skipped test as passed.
          if (hook === undefined || fixture[hook] !== undefined) await run(fixture.provider, key, fixture);
          else (context as { skip?(note: string): void } | undefined)?.skip?.(`the fixture has no \`${hook}\``);
        } finally {
          await fixture.cleanUp();
        }
      });
    };
  runner.describe(`the key provider contract: ${name}`, () => {
    registerKey(given(), runner);
    registerAborts(given(), runner);
    registerHooks(given, runner);
  });
}

function registerKey(test: Register, { expect }: TestRunner): void {
  test('hands over the current key byte for byte, with a version', async (provider, key) => {
    const loaded = await loadKey(provider);
    const [named, versioned] = [provider.name, loaded.version].map((text) => typeof text === 'string' && text !== '');
    expect({ key: decodeKey(loaded), named, versioned }).toEqual({ key, named: true, versioned: true });
  });

  test('gives only times that make sense: ends lie ahead, the creation behind', async (provider) => {
    const { expiresAt, until, createdAt } = await loadKey(provider);
    const now = Date.now();
    const ahead = (at: number | undefined): boolean => at === undefined || (Number.isFinite(at) && at > now);
    const behind = createdAt === undefined || (Number.isFinite(createdAt) && createdAt <= now + 300_000);
    const sound = { expiresAt: ahead(expiresAt), until: ahead(until), createdAt: behind };
    expect(sound).toEqual({ expiresAt: true, until: true, createdAt: true });
  });

  test("hands over bytes that are the caller's own: zeroing them harms no other load", async (provider, key) => {
    const [first, second] = await Promise.all([loadKey(provider), loadKey(provider)]);
    first.bytes.fill(0);
    expect(decodeKey(second)).toBe(key);
    second.bytes.fill(0);
    expect(decodeKey(await loadKey(provider))).toBe(key);
  });

  test('answers for a stage that may have no key with a key or undefined, never with an error', async (provider) => {
    for (const stage of ['pending', 'previous'] as const) {
      const loaded = await provider.load({ stage, signal: new AbortController().signal });
      const sound = loaded === undefined || (isKey(loaded) && loaded.bytes.length > 0);
      expect({ stage, sound }).toEqual({ stage, sound: true });
    }
  });

  test('says `unchanged` only of a version that is among `known`', async (provider, key) => {
    const { signal } = new AbortController();
    const { version } = await loadKey(provider);
    const again = await provider.load({ stage: 'current', signal, known: ['a version that never was', version] });
    const sound = again !== undefined && (isKey(again) ? decodeKey(again) === key : again.version === version);
    expect(sound).toBe(true);
    for (const known of [[], ['a version that never was']]) {
      expect(decodeKey(await loadKey(provider, { known }))).toBe(key);
    }
  });
}

function registerAborts(test: Register, { expect }: TestRunner): void {
  const expectAborted = async (load: Promise<unknown>, key: string): Promise<void> => {
    const { retryable, ...ending } = await observeLoad(load, PROMPT_MS, key);
    // A permanent error would make the client drop the key it has.
    const found = { ...ending, permanent: retryable === false };
    expect(found).toEqual({ status: 'rejected', permanent: false, holdsTheKey: false });
  };

  test('rejects at once when the signal has aborted before', async (provider, key) => {
    await expectAborted(provider.load({ stage: 'current', signal: AbortSignal.abort() }), key);
    expect(decodeKey(await loadKey(provider))).toBe(key);
  });

  test('rejects promptly when the signal aborts during a load, the first or a later one', async (provider, key) => {
    for (let run = 1; run <= 2; run++) {
      const aborting = new AbortController();
      const load = provider.load({ stage: 'current', signal: aborting.signal });
      // A store in memory has answered before the abort.
      const inMemory = await settlesAtOnce(load);
      aborting.abort();
      if (!inMemory) await expectAborted(load, key);
      expect(decodeKey(await loadKey(provider))).toBe(key);
    }
  });
}

function registerHooks(given: (hook: Hook) => Register, { expect }: TestRunner): void {
  given('rotate')('hands over the new key, under another version, after a rotation', async (provider, key, fixture) => {
    const before = await loadKey(provider);
    const successor = inventKey();
    await fixture.rotate?.(successor);
    for (const known of [undefined, [before.version]]) {
      const after = await loadKey(provider, { known });
      const found = { key: decodeKey(after), anotherVersion: after.version !== before.version };
      expect(found).toEqual({ key: successor, anotherVersion: true });
    }
    expect(decodeKey(before)).toBe(key);
  });

  given('deny')(
    'rejects with a GoldKeyError that is not retryable when access is denied',
    async (provider, key, fixture) => {
      await loadKey(provider);
      await fixture.deny?.();
      const ending = await observeLoad(loadKey(provider), STOPPED_MS, key);
      expect(ending).toEqual({ status: 'rejected', retryable: false, holdsTheKey: false });
    },
  );

  given('stop')(
    'rejects with a GoldKeyError that is retryable, or tries until the deadline, when the store is down',
    async (provider, key, fixture) => {
      await loadKey(provider);
      await fixture.stop?.();
      const deadline = new AbortController();
      const timer = systemClock.setTimeout(() => {
        deadline.abort();
      }, STOPPED_MS);
      const load = loadKey(provider, { signal: deadline.signal });
      const ending = await observeLoad(load, STOPPED_MS + PROMPT_MS / 2, key);
      timer.cancel();
      // A load that tries until the deadline rejects with the signal's reason, which is not a GoldKeyError.
      const retryable = deadline.signal.aborted && ending.retryable === undefined ? true : ending.retryable;
      expect({ ...ending, retryable }).toEqual({ status: 'rejected', retryable: true, holdsTheKey: false });
    },
  );
}

let invented = 0;

/** Returns another key for each test, with characters that the encodings on the way treat differently. */
function inventKey(): string {
  invented += 1;
  return `inventedkey${String(invented).padStart(13, '0')}+/=&%"'\\~-_.`;
}

/** Loads the current key. Throws if the provider returns none, or `unchanged` in place of its bytes. */
async function loadKey(provider: KeyProvider, request: Partial<LoadRequest> = {}): Promise<LoadedKey> {
  const loaded = await provider.load({ stage: 'current', signal: new AbortController().signal, ...request });
  if (loaded !== undefined && isKey(loaded)) return loaded;
  throw new Error('load() did not return the bytes of the current key.');
}

function isKey(loaded: LoadedKey | UnchangedKey): loaded is LoadedKey {
  return !('unchanged' in loaded) && asUint8Array((loaded as Partial<LoadedKey>).bytes) !== undefined;
}

function decodeKey({ bytes }: LoadedKey): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Waits at most `ms` for `load` and returns how it ended. `retryable` is undefined unless it rejected with a GoldKeyError. */
async function observeLoad(
  load: Promise<unknown>,
  ms: number,
  key: string,
): Promise<{ status: string; retryable: boolean | undefined; holdsTheKey: boolean }> {
  const late = new Error('The load is still pending.');
  let status = 'fulfilled';
  let error: unknown;
  try {
    await withDeadline({ ms, clock: systemClock, late: () => late, signals: [] }, () => load);
  } catch (reason) {
    status = reason === late ? 'still pending' : 'rejected';
    error = reason;
  }
  const retryable = isGoldKeyError(error) ? error.retryable : undefined;
  return { status, retryable, holdsTheKey: findSecret(error, key) !== undefined };
}

/** Returns whether `promise` settles before the event loop turns, i.e. without a file, a socket or a timer. */
async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  return settled;
}
