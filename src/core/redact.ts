import { NOT_SEARCHED, SecretGraph, type Entry, type Node } from './redact-graph.js';
import { describe, isObject } from './redact-kinds.js';
import { SecretText } from './secret-text.js';

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
  const text = new SecretText(secrets);
  if (typeof value === 'string') return text.redact(value);
  if (!isObject(value)) {
    if (typeof value !== 'symbol' || value.description === undefined || !text.found(value.description)) return value;
    return Symbol(text.redact(value.description));
  }
  const graph = new SecretGraph(value, text, inPlace);
  const { root } = graph;
  // Thrown as it is (a fetch Response, say), a live object whose telling parts are clean stays usable.
  if (root.kind === 'opaque' && root.instead !== NOT_SEARCHED && !root.entries.some(needsChange)) return value;
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
  return cleaned !== value || cleanKey !== key || (node !== undefined && node.tainted && !node.inPlace);
}

function canChange({ value }: Node, entry: Entry): boolean {
  if (!needsChange(entry)) return true;
  const { descriptor } = entry;
  if (descriptor === undefined) return Object.isExtensible(value);
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

/** Sets a property to its clean value; a clean accessor stays one. */
function define(target: object, entry: Entry): void {
  const { descriptor, cleanKey } = entry;
  if (descriptor !== undefined && !('value' in descriptor) && !needsChange(entry)) {
    Reflect.defineProperty(target, cleanKey, { ...descriptor, configurable: true });
    return;
  }
  const writable = descriptor?.configurable === false ? {} : { writable: true, configurable: true };
  Reflect.defineProperty(target, cleanKey, {
    value: cleanValue(entry),
    enumerable: descriptor?.enumerable ?? false,
    ...writable,
  });
}

/** The scrubbed copy of a tainted object, made once. Cycles come out as cycles. */
function copyOf(node: Node): unknown {
  if (node.instead !== undefined) return node.instead;
  const { value, kind, entries } = node;
  switch (kind) {
    case 'map': {
      const copy = new Map<unknown, unknown>();
      node.instead = copy;
      for (const [key, item] of pairs(entries)) copy.set(key, item);
      return copy;
    }
    case 'set': {
      const copy = new Set<unknown>();
      node.instead = copy;
      for (const entry of entries) copy.add(cleanValue(entry));
      return copy;
    }
    case 'pairs':
      return (node.instead = copyOfPairs(value, pairs(entries) as Array<[string, string]>));
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
      for (const entry of entries) {
        if (entry.descriptor !== undefined || needsChange(entry)) define(copy, entry);
      }
      return copy;
    }
  }
}

function emptyLike({ value, kind }: Node): object {
  if (Array.isArray(value)) return new Array<unknown>(value.length);
  const proto = Object.getPrototypeOf(value) as object | null;
  if (kind !== 'error') return Object.create(proto) as object;
  const copy = new Error();
  Reflect.deleteProperty(copy, 'stack');
  return Object.setPrototypeOf(copy, proto) as object;
}

function pairs(entries: readonly Entry[]): Array<[unknown, unknown]> {
  const list: Array<[unknown, unknown]> = [];
  for (let index = 0; index + 1 < entries.length; index += 2) {
    list.push([cleanValue(entries[index] as Entry), cleanValue(entries[index + 1] as Entry)]);
  }
  return list;
}

/** URLSearchParams and Headers, whichever package they are of. */
function copyOfPairs(value: object, list: Array<[string, string]>): unknown {
  try {
    return new (value.constructor as new (init: Array<[string, string]>) => unknown)(list);
  } catch {
    return Object.fromEntries(list);
  }
}
