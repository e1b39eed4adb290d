import { tryOrUndefined } from '../util/safe-access.js';
import { describeOpaque, hasPrivateFields, isObject, type Kind } from './object-kind.js';
import type { SearchBudget } from './search-budget.js';
import { ALWAYS_SEARCHED, type Entry, type Node, type SecretGraph } from './object-graph.js';
import { cover, mendPrinting } from './printers.js';
import { NOT_SEARCHED } from './secret-matcher.js';

/** Largest number of pairs of a Headers or URLSearchParams that is copied as one: they sort, or compare, every pair. */
const MAX_PAIRS = 1_000;

/** Kinds of which a copy has the methods of its class, which may print it. */
const PRINTED_KINDS: ReadonlySet<Kind> = new Set<Kind>(['error', 'plain']);

/** Returns whether an entry's key or value differs from what a clean copy holds. */
export function needsChange({ key, cleanKey, value, cleanValue, node }: Entry): boolean {
  return !Object.is(cleanValue, value) || cleanKey !== key || (node !== undefined && node.tainted && !node.inPlace);
}

/** Copies tainted objects without their keys, within the budget of the search, and changes errors of the chain in place. */
export class CleanCopier {
  readonly #budget: SearchBudget;
  readonly #graph: SecretGraph;

  constructor(graph: SecretGraph, budget: SearchBudget) {
    this.#graph = graph;
    this.#budget = budget;
  }

  /** Returns whether an error can be changed to hold no key. */
  canChange({ value, entries, unsearched, dirtyPrototypes }: Node): boolean {
    if (dirtyPrototypes.length > 0 && !Object.isExtensible(value)) return false;
    const canChange = entries.every((entry) => {
      if (!needsChange(entry)) return true;
      const { descriptor } = entry;
      if (entry.isPrinted) {
        // Other methods could still tell what private fields hold.
        const isCovered = descriptor === undefined && Object.isExtensible(value) && !hasPrivateFields(value);
        return isCovered || descriptor?.configurable === true;
      }
      // Shadowing an inherited getter is not enough: the private state it reads would still hold the key.
      if (descriptor === undefined) return false;
      // V8 gives every error a `stack` accessor, which can be set even on a frozen error.
      if (entry.key === 'stack' && descriptor.set !== undefined) return this.#assign(value, entry);
      if (descriptor.configurable === true) return entry.cleanKey === entry.key || Object.isExtensible(value);
      return descriptor.writable === true && entry.cleanKey === entry.key;
    });
    // They may be thousands: to ask whether they can be deleted would take as long.
    return canChange && unsearched.every((key) => Reflect.deleteProperty(value, key));
  }

  /** Changes an error of the chain. */
  changeInPlace({ value, entries, unsearched, dirtyPrototypes }: Node): void {
    const names = new FreeNames((name) => Object.hasOwn(value, name));
    let isCut = unsearched.length > 0;
    for (const entry of entries) {
      const { key, cleanKey, descriptor } = entry;
      // A renamed property is gone when its error is changed for the second time.
      if (!needsChange(entry) || (cleanKey !== key && !Object.hasOwn(value, key))) continue;
      const isDropped =
        !this.#budget.takeCopiedEntry() && !ALWAYS_SEARCHED.has(key) && descriptor?.configurable === true;
      if (isDropped || cleanKey !== key) Reflect.deleteProperty(value, key);
      if (isDropped) isCut = true;
      else this.#define(value, entry, names);
    }
    if (isCut) markCut(value);
    if (dirtyPrototypes.length > 0) Object.setPrototypeOf(value, findCleanPrototype(value, entries, dirtyPrototypes));
  }

  /** Sees to it that no copy throws when it is printed. */
  mendPrinting(): void {
    for (const { kind, isCustom, replacement } of this.#graph.nodes.values()) {
      if (!isCustom || !PRINTED_KINDS.has(kind) || !isObject(replacement)) continue;
      if (!this.#budget.takeCopiedEntry()) return;
      mendPrinting(replacement);
    }
  }

  /** Returns the copy of a tainted object, which is created once, so that cycles stay cycles. */
  copy(node: Node): unknown {
    if (node.replacement !== undefined) return node.replacement;
    const { value, kind, entries, items } = node;
    switch (kind) {
      case 'map': {
        const copy = new Map<unknown, unknown>();
        const names = new FreeNames((name) => copy.has(name) || Map.prototype.has.call(value, name));
        node.replacement = copy;
        for (let index = 0; index + 1 < items.length; index += 2) {
          if (!this.#budget.takeCopiedEntry()) {
            copy.set(NOT_SEARCHED, NOT_SEARCHED);
            break;
          }
          const item = items[index] as Entry;
          const key = this.#getCleanValue(item);
          const isRenamed = typeof key === 'string' && key !== item.value;
          copy.set(isRenamed ? names.take(key) : key, this.#getCleanValue(items[index + 1] as Entry));
        }
        this.#defineAll(copy, node);
        return copy;
      }
      case 'set': {
        const copy = new Set<unknown>();
        node.replacement = copy;
        for (const item of items) copy.add(this.#budget.takeCopiedEntry() ? this.#getCleanValue(item) : NOT_SEARCHED);
        this.#defineAll(copy, node);
        return copy;
      }
      case 'pairs':
        return (node.replacement = createPairsCopy(value, this.#readPairs(items)));
      case 'opaque':
      case 'function': {
        const copy: Record<PropertyKey, unknown> = { description: this.#graph.clean(describeOpaque(value)) };
        node.replacement = copy;
        if (kind === 'opaque') for (const entry of entries) copy[entry.cleanKey] = this.#getCleanValue(entry);
        return copy;
      }
      default: {
        const copy = createEmptyLike(node);
        node.replacement = copy;
        // A copied error loses its private fields, so values of inherited getters are copied as own properties.
        this.#defineAll(copy, node, kind === 'error');
        return copy;
      }
    }
  }

  #getCleanValue({ cleanValue, node }: Entry): unknown {
    return node === undefined ? cleanValue : node.tainted && !node.inPlace ? this.copy(node) : node.value;
  }

  #assign(target: object, entry: Entry): boolean {
    const wanted = this.#getCleanValue(entry);
    return Reflect.set(target, entry.key, wanted) && Reflect.get(target, entry.key) === wanted;
  }

  #defineAll(copy: object, { value, entries }: Node, inherited = false): void {
    const names = new FreeNames((name) => Object.hasOwn(copy, name) || Object.hasOwn(value, name));
    const isCovered = (entry: Entry): boolean =>
      entry.isPrinted && (entry.descriptor !== undefined || needsChange(entry));
    const printed = new Set(entries.filter(isCovered).map(({ key }) => key));
    for (const entry of entries) {
      if (!this.#budget.takeCopiedEntry()) {
        markCut(copy);
        return;
      }
      // A method of its own may print something else the next time.
      if (entry.isPrinted !== printed.has(entry.key)) continue;
      if (inherited || entry.descriptor !== undefined || needsChange(entry)) this.#define(copy, entry, names);
    }
  }

  /** Sets a property to its clean value. An accessor without a key stays an accessor. */
  #define(target: object, entry: Entry, names: FreeNames): void {
    const { descriptor, key, cleanKey } = entry;
    if (entry.isPrinted) {
      const printed = this.#getCleanValue(entry);
      cover(target, key, () => printed);
      return;
    }
    if (descriptor !== undefined && !('value' in descriptor) && !needsChange(entry)) {
      Reflect.defineProperty(target, cleanKey, { ...descriptor, configurable: true });
      // It may read what only the original has.
      if (tryOrUndefined(() => [Reflect.get(target, cleanKey)]) !== undefined) return;
    }
    // Assigning `stack` makes V8 drop the text that it has formatted; redefining the property would keep it.
    if (key === 'stack' && this.#assign(target, entry)) return;
    const writable = descriptor?.configurable === false ? {} : { writable: true, configurable: true };
    Reflect.defineProperty(target, cleanKey === key || typeof cleanKey !== 'string' ? cleanKey : names.take(cleanKey), {
      value: this.#getCleanValue(entry),
      enumerable: descriptor?.enumerable ?? false,
      ...writable,
    });
  }

  #readPairs(items: readonly Entry[]): Array<[string, string]> {
    const list: Array<[string, string]> = [];
    for (let index = 0; index + 1 < items.length && this.#budget.takeCopiedEntry(); index += 2) {
      const [name, value] = [items[index], items[index + 1]] as [Entry, Entry];
      list.push([String(this.#getCleanValue(name)), String(this.#getCleanValue(value))]);
    }
    return list;
  }
}

/** Finds names that are not taken: two names that held a key must not become one. Counts, instead of trying each number. */
class FreeNames {
  readonly #isTaken: (name: string) => boolean;
  readonly #last: Map<string, number> = new Map();

  constructor(isTaken: (name: string) => boolean) {
    this.#isTaken = isTaken;
  }

  take(name: string): string {
    let number = (this.#last.get(name) ?? 0) + 1;
    let free = number === 1 ? name : `${name} ${String(number)}`;
    for (; this.#isTaken(free); free = `${name} ${String(number)}`) number++;
    this.#last.set(name, number);
    return free;
  }
}

/** Shows that a copy lacks the entries for which the budget did not suffice. */
function markCut(copy: object): void {
  Reflect.defineProperty(copy, NOT_SEARCHED, {
    value: NOT_SEARCHED,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function createEmptyLike({ value, kind, entries, dirtyPrototypes }: Node): object {
  if (Array.isArray(value)) return Object.assign([], { length: value.length });
  const proto = findCleanPrototype(value, entries, dirtyPrototypes);
  if (kind !== 'error') return Object.create(proto) as object;
  const copy = new Error();
  // Assigning `stack` where the original has none would create an enumerable property.
  if (!Object.hasOwn(value, 'stack')) Reflect.deleteProperty(copy, 'stack');
  return Object.setPrototypeOf(copy, proto) as object;
}

/** Returns the nearest prototype that holds no key: any object may serve as a prototype, with a key among its fields. */
function findCleanPrototype(value: object, entries: readonly Entry[], known: readonly object[]): object | null {
  const own = Object.getPrototypeOf(value) as object | null;
  const dirty = new Set<object>(known);
  for (const entry of entries) {
    const { key, descriptor } = entry;
    if (descriptor !== undefined || entry.isPrinted || !needsChange(entry)) continue;
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

/** Creates a URLSearchParams or Headers of the same package; for a subclass, one of its base class. */
function createPairsCopy(value: object, list: Array<[string, string]>): unknown {
  try {
    if (list.length > MAX_PAIRS) return Object.fromEntries(list);
    let tagged = value;
    while (!Object.hasOwn(tagged, Symbol.toStringTag)) tagged = Object.getPrototypeOf(tagged) as object;
    return new (tagged.constructor as new (init: Array<[string, string]>) => unknown)(list);
  } catch {
    return Object.fromEntries(list);
  }
}
