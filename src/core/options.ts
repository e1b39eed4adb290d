import { MAX_TIMER_MS, systemClock } from './util/clock.js';
import { isQuotable, quote } from './util/quote.js';
import { isObjectPrototype, tryOrUndefined } from './util/safe-access.js';
import type { Clock, KeyedClientOptions, KeyProvider, Outcome } from './types.js';

/** The options of a client, checked, with defaults. */
export interface CheckedOptions {
  readonly keyProvider: KeyProvider;
  readonly ttl: number;
  readonly ttlJitter: number;
  readonly refreshAhead: number;
  readonly staleIfError: number;
  readonly reloadCooldown: number;
  readonly keyTimeout: number;
  readonly timeout: number;
  readonly retry: CheckedRetry | undefined;
  readonly isKeyRejected: ((outcome: Outcome) => boolean | Promise<boolean>) | undefined;
  readonly isTransient: ((outcome: Outcome) => boolean) | undefined;
  readonly refusalGate: CheckedGate | undefined;
  readonly instanceId: string | undefined;
  readonly name: string;
  readonly clock: Clock;
}

/** `refusalGate`, with defaults. Times in ms. */
export interface CheckedGate {
  /** Number of calls in a row that must be refused before the gate closes. */
  readonly after: number;
  /** First interval between two calls that are let through a closed gate; it doubles. */
  readonly probeEvery: number;
  /** Longest such interval. */
  readonly probeMax: number;
}

/** `retry`, with defaults. */
export interface CheckedRetry {
  readonly retries: number;
  readonly minTimeout: number;
  readonly maxTimeout: number;
  readonly factor: number;
  readonly randomize: boolean;
}

/** Value of `retry: true`, and default of a `GoldDataClient`. */
const DEFAULT_RETRY: CheckedRetry = Object.freeze({
  retries: 2,
  minTimeout: 100,
  maxTimeout: 2_000,
  factor: 2,
  randomize: true,
});

/** Default of `refusalGate`. */
const DEFAULT_GATE: CheckedGate = Object.freeze({ after: 20, probeEvery: 1_000, probeMax: 30_000 });

const NAMES = [
  'keyProvider',
  'ttl',
  'ttlJitter',
  'refreshAhead',
  'staleIfError',
  'reloadCooldown',
  'keyTimeout',
  'timeout',
  'retry',
  'isKeyRejected',
  'isTransient',
  'refusalGate',
  'instanceId',
  'name',
  'clock',
] as const;

type Failure = TypeError & { code: 'ERR_INVALID_ARG_VALUE' };

/** Creates the `TypeError` for an invalid option; the message names the option. */
export function invalidType(message: string): Failure {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' as const });
}

/** Creates the `RangeError` for an option out of range; the message names the option. */
export function invalidRange(message: string): RangeError & { code: 'ERR_INVALID_ARG_VALUE' } {
  return Object.assign(new RangeError(message), { code: 'ERR_INVALID_ARG_VALUE' as const });
}

/** Describes a value without showing it, because it may be the key, given as the wrong option. */
export function describeType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return describeNumber(value);
  if (typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value !== 'object' || isPlainObject(value)) return `a value of type ${typeof value}`;
  const name = tryOrUndefined(() => (value.constructor as { name?: unknown } | undefined)?.name);
  if (name === 'Promise') return 'a promise that was not awaited';
  if (name === 'Object') return 'an object that inherits from another';
  return `an instance of ${typeof name === 'string' && name !== '' && isQuotable(name) ? name : 'a class'}`;
}

/** Returns whether a value is an object literal, of any realm, with own properties alone. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || isObjectPrototype(prototype as object);
}

/** Returns a number as text, or how many digits it has if they are more than `most`: it may be a key of digits. */
function describeNumber(value: number, most: number = 7): string {
  const text = String(value);
  const digits = [...text].filter((char) => char >= '0' && char <= '9').length;
  return digits > most ? `a number of ${String(digits)} digits` : text;
}

/** Throws unless `options` is an object with no other names than `names`. Suggests the nearest name. */
export function checkOptionNames(of: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidType(`${of} expects an options object, got ${describeType(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw invalidType(explainWrongName(of, name, names));
  }
}

/** Names that stand for a key in plaintext elsewhere. */
const KEY_NAMES = ['apikey', 'api_key', 'key', 'secretkey', 'accesskey', 'plaintext'];
/** Names that clients of the AWS SDK take. */
const SDK_NAMES = ['endpoint', 'credentials', 'profile', 'maxAttempts', 'retryMode', 'requestHandler', 'logger'];

function explainWrongName(of: string, name: string, names: readonly string[]): string {
  if (KEY_NAMES.includes(name.toLowerCase())) {
    if (names.includes('keyProvider'))
      return `${of} takes no key in plaintext; give it a key store as \`keyProvider\`, e.g. \`fromKms\`.`;
    if (names.includes('ciphertext'))
      return `${of} takes no key in plaintext; encrypt it with \`goldkey encrypt\` and give the result as \`ciphertext\`.`;
  }
  const noOption = `${of} has no option ${quote(name)}`;
  if (names.includes('clientConfig') && SDK_NAMES.includes(name)) return `${noOption}; give it in \`clientConfig\`.`;
  const near = nearest(name, names);
  return `${noOption}; ${near === undefined ? `it has ${names.map((known) => `\`${known}\``).join(', ')}.` : `did you mean \`${near}\`?`}`;
}

/** Returns an integer option from `min` to `max`, or `fallback` if it is not given. */
export function checkInteger(
  name: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number = MAX_TIMER_MS,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw invalidType(`\`${name}\` must be an integer, got ${describeType(value)}.`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalidRange(
      `\`${name}\` must be an integer from ${String(min)} to ${String(max)}, got ${describeNumber(value, Number.isInteger(value) ? 12 : 7)}.`,
    );
  }
  return value;
}

/** Returns a boolean option. A string is refused: a shell's `'no'` must not count as either answer. */
export function checkBoolean(name: string, value: unknown, fallback = false): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw invalidType(`\`${name}\` must be a boolean, got ${describeType(value)}.`);
  return value;
}

/** Throws unless a `signal` is an AbortSignal, of any realm, or absent. */
export function checkSignal(signal: unknown): void {
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (signal === undefined || (typeof aborted === 'boolean' && typeof addEventListener === 'function')) return;
  throw invalidType(`\`signal\` must be an AbortSignal, got ${describeType(signal)}.`);
}

/** Returns a function option, or `undefined`. */
export function checkOptionalFunction<F>(name: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw invalidType(`\`${name}\` must be a function, got ${describeType(value)}.`);
}

/** Returns a non-empty string option, or `undefined`. */
export function checkOptionalString(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw invalidType(`\`${name}\` must be a non-empty string, got ${value === '' ? "''" : describeType(value)}.`);
  }
  return value;
}

/** Returns a string option that is required and not empty. */
export function checkString(name: string, value: unknown): string {
  const text = checkOptionalString(name, value);
  if (text === undefined) throw invalidType(`\`${name}\` must be a non-empty string, got undefined.`);
  return text;
}

/** Checks a client's options. `more` lists the option names that a subclass adds. */
export function checkOptions(
  of: string,
  options: KeyedClientOptions,
  more: readonly string[] = [],
  retryByDefault = false,
): CheckedOptions {
  checkRuntime();
  checkOptionNames(of, options, [...NAMES, ...more]);
  const keyProvider = options.keyProvider as Partial<KeyProvider> | null | undefined;
  if (typeof keyProvider !== 'object' || keyProvider === null || typeof keyProvider.load !== 'function') {
    throw invalidType(
      `\`keyProvider\` must be a key store with a \`load\` function, got ${describeType(keyProvider)}.`,
    );
  }
  if (typeof keyProvider.name !== 'string' || keyProvider.name === '') {
    throw invalidType('`keyProvider.name` must be a non-empty string.');
  }
  return Object.freeze({
    keyProvider: options.keyProvider,
    ttl: checkInteger('ttl', options.ttl, 300_000, 1),
    ttlJitter: fraction('ttlJitter', options.ttlJitter, 0.1, 0.5),
    refreshAhead: checkInteger('refreshAhead', options.refreshAhead, 60_000, 0),
    staleIfError: checkInteger('staleIfError', options.staleIfError, 600_000, 0),
    reloadCooldown: checkInteger('reloadCooldown', options.reloadCooldown, 30_000, 0),
    keyTimeout: checkInteger('keyTimeout', options.keyTimeout, 5_000, 1),
    timeout: checkInteger('timeout', options.timeout, 10_000, 1),
    retry: checkRetry(options.retry === undefined ? retryByDefault : options.retry),
    isKeyRejected: checkOptionalFunction('isKeyRejected', options.isKeyRejected),
    isTransient: checkOptionalFunction('isTransient', options.isTransient),
    refusalGate: checkGate(options.refusalGate),
    instanceId: checkOptionalString('instanceId', options.instanceId),
    name: checkOptionalString('name', options.name) ?? keyProvider.name,
    clock: checkClock(options.clock),
  });
}

/** Throws where Node.js's API is missing: the first call would fail on it, and a later one hang. */
function checkRuntime(): void {
  const { process: node } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } };
  const get = node?.getBuiltinModule;
  if (typeof get === 'function' && get('node:diagnostics_channel') !== undefined) return;
  throw new TypeError(
    'goldkey needs the API of Node.js: it runs on Node.js (20.16 and later), Bun, Deno, and workerd with `nodejs_compat`, not in browsers or other edge runtimes.',
  );
}

function checkGate(gate: unknown): CheckedGate | undefined {
  if (gate === false) return undefined;
  if (gate === undefined) return DEFAULT_GATE;
  checkOptionNames('`refusalGate`', gate, Object.keys(DEFAULT_GATE));
  const given = gate as Partial<CheckedGate>;
  const after = checkInteger('refusalGate.after', given.after, DEFAULT_GATE.after, 1);
  const probeEvery = checkInteger('refusalGate.probeEvery', given.probeEvery, DEFAULT_GATE.probeEvery, 1);
  const longest = Math.max(DEFAULT_GATE.probeMax, probeEvery);
  const probeMax = checkInteger('refusalGate.probeMax', given.probeMax, longest, 1);
  if (probeMax >= probeEvery) return { after, probeEvery, probeMax };
  throw invalidRange('`refusalGate.probeMax` must not be below `refusalGate.probeEvery`.');
}

function checkRetry(retry: unknown): CheckedRetry | undefined {
  if (retry === false) return undefined;
  if (retry === true) return DEFAULT_RETRY;
  checkOptionNames('`retry`', retry, Object.keys(DEFAULT_RETRY));
  const given = retry as Record<string, unknown>;
  const { retries, minTimeout, maxTimeout, factor, randomize } = DEFAULT_RETRY;
  const minimum = checkInteger('retry.minTimeout', given['minTimeout'], minTimeout, 0);
  const checked = {
    retries: checkInteger('retry.retries', given['retries'], retries, 0),
    minTimeout: minimum,
    maxTimeout: checkInteger('retry.maxTimeout', given['maxTimeout'], Math.max(maxTimeout, minimum), 0),
    factor: given['factor'] === undefined ? factor : given['factor'],
    randomize: checkBoolean('retry.randomize', given['randomize'], randomize),
  };
  if (typeof checked.factor !== 'number' || !(checked.factor >= 1) || checked.factor > 100) {
    throw invalidRange(`\`retry.factor\` must be a number from 1 to 100, got ${describeType(checked.factor)}.`);
  }
  if (checked.maxTimeout < checked.minTimeout) {
    throw invalidRange('`retry.maxTimeout` must not be below `retry.minTimeout`.');
  }
  return Object.freeze(checked as CheckedRetry);
}

/** Returns the given clock, or the system's. */
export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock;
  const { now, monotonic, setTimeout: timer } = (clock ?? {}) as Partial<Clock>;
  if (typeof now !== 'function' || typeof monotonic !== 'function' || typeof timer !== 'function') {
    throw invalidType('`clock` must have the functions `now`, `monotonic` and `setTimeout`.');
  }
  return clock;
}

function fraction(name: string, value: unknown, fallback: number, max: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw invalidType(`\`${name}\` must be a number, got ${describeType(value)}.`);
  if (!(value >= 0 && value <= max)) {
    throw invalidRange(`\`${name}\` must be from 0 to ${String(max)}, got ${describeNumber(value)}.`);
  }
  return value;
}

/** Returns the name that was probably meant, or `undefined` if none is like it: half of the letters may differ. */
function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = name.length / 2;
  for (const candidate of names) {
    const [given, known] = [name.toLowerCase(), candidate.toLowerCase()];
    // A name that contains the other is nearer than one with a few letters in common.
    const isPart = known.includes(given) || given.includes(known);
    const distance = given === known ? 0 : isPart ? 1 : editDistance(given, known);
    if (distance <= least && (distance < least || best === undefined)) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
