import { isArrayBuffer } from 'node:util/types';

interface Shot {
  proto: object | null;
  extensible: boolean;
  properties: Map<PropertyKey, PropertyDescriptor>;
  inside: unknown[];
}

const bytesOf = (value: object): string | undefined => {
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  }
  return isArrayBuffer(value) ? Buffer.from(value).toString('latin1') : undefined;
};

/** What a value holds beside its properties. */
const insideOf = (value: object): unknown[] => {
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (value instanceof URL) return [value.href];
  if (value instanceof URLSearchParams || value instanceof Headers) return [...value].flat();
  if (value instanceof Date) return [value.getTime()];
  const bytes = bytesOf(value);
  return bytes === undefined ? [] : [bytes];
};

const take = (value: object): Shot => {
  const properties = new Map<PropertyKey, PropertyDescriptor>();
  for (const key of Reflect.ownKeys(value)) {
    if (ArrayBuffer.isView(value) && typeof key === 'string' && /^\d+$/.test(key)) continue;
    properties.set(key, Reflect.getOwnPropertyDescriptor(value, key) ?? {});
  }
  return {
    proto: Reflect.getPrototypeOf(value),
    extensible: Reflect.isExtensible(value),
    properties,
    inside: insideOf(value),
  };
};

const sameDescriptor = (a: PropertyDescriptor, b: PropertyDescriptor): boolean =>
  (['value', 'get', 'set', 'writable', 'enumerable', 'configurable'] as const).every((part) =>
    Object.is(a[part], b[part]),
  );

const differences = (before: Shot, after: Shot, at: string): string[] => {
  const found: string[] = [];
  if (before.proto !== after.proto) found.push(`${at}: prototype`);
  if (before.extensible !== after.extensible) found.push(`${at}: extensible`);
  for (const key of new Set([...before.properties.keys(), ...after.properties.keys()])) {
    const [was, is] = [before.properties.get(key), after.properties.get(key)];
    if (was === undefined || is === undefined || !sameDescriptor(was, is)) found.push(`${at}.${String(key)}`);
  }
  if (
    before.inside.length !== after.inside.length ||
    before.inside.some((item, i) => !Object.is(item, after.inside[i]))
  ) {
    found.push(`${at}: content`);
  }
  return found;
};

/**
 * Notes every property, by identity, of every object that can be reached from `root`, and returns a function that
 * lists what has changed since. Getters are not called.
 *
 * @param except - objects whose own changes are allowed, such as the errors that a scrub cleans in place
 */
export function photograph(root: unknown, except: (value: object) => boolean = () => false): () => string[] {
  const shots = new Map<object, { shot: Shot; at: string }>();
  const stack: { value: unknown; at: string }[] = [{ value: root, at: 'root' }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, at } = next;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || shots.has(value)) continue;
    const shot = take(value);
    shots.set(value, { shot, at });
    if (typeof value === 'function') continue;
    const name = (key: PropertyKey): string => (at.length > 300 ? '…' : `${at}.${String(key)}`);
    for (const [key, descriptor] of shot.properties) stack.push({ value: descriptor.value, at: name(key) });
    shot.inside.forEach((item, index) => stack.push({ value: item, at: name(index) }));
  }
  return () =>
    [...shots]
      .flatMap(([value, { shot, at }]) => (except(value) ? [] : differences(shot, take(value), at)))
      .slice(0, 20);
}

/** For {@link photograph}: the errors themselves may change, nothing else may. */
export const errors = (value: object): boolean => value instanceof Error;
