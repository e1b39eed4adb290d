import { inspect } from 'node:util';

import { tryOrUndefined, isObject, classifyObject, nodeTypes, readProperty, SecretMatcher } from '../core/index.js';

/** How many values are looked at: a graph without an end must not hang a test. */
const MAX_VALUES = 200_000;

interface Place {
  readonly value: unknown;
  readonly path: string;
}

/**
 * Throws when any encoding of `secret` can be reached from `value`: as text, percent-encoded, JSON-escaped, base64 or hex,
 * in properties (also hidden ones, symbols and getters), Maps, Sets, URLs, Headers, buffers, causes, stacks, and in what
 * `util.inspect` prints.
 *
 * @param value - anything: an error, a log line, a metric
 * @param secret - what must not be there, at least 8 characters of printable ASCII
 * @throws {Error} naming the place, never the secret
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: a secret under 8 characters
 *
 * @example
 * ```ts
 * import { assertNoSecret } from 'goldkey/testing';
 *
 * const error = await gold.getPrice('XAU').catch((reason) => reason);
 * assertNoSecret(error, 'the-key-under-test');
 * ```
 */
export function assertNoSecret(value: unknown, secret: string): void {
  if (typeof secret !== 'string' || secret.length < 8) {
    throw Object.assign(new RangeError('`secret` must be a string of at least 8 characters.'), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  const place = findSecret(value, secret);
  if (place !== undefined) throw new Error(`The secret can be read at ${place}.`);
}

/** Where an encoding of the secret can be reached, as a path; `undefined` when nowhere. */
export function findSecret(value: unknown, secret: string): string | undefined {
  const text = new SecretMatcher([secret]);
  const seen = new Set<object>();
  const places: Place[] = [{ value, path: 'value' }];
  for (let index = 0; index < places.length && index < MAX_VALUES; index++) {
    const { value: held, path } = places[index] as Place;
    if (!isObject(held)) {
      const shown = typeof held === 'symbol' ? (held.description ?? '') : held;
      if (typeof shown === 'string' && text.found(shown)) return path;
      continue;
    }
    if (seen.has(held)) continue;
    seen.add(held);
    const found = bytesHold(held, text) ? path : collect(held, path, text, places);
    if (found !== undefined) return found;
  }
  return text.found(printed(value)) ? 'util.inspect(value)' : undefined;
}

/** Adds what an object holds to the places to look at; the path of a name that holds the secret itself. */
function collect(held: object, path: string, text: SecretMatcher, places: Place[]): string | undefined {
  const kind = classifyObject(held);
  if (kind === 'url' || kind === 'text')
    places.push({ value: tryOrUndefined(() => String(held)), path: `String(${path})` });
  const items = kind === 'map' || kind === 'set' || kind === 'pairs' ? (held as Iterable<unknown>) : [];
  let position = 0;
  for (const item of tryOrUndefined(() => [...items]) ?? []) {
    const parts = kind === 'set' || !Array.isArray(item) ? [item] : item;
    for (const part of parts) places.push({ value: part, path: `${path}(item ${String(position)})` });
    position++;
  }
  if (kind === 'bytes' && ArrayBuffer.isView(held)) return undefined;
  for (const key of tryOrUndefined(() => Reflect.ownKeys(held)) ?? []) {
    const name = String(key);
    const place = `${path}.${text.redact(name)}`;
    if (text.found(name)) return place;
    const descriptor = tryOrUndefined(() => Reflect.getOwnPropertyDescriptor(held, key));
    if (descriptor !== undefined && 'value' in descriptor) places.push({ value: descriptor.value, path: place });
    else if (kind !== 'opaque' && kind !== 'function') places.push({ value: readProperty(held, key), path: place });
  }
  if (kind === 'error' || kind === 'plain') collectGetters(held, path, places);
  return undefined;
}

/** What the getters of an object's classes make of it. */
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

function bytesHold(held: object, text: SecretMatcher): boolean {
  const list = tryOrUndefined(
    () => Array.isArray(held) && held.length >= 8 && held.every((item) => typeof item === 'number'),
  );
  const isBytes = ArrayBuffer.isView(held) || nodeTypes().isAnyArrayBuffer(held);
  if (list !== true && !isBytes) return false;
  const bytes = tryOrUndefined(() => {
    if (list === true) return Buffer.from(held as number[]);
    return ArrayBuffer.isView(held)
      ? Buffer.from(held.buffer, held.byteOffset, held.byteLength)
      : Buffer.from(held as ArrayBuffer);
  });
  return bytes !== undefined && (text.found(bytes.toString('latin1')) || text.found(bytes.toString('utf16le')));
}

function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  return tryOrUndefined(() => inspect(value, { depth: 20, maxStringLength: 1_000_000, breakLength: Infinity })) ?? '';
}
