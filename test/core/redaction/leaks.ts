import { isArrayBuffer, isSharedArrayBuffer, isStringObject } from 'node:util/types';
import { inspect } from 'node:util';
import { encodingFound, encodingFoundInBytes } from './encodings.js';

interface Step {
  value: unknown;
  label: string;
  parent: Step | undefined;
}

const BUILT_IN = new Set<unknown>(
  [Object, Function, Array, Error, Date, Promise, RegExp, Boolean].map((type) => type.prototype as unknown),
);
const CONVERSIONS = ['toJSON', 'toString', 'valueOf', Symbol.toPrimitive] as const;
const MOST_NODES = 1_000_000;

const pathOf = (step: Step): string => {
  const labels: string[] = [];
  for (let at: Step | undefined = step; at !== undefined && labels.length < 40; at = at.parent)
    labels.unshift(at.label);
  return labels.join('');
};

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

const labelOf = (key: PropertyKey): string =>
  typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${String(key)}]`;

/** Node's getters for the memory behind a Buffer: small Buffers share one block with whatever else is in use. */
const SHARED_MEMORY = new Set<PropertyKey>(['buffer', 'parent']);

/** The names of own properties; of bytes, only those that are no index, and of many bytes none. */
function ownKeys(value: object): PropertyKey[] {
  if (!ArrayBuffer.isView(value)) return attempt(() => Reflect.ownKeys(value)) ?? [];
  if (value.byteLength > 1_000_000) return [];
  return Reflect.ownKeys(value).filter((key) => typeof key === 'symbol' || !/^\d+$/.test(key));
}

/** Everything that code, a logger or a debugger can reach from `value` in one step. */
function* reachable(value: object): Generator<[string, unknown]> {
  const keys = new Set<PropertyKey>(['__proto__', ...(ArrayBuffer.isView(value) ? SHARED_MEMORY : [])]);
  for (const key of ownKeys(value)) {
    if (typeof value === 'function' && key === 'prototype') continue;
    keys.add(key);
    yield [`${labelOf(key)}(name)`, key];
    yield [labelOf(key), attempt(() => Reflect.get(value, key, value) as unknown)];
  }
  // What a class keeps private comes out through the getters of its prototype; what a parent holds is inherited.
  let proto = attempt(() => Reflect.getPrototypeOf(value));
  for (let hops = 0; proto && hops < 20 && !BUILT_IN.has(proto); hops += 1) {
    for (const key of ownKeys(proto)) {
      if (keys.has(key)) continue;
      keys.add(key);
      const child = attempt(() => Reflect.get(proto as object, key, value) as unknown);
      if (typeof child !== 'function') yield [`${labelOf(key)}(inherited)`, child];
    }
    proto = attempt(() => Reflect.getPrototypeOf(proto as object));
  }
  for (const name of CONVERSIONS) {
    const convert = attempt(() => Reflect.get(value, name) as unknown);
    if (typeof convert !== 'function' || convert === Object.prototype[name as 'toString']) continue;
    if (Array.isArray(value) || ArrayBuffer.isView(value)) continue;
    yield [`.${String(name)}()`, attempt(() => Reflect.apply(convert, value, ['string']) as unknown)];
  }
  yield* iterated(value);
}

function* iterated(value: object): Generator<[string, unknown]> {
  if (Array.isArray(value) || ArrayBuffer.isView(value) || isStringObject(value)) return;
  const iterate = attempt(() => Reflect.get(value, Symbol.iterator) as unknown);
  if (typeof iterate !== 'function') return;
  const iterator = attempt(() => Reflect.apply(iterate, value, []) as Iterator<unknown>);
  if (iterator === undefined || (iterator as unknown) === value) return;
  for (let index = 0; index < MOST_NODES; index += 1) {
    const step = attempt(() => iterator.next());
    if (step === undefined || step.done === true) return;
    yield [`(item ${index})`, step.value];
  }
}

const encodingIn = (value: unknown, secret: string): string | undefined => {
  if (typeof value === 'string') return encodingFound(value, secret);
  if (typeof value === 'symbol') return encodingFound(value.description ?? '', secret);
  if (ArrayBuffer.isView(value)) {
    return encodingFoundInBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), secret);
  }
  if (isArrayBuffer(value) || isSharedArrayBuffer(value)) return encodingFoundInBytes(new Uint8Array(value), secret);
  return undefined;
};

/** Reading every getter of a live request would warn of the deprecated ones. */
function unwarned<T>(run: () => T): T {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return run();
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

/** Walks `value` and names the places at which `secret` can be read, at most `most` of them. */
export function leaksInGraph(value: unknown, secret: string, most = 20): string[] {
  return unwarned(() => walk(value, secret, most));
}

function walk(value: unknown, secret: string, most: number): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const stack: Step[] = [{ value, label: 'value', parent: undefined }];
  for (let step = stack.pop(); step !== undefined && found.length < most; step = stack.pop()) {
    const encoding = encodingIn(step.value, secret);
    if (encoding !== undefined) found.push(`${pathOf(step)}: ${encoding}`);
    if ((typeof step.value !== 'object' && typeof step.value !== 'function') || step.value === null) continue;
    if (seen.has(step.value)) continue;
    seen.add(step.value);
    if (seen.size > MOST_NODES) throw new Error('The graph is too large to be walked.');
    for (const [label, child] of reachable(step.value)) stack.push({ value: child, label, parent: step });
  }
  return found;
}

/** What a log line, a debugger's view and a JSON transport show of `value`. */
function leaksInText(value: unknown, secret: string): string[] {
  const texts: Record<string, () => unknown> = {
    'String(value)': () => String(value),
    'JSON.stringify(value)': () => JSON.stringify(value),
    'inspect(value)': () => inspect(value),
    'inspect(value, everything)': () =>
      inspect(value, {
        showHidden: true,
        depth: Infinity,
        getters: true,
        showProxy: true,
        maxArrayLength: null,
        maxStringLength: null,
        breakLength: Infinity,
      }),
  };
  return Object.entries(texts).flatMap(([label, write]) => {
    const text = unwarned(() => attempt(write));
    const encoding = typeof text === 'string' ? encodingFound(text, secret) : undefined;
    return encoding === undefined ? [] : [`${label}: ${encoding}`];
  });
}

/** Whether `secret` can be reached at all: stops at the first place. */
export function leaks(value: unknown, secret: string): boolean {
  return leaksInGraph(value, secret, 1).length > 0 || leaksInText(value, secret).length > 0;
}

/** Every place from which `secret` can be read, in the graph and in the texts made of it. */
export function allLeaks(value: unknown, secret: string): string[] {
  return [...leaksInGraph(value, secret), ...leaksInText(value, secret)];
}

/** What only time reveals: what a promise resolves to, what a body or Blob reads as, what a weak reference holds. */
export async function lateLeaks(value: unknown, secret: string): Promise<string[]> {
  const found: string[] = [];
  for (const [label, read] of Object.entries({
    'await value': async () => await (value as Promise<unknown>),
    'value.text()': async () => await (value as Blob).text(),
    'value.deref()': async () => await Promise.resolve((value as WeakRef<object>).deref()),
  })) {
    const late = await read().catch(() => undefined);
    found.push(...(late === value ? [] : allLeaks(late, secret)).map((leak) => `${label} -> ${leak}`));
  }
  return found;
}
