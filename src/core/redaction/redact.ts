import { cleanPrimitive, NOT_SEARCHED, SecretGraph, type Entry, type Node } from './object-graph.js';
import { describe, isObject } from './object-kind.js';
import { SecretMatcher } from './secret-matcher.js';

/**
 * What leaves a call instead of `thrown`: the same error without the keys. Only the errors of the chain (`cause`,
 * AggregateError) are changed in place; every other value on them that holds a key is replaced by a copy, because the
 * original may be the caller's live configuration, or another caller's request in a queue.
 */
export function scrub(thrown: unknown, secrets: readonly string[]): unknown {
  return clean(thrown, secrets, true);
}

/** A copy of `value` without the keys; the same value when it holds none. Nothing is changed. */
export function redactValue<T>(value: T, secrets: readonly string[]): T {
  return clean(value, secrets, false) as T;
}

function clean(value: unknown, secrets: readonly string[], inPlace: boolean): unknown {
  if (secrets.length === 0) return value;
  const text = new SecretMatcher(secrets);
  if (!isObject(value)) return cleanPrimitive(value, text);
  const graph = new SecretGraph(value, text, inPlace);
  const { root } = graph;
  // Thrown as it is (a fetch Response, say), a live object that tells of itself, and nothing of a key, stays usable.
  const { kind, instead, entries } = root;
  const telling = kind === 'opaque' && instead !== NOT_SEARCHED && entries.length > 0;
  if (telling && !entries.some(needsChange)) return value;
  settleChain(graph);
  for (const node of graph.nodes.values()) if (node.inPlace && node.tainted) changeInPlace(node);
  return root.tainted && !root.inPlace ? copyOf(root) : value;
}

/** An error that cannot be changed leaves as a copy, and so must all that hold it. */
function settleChain(graph: SecretGraph): void {
  for (let again = true; again;) {
    again = false;
    for (const node of graph.nodes.values()) {
      if (!node.inPlace || !node.tainted || node.entries.every((entry) => canChange(node, entry))) continue;
      node.inPlace = false;
      node.tainted = false;
      graph.taint(node);
      again = true;
    }
  }
}

function needsChange({ key, cleanKey, value, clean: cleaned, node }: Entry): boolean {
  return !Object.is(cleaned, value) || cleanKey !== key || (node !== undefined && node.tainted && !node.inPlace);
}

function canChange({ value }: Node, entry: Entry): boolean {
  if (!needsChange(entry)) return true;
  const { descriptor } = entry;
  // A getter of its class could be hidden behind a property, but not what it reads, which the class alone may see.
  if (descriptor === undefined) return false;
  // An accessor that V8 puts on every error, changeable also where nothing else is.
  if (entry.key === 'stack' && descriptor.set !== undefined) return assign(value, entry);
  if (descriptor.configurable === true) return entry.cleanKey === entry.key || Object.isExtensible(value);
  return descriptor.writable === true && entry.cleanKey === entry.key;
}

function changeInPlace({ value, entries }: Node): void {
  for (const entry of entries) {
    if (!needsChange(entry)) continue;
    if (entry.cleanKey !== entry.key) Reflect.deleteProperty(value, entry.key);
    define(value, entry);
  }
}

function cleanValue({ clean: cleaned, node }: Entry): unknown {
  return node === undefined ? cleaned : node.tainted && !node.inPlace ? copyOf(node) : node.value;
}

function assign(target: object, entry: Entry): boolean {
  const wanted = cleanValue(entry);
  return Reflect.set(target, entry.key, wanted) && Reflect.get(target, entry.key) === wanted;
}

/** Sets a property to its clean value; a clean accessor stays one. */
function define(target: object, entry: Entry): void {
  const { descriptor, key, cleanKey } = entry;
  if (descriptor !== undefined && !('value' in descriptor) && !needsChange(entry)) {
    Reflect.defineProperty(target, cleanKey, { ...descriptor, configurable: true });
    return;
  }
  // Assigned, V8 forgets the stack it has formatted; redefined, it keeps that behind the property.
  if (key === 'stack' && assign(target, entry)) return;
  const writable = descriptor?.configurable === false ? {} : { writable: true, configurable: true };
  Reflect.defineProperty(target, cleanKey === key ? key : freeName(target, cleanKey), {
    value: cleanValue(entry),
    enumerable: descriptor?.enumerable ?? false,
    ...writable,
  });
}

/** Two names that held a key must not become one. */
function freeName(target: object, name: PropertyKey): PropertyKey {
  return typeof name === 'string' ? numbered(name, (free) => Object.hasOwn(target, free)) : name;
}

function freeKey(target: ReadonlyMap<unknown, unknown>, key: unknown): unknown {
  return typeof key === 'string' ? numbered(key, (free) => target.has(free)) : key;
}

function numbered(name: string, taken: (name: string) => boolean): string {
  let free = name;
  for (let next = 2; taken(free); next++) free = `${name} ${String(next)}`;
  return free;
}

/** The scrubbed copy of a tainted object, made once. Cycles come out as cycles. */
function copyOf(node: Node): unknown {
  if (node.instead !== undefined) return node.instead;
  const { value, kind, entries, items } = node;
  switch (kind) {
    case 'map': {
      const copy = new Map<unknown, unknown>();
      node.instead = copy;
      for (const [key, item] of pairs(items)) copy.set(freeKey(copy, key), item);
      defineAll(copy, entries);
      return copy;
    }
    case 'set': {
      const copy = new Set<unknown>();
      node.instead = copy;
      for (const item of items) copy.add(cleanValue(item));
      defineAll(copy, entries);
      return copy;
    }
    case 'pairs':
      return (node.instead = copyOfPairs(value, pairs(items) as Array<[string, string]>));
    case 'opaque':
    case 'function': {
      const copy: Record<PropertyKey, unknown> = { description: describe(value) };
      node.instead = copy;
      if (kind === 'opaque') for (const entry of entries) copy[entry.cleanKey] = cleanValue(entry);
      return copy;
    }
    default: {
      const copy = emptyLike(node);
      node.instead = copy;
      // What its class computes from fields of its own, a copy of an error could not.
      defineAll(copy, entries, kind === 'error');
      return copy;
    }
  }
}

function defineAll(copy: object, entries: readonly Entry[], inherited = false): void {
  for (const entry of entries) {
    if (inherited || entry.descriptor !== undefined || needsChange(entry)) define(copy, entry);
  }
}

function emptyLike({ value, kind, entries }: Node): object {
  if (Array.isArray(value)) return Object.assign([], { length: value.length });
  const proto = cleanPrototype(value, entries);
  if (kind !== 'error') return Object.create(proto) as object;
  const copy = new Error();
  // Assigned where there is none, it would show in listings.
  if (!Object.hasOwn(value, 'stack')) Reflect.deleteProperty(copy, 'stack');
  return Object.setPrototypeOf(copy, proto) as object;
}

/** The nearest prototype that holds no key itself, as an object that serves as one may. */
function cleanPrototype(value: object, entries: readonly Entry[]): object | null {
  const own = Object.getPrototypeOf(value) as object | null;
  const dirty = new Set<object>();
  for (const entry of entries) {
    const { key, descriptor } = entry;
    if (descriptor !== undefined || !needsChange(entry)) continue;
    let owner = own;
    while (owner !== null && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null;
    if (owner !== null && 'value' in (Object.getOwnPropertyDescriptor(owner, key) ?? {})) dirty.add(owner);
  }
  let nearest = own;
  for (let proto = own; proto !== null; proto = Object.getPrototypeOf(proto) as object | null) {
    if (dirty.has(proto)) nearest = Object.getPrototypeOf(proto) as object | null;
  }
  return nearest;
}

function pairs(entries: readonly Entry[]): Array<[unknown, unknown]> {
  const list: Array<[unknown, unknown]> = [];
  for (let index = 0; index + 1 < entries.length; index += 2) {
    list.push([cleanValue(entries[index] as Entry), cleanValue(entries[index + 1] as Entry)]);
  }
  return list;
}

/** URLSearchParams and Headers, whichever package they are of; of a class that extends them, what it extends. */
function copyOfPairs(value: object, list: Array<[string, string]>): unknown {
  try {
    let tagged = value;
    while (!Object.hasOwn(tagged, Symbol.toStringTag)) tagged = Object.getPrototypeOf(tagged) as object;
    return new (tagged.constructor as new (init: Array<[string, string]>) => unknown)(list);
  } catch {
    return Object.fromEntries(list);
  }
}
