import { inspect } from 'node:util';

import {
  invalidRange,
  isObject,
  classifyObject,
  nodeTypes,
  readProperty,
  SecretMatcher,
  tryOrUndefined,
} from '../core/index.js';

/** The most values that are searched, so that an endless graph does not hang a test. */
const MAX_VALUES = 200_000;

/** A value and the path to it. */
interface Place {
  readonly value: unknown;
  readonly path: string;
}

/**
 * Throws if any encoding of `secret` can be reached from `value`: plain, percent-encoded, JSON-escaped, base64 or hex; in
 * properties (hidden ones, symbols and getters too), Maps, Sets, URLs, Headers, buffers, causes, stacks, and the output of
 * `util.inspect`.
 *
 * @param value - anything: an error, a log line, a metric
 * @param secret - the text that must not be there, at least 8 characters of printable ASCII
 * @throws {Error} if it is there; the message names the place, never the secret
 * @throws {RangeError} with code `ERR_INVALID_ARG_VALUE`: a secret under 8 characters
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { assertNoSecret, memoryKeyProvider } from 'goldkey/testing';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: memoryKeyProvider({ current: 'the-key-under-test' }),
 *   fetchPrice: async (symbol, { apiKey }) => Promise.reject(new Error(`GET /latest?key=${apiKey} failed`)),
 * });
 * const error = await gold.getPrice('XAU').catch((reason: unknown) => reason);
 * assertNoSecret(error, 'the-key-under-test');
 * ```
 */
export function assertNoSecret(value: unknown, secret: string): void {
  if (typeof secret !== 'string' || secret.length < 8) {
    throw invalidRange('`secret` must be a string of at least 8 characters.');
  }
  const place = findSecret(value, secret);
  if (place !== undefined) throw new Error(`The secret can be read at ${place}.`);
}

/** Returns the path to an encoding of the secret, or `undefined` if there is none. */
export function findSecret(value: unknown, secret: string): string | undefined {
  const matcher = new SecretMatcher([secret]);
  const seen = new Set<object>();
  const places: Place[] = [{ value, path: 'value' }];
  for (let index = 0; index < places.length && index < MAX_VALUES; index++) {
    const { value: held, path } = places[index] as Place;
    if (!isObject(held)) {
      const shown = typeof held === 'symbol' ? (held.description ?? '') : held;
      if (typeof shown === 'string' && matcher.contains(shown)) return path;
      continue;
    }
    if (seen.has(held)) continue;
    seen.add(held);
    const found = hasSecretBytes(held, matcher) ? path : collectParts(held, path, matcher, places);
    if (found !== undefined) return found;
  }
  return matcher.contains(printValue(value)) ? 'util.inspect(value)' : undefined;
}

/** Adds the parts of an object to `places`. Returns the path to a property whose name holds the secret. */
function collectParts(held: object, path: string, matcher: SecretMatcher, places: Place[]): string | undefined {
  const kind = classifyObject(held);
  if (kind === 'url' || kind === 'text') {
    places.push({ value: tryOrUndefined(() => String(held)), path: `String(${path})` });
  }
  const items = kind === 'map' || kind === 'set' || kind === 'pairs' ? (held as Iterable<unknown>) : [];
  for (const [position, item] of (tryOrUndefined(() => [...items]) ?? []).entries()) {
    const parts = kind === 'set' || !Array.isArray(item) ? [item] : item;
    for (const part of parts) places.push({ value: part, path: `${path}(item ${String(position)})` });
  }
  if (kind === 'bytes' && ArrayBuffer.isView(held)) return undefined;
  for (const key of tryOrUndefined(() => Reflect.ownKeys(held)) ?? []) {
    const name = String(key);
    const place = `${path}.${matcher.redact(name)}`;
    if (matcher.contains(name)) return place;
    const descriptor = tryOrUndefined(() => Reflect.getOwnPropertyDescriptor(held, key));
    if (descriptor !== undefined && 'value' in descriptor) places.push({ value: descriptor.value, path: place });
    else if (kind !== 'opaque' && kind !== 'function') places.push({ value: readProperty(held, key), path: place });
  }
  if (kind === 'error' || kind === 'plain') collectGetters(held, path, places);
  return undefined;
}

/** Adds the values of the getters that an object inherits to `places`. */
function collectGetters(held: object, path: string, places: Place[]): void {
  let proto: unknown = Object.getPrototypeOf(held);
  while (isObject(proto) && proto !== Object.prototype) {
    for (const key of Reflect.ownKeys(proto)) {
      if (key === '__proto__' || key === 'constructor' || Object.hasOwn(held, key)) continue;
      const found = readProperty(held, key);
      if (typeof found !== 'function') places.push({ value: found, path: `${path}.${String(key)}` });
    }
    proto = Object.getPrototypeOf(proto);
  }
}

function hasSecretBytes(held: object, matcher: SecretMatcher): boolean {
  const bytes = tryOrUndefined(() => readBytes(held));
  return (
    bytes !== undefined && (matcher.contains(bytes.toString('latin1')) || matcher.contains(bytes.toString('utf16le')))
  );
}

/** Returns the bytes of a view, a buffer or a list of numbers. */
function readBytes(held: object): Buffer | undefined {
  if (ArrayBuffer.isView(held)) return Buffer.from(held.buffer, held.byteOffset, held.byteLength);
  if (nodeTypes().isAnyArrayBuffer(held)) return Buffer.from(held);
  if (!Array.isArray(held) || held.length < 8 || held.some((item) => typeof item !== 'number')) return undefined;
  return Buffer.from(held as number[]);
}

function printValue(value: unknown): string {
  if (typeof value === 'string') return value;
  return tryOrUndefined(() => inspect(value, { depth: 20, maxStringLength: 1_000_000, breakLength: Infinity })) ?? '';
}
