import { cleanPrimitive, NOT_SEARCHED, SecretGraph, type Entry, type Node } from './object-graph.js';
import { describeOpaque, isObject } from './object-kind.js';
import { SecretMatcher } from './secret-matcher.js';

/**
 * Returns the error that leaves a call: `thrown` without the keys. Only the errors of the chain (`cause`, AggregateError)
 * are changed in place. Any other value on them that holds a key is replaced by a copy, because the original may be the
 * caller's live configuration, or another caller's queued request.
 */
export function scrub(thrown: unknown, secrets: readonly string[]): unknown {
  return clean(thrown, secrets, true);
}

/** Returns a copy of `value` without the keys, or `value` itself if it holds none. Changes nothing. */
export function redactValue<T>(value: T, secrets: readonly string[]): T {
  return clean(value, secrets, false) as T;
}

function clean(value: unknown, secrets: readonly string[], inPlace: boolean): unknown {
  if (secrets.length === 0) return value;
  const text = new SecretMatcher(secrets);
  if (!isObject(value)) return cleanPrimitive(value, text);
  const graph = new SecretGraph(value, text, inPlace);
  const { root } = graph;
  // A live object that was thrown, such as a fetch Response, stays usable if its readable properties hold no key.
  const { kind, replacement, entries } = root;
  const isDescriptive = kind === 'opaque' && replacement !== NOT_SEARCHED && entries.length > 0;
  if (isDescriptive && !entries.some(needsChange)) return value;
  replaceUnchangeableErrors(graph);
  for (const node of graph.nodes.values()) if (node.inPlace && node.tainted) changeInPlace(node);
  return root.tainted && !root.inPlace ? createCopy(root) : value;
}

/** Marks errors that cannot be changed to be copied, and with them every error that holds one. */
function replaceUnchangeableErrors(graph: SecretGraph): void {
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

function needsChange({ key, cleanKey, value, cleanValue: cleaned, node }: Entry): boolean {
  return !Object.is(cleaned, value) || cleanKey !== key || (node !== undefined && node.tainted && !node.inPlace);
}

function canChange({ value }: Node, entry: Entry): boolean {
  if (!needsChange(entry)) return true;
  const { descriptor } = entry;
  // Shadowing an inherited getter is not enough: the private state it reads would still hold the key.
  if (descriptor === undefined) return false;
  // V8 gives every error a `stack` accessor, which can be set even on a frozen error.
  if (entry.key === 'stack' && descriptor.set !== undefined) return assignEntry(value, entry);
  if (descriptor.configurable === true) return entry.cleanKey === entry.key || Object.isExtensible(value);
  return descriptor.writable === true && entry.cleanKey === entry.key;
}

function changeInPlace({ value, entries }: Node): void {
  for (const entry of entries) {
    if (!needsChange(entry)) continue;
    if (entry.cleanKey !== entry.key) Reflect.deleteProperty(value, entry.key);
    defineEntry(value, entry);
  }
}

function getCleanValue({ cleanValue: cleaned, node }: Entry): unknown {
  return node === undefined ? cleaned : node.tainted && !node.inPlace ? createCopy(node) : node.value;
}

function assignEntry(target: object, entry: Entry): boolean {
  const wanted = getCleanValue(entry);
  return Reflect.set(target, entry.key, wanted) && Reflect.get(target, entry.key) === wanted;
}

/** Sets a property to its clean value. An accessor without a key stays an accessor. */
function defineEntry(target: object, entry: Entry): void {
  const { descriptor, key, cleanKey } = entry;
  if (descriptor !== undefined && !('value' in descriptor) && !needsChange(entry)) {
    Reflect.defineProperty(target, cleanKey, { ...descriptor, configurable: true });
    return;
  }
  // Assigning `stack` makes V8 drop the text that it has formatted; redefining the property would keep it.
  if (key === 'stack' && assignEntry(target, entry)) return;
  const writable = descriptor?.configurable === false ? {} : { writable: true, configurable: true };
  Reflect.defineProperty(target, cleanKey === key ? key : makeUniqueName(target, cleanKey), {
    value: getCleanValue(entry),
    enumerable: descriptor?.enumerable ?? false,
    ...writable,
  });
}

/** Returns a name that `target` does not have: two names that held a key must not become one. */
function makeUniqueName(target: object, name: PropertyKey): PropertyKey {
  return typeof name === 'string' ? makeUnique(name, (free) => Object.hasOwn(target, free)) : name;
}

function makeUniqueKey(target: ReadonlyMap<unknown, unknown>, key: unknown): unknown {
  return typeof key === 'string' ? makeUnique(key, (free) => target.has(free)) : key;
}

function makeUnique(name: string, taken: (name: string) => boolean): string {
  let free = name;
  for (let next = 2; taken(free); next++) free = `${name} ${String(next)}`;
  return free;
}

/** Returns the copy of a tainted object, which is created once, so that cycles stay cycles. */
function createCopy(node: Node): unknown {
  if (node.replacement !== undefined) return node.replacement;
  const { value, kind, entries, items } = node;
  switch (kind) {
    case 'map': {
      const copy = new Map<unknown, unknown>();
      node.replacement = copy;
      for (const [key, item] of readPairs(items)) copy.set(makeUniqueKey(copy, key), item);
      defineEntries(copy, entries);
      return copy;
    }
    case 'set': {
      const copy = new Set<unknown>();
      node.replacement = copy;
      for (const item of items) copy.add(getCleanValue(item));
      defineEntries(copy, entries);
      return copy;
    }
    case 'pairs':
      return (node.replacement = createPairsCopy(value, readPairs(items) as Array<[string, string]>));
    case 'opaque':
    case 'function': {
      const copy: Record<PropertyKey, unknown> = { description: describeOpaque(value) };
      node.replacement = copy;
      if (kind === 'opaque') for (const entry of entries) copy[entry.cleanKey] = getCleanValue(entry);
      return copy;
    }
    default: {
      const copy = createEmptyLike(node);
      node.replacement = copy;
      // A copied error loses its private fields, so values of inherited getters are copied as own properties.
      defineEntries(copy, entries, kind === 'error');
      return copy;
    }
  }
}

function defineEntries(copy: object, entries: readonly Entry[], inherited = false): void {
  for (const entry of entries) {
    if (inherited || entry.descriptor !== undefined || needsChange(entry)) defineEntry(copy, entry);
  }
}

function createEmptyLike({ value, kind, entries }: Node): object {
  if (Array.isArray(value)) return Object.assign([], { length: value.length });
  const proto = findCleanPrototype(value, entries);
  if (kind !== 'error') return Object.create(proto) as object;
  const copy = new Error();
  // Assigning `stack` where the original has none would create an enumerable property.
  if (!Object.hasOwn(value, 'stack')) Reflect.deleteProperty(copy, 'stack');
  return Object.setPrototypeOf(copy, proto) as object;
}

/** Returns the nearest prototype that holds no key: any object may serve as a prototype, with a key among its fields. */
function findCleanPrototype(value: object, entries: readonly Entry[]): object | null {
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

function readPairs(entries: readonly Entry[]): Array<[unknown, unknown]> {
  const list: Array<[unknown, unknown]> = [];
  for (let index = 0; index + 1 < entries.length; index += 2) {
    list.push([getCleanValue(entries[index] as Entry), getCleanValue(entries[index + 1] as Entry)]);
  }
  return list;
}

/** Creates a URLSearchParams or Headers of the same package; for a subclass, one of its base class. */
function createPairsCopy(value: object, list: Array<[string, string]>): unknown {
  try {
    let tagged = value;
    while (!Object.hasOwn(tagged, Symbol.toStringTag)) tagged = Object.getPrototypeOf(tagged) as object;
    return new (tagged.constructor as new (init: Array<[string, string]>) => unknown)(list);
  } catch {
    return Object.fromEntries(list);
  }
}
