import { hasOwnCode, isOwnErrorPrototype } from '../errors.js';
import { readProperty } from '../util/safe-access.js';
import { createBytesLike, isByteList, listExtraKeys, readCharacters, readWideCodes, viewBytes } from './byte-views.js';
import {
  classifyObject,
  isObject,
  isOfOwnClass,
  listDescriptiveProperties,
  listPrototypes,
  type Kind,
} from './object-kind.js';
import { callPrinter, listPrinters } from './printers.js';
import { cleanPrimitive, readHeldText, readPairs } from './primitives.js';
import type { SearchBudget } from './search-budget.js';
import { NOT_SEARCHED, REDACTED, type SecretMatcher } from './secret-matcher.js';

const MAX_DEPTH = 32;
const MAX_ITEMS = 10_000;
const MAX_CHAIN = 1_000;
/** Number of entries that a call of the caller's code takes as long as. */
const WEIGHT_OF_CALL = 10;
/** Stands for a value that cannot be read, or printed, without a key. */
const UNREADABLE = Symbol('unreadable');
const FUNCTION_KEYS: ReadonlySet<PropertyKey> = new Set(['prototype', 'arguments', 'caller']);

/** Properties of an error of the chain that are searched even if the budget is spent. */
export const ALWAYS_SEARCHED: ReadonlySet<PropertyKey> = new Set(['message', 'stack', 'cause', 'name', 'code']);

/** Prototypes at which the search for inherited values ends. */
const BUILT_IN: ReadonlySet<object> = new Set([
  Object.prototype,
  Error.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
]);

/** A value held by an object: a property, a Map's key or value, a Set's member. */
export interface Entry {
  readonly key: PropertyKey;
  readonly cleanKey: PropertyKey;
  readonly descriptor: PropertyDescriptor | undefined;
  readonly value: unknown;
  /** The value without keys, if it is a primitive. */
  readonly cleanValue: unknown;
  /** The node of the value, if it is an object. */
  readonly node: Node | undefined;
  /** True if the value is what a method of this name prints. */
  readonly isPrinted: boolean;
}

/** An object that can be reached from the searched value. */
export interface Node {
  readonly value: object;
  readonly kind: Kind;
  readonly depth: number;
  /** Properties. Those without a descriptor are inherited. */
  readonly entries: Entry[];
  /** Items of a Map, a Set or a list of pairs: keys and values in turn, or members. */
  readonly items: Entry[];
  readonly parents: Node[];
  /** Names of the properties of an error of the chain that could not be searched any more. They are removed. */
  readonly unsearched: PropertyKey[];
  /** Prototypes with the key in the name of their class. */
  readonly dirtyPrototypes: object[];
  /** True for an error of the chain, which is changed in place to keep its identity. */
  inPlace: boolean;
  /** True for an error of the chain that has been changed. */
  isChanged: boolean;
  /** True if its class, or a method of its own, may decide how it is printed. */
  isCustom: boolean;
  /** True if it holds a key, or may hold one. */
  tainted: boolean;
  /** Replacement, once it is known. */
  replacement: unknown;
}

/** Searches everything that can be reached from a value, within bounds. Changes nothing. */
export class SecretGraph {
  readonly root: Node;
  readonly nodes: Map<object, Node> = new Map();
  readonly #text: SecretMatcher;
  readonly #budget: SearchBudget;
  readonly #chain: Node[] = [];
  readonly #queue: Node[] = [];
  #searchedOfChain = 0;
  #searchedOfQueue = 0;

  constructor(root: object, text: SecretMatcher, budget: SearchBudget, inPlace: boolean) {
    this.#text = text;
    this.#budget = budget;
    this.root = this.#addNode(root, undefined, inPlace);
    this.#searchAll();
  }

  /** Searches what the methods of errors print: of those that are changed in place once they are, of another as it is. */
  searchPrinted(nodes: readonly Node[] = this.#chain.filter(({ inPlace }) => inPlace)): void {
    for (const node of nodes) this.#addPrinted(node);
    this.#searchAll();
  }

  /** Returns a primitive without keys, within the rest of the text budget. */
  clean(value: unknown): unknown {
    return cleanPrimitive(value, this.#text, this.#budget);
  }

  /** Marks a node and every node that holds it, because their copies must hold its copy. */
  taint(node: Node): void {
    const marked = [node];
    for (let next = marked.pop(); next !== undefined; next = marked.pop()) {
      if (next.tainted) continue;
      next.tainted = true;
      if (!next.inPlace) for (const parent of next.parents) marked.push(parent);
    }
  }

  #searchAll(): void {
    // The errors of the chain come first, so that the bounds rarely cut them off.
    for (; this.#searchedOfChain < this.#chain.length; this.#searchedOfChain++)
      this.#searchSafely(this.#chain[this.#searchedOfChain] as Node);
    for (; this.#searchedOfQueue < this.#queue.length; this.#searchedOfQueue++)
      this.#searchSafely(this.#queue[this.#searchedOfQueue] as Node);
  }

  #addNode(value: object, parent: Node | undefined, inPlace: boolean): Node {
    let node = this.nodes.get(value);
    if (node === undefined) {
      const kind = classifyObject(value);
      node = {
        value,
        kind,
        depth: parent === undefined ? 0 : parent.depth + 1,
        entries: [],
        items: [],
        parents: [],
        unsearched: [],
        dirtyPrototypes: [],
        inPlace: inPlace && kind === 'error',
        isChanged: false,
        isCustom: false,
        tainted: false,
        replacement: undefined,
      };
      this.nodes.set(value, node);
      (node.inPlace ? this.#chain : this.#queue).push(node);
    }
    if (parent !== undefined) {
      node.parents.push(parent);
      if (node.tainted && !node.inPlace) this.taint(parent);
    }
    return node;
  }

  /** Searches a node. One that throws, or is not what it claims to be, is replaced unsearched. */
  #searchSafely(node: Node): void {
    if (!this.#budget.takeEntry() || node.depth > MAX_DEPTH) {
      this.#skip(node);
      return;
    }
    try {
      this.#search(node);
    } catch {
      this.#skip(node);
    }
  }

  #search(node: Node): void {
    const { value, kind } = node;
    switch (kind) {
      case 'error':
      case 'plain':
      case 'function':
        this.#searchProperties(node);
        break;
      case 'map':
      case 'set':
        if ((value as Map<unknown, unknown> | Set<unknown>).size > MAX_ITEMS) return this.#skip(node);
        for (const item of value as Iterable<unknown>) {
          if (!this.#budget.takeEntry()) return this.#skip(node);
          this.#addItems(node, kind === 'map' ? (item as unknown[]) : [item]);
        }
        this.#searchProperties(node);
        break;
      case 'url':
      case 'text':
        this.#searchExtras(node);
        this.#replaceText(node, readHeldText(value));
        break;
      case 'pairs':
        this.#searchExtras(node);
        for (const pair of readPairs(value)) {
          if (!this.#budget.takeEntry()) return this.#skip(node);
          this.#addItems(node, pair);
        }
        break;
      case 'bytes':
        this.#searchExtras(node);
        this.#searchBytes(node, viewBytes(value as ArrayBuffer | ArrayBufferView));
        break;
      case 'opaque':
        this.#budget.takeEntry(WEIGHT_OF_CALL);
        for (const [key, told] of listDescriptiveProperties(value)) this.#addEntry(node, key, told);
        this.taint(node);
        break;
      case 'date':
        this.#searchExtras(node);
        node.replacement = new Date(Date.prototype.getTime.call(value));
        break;
    }
  }

  /** Searches properties that were added to a value with content of another kind. Its copy has none of them. */
  #searchExtras(node: Node): void {
    for (const key of listExtraKeys(node.value)) {
      if (!this.#budget.takeEntry()) throw new RangeError('too many properties');
      this.#addEntry(node, key, readProperty(node.value, key), Reflect.getOwnPropertyDescriptor(node.value, key));
    }
    if (node.entries.length > 0 || isOfOwnClass(node.value)) this.#addPrinted(node);
    for (const proto of listPrototypes(node.value) as object[]) this.#checkClass(node, proto);
  }

  /** Notes a prototype whose class is named like a key: names of classes are printed. */
  #checkClass(node: Node, proto: object): void {
    const type = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value as unknown;
    if (typeof type !== 'function' || !this.#text.contains(String(type.name))) return;
    node.dirtyPrototypes.push(proto);
    this.taint(node);
  }

  /** Searches what the methods of an object print. */
  #addPrinted(node: Node): void {
    for (const [key, printer] of listPrinters(node.value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(node.value, key);
      node.isCustom = true;
      node.isChanged = false;
      const isCalled = this.#budget.takeEntry(WEIGHT_OF_CALL);
      const printed = isCalled ? this.#readSafely(() => callPrinter(node.value, key, printer)) : UNREADABLE;
      this.#addEntry(node, key, printed, descriptor, false, true);
    }
  }

  /** Returns what the caller's code returns. It may throw an error that tells a key. */
  #readSafely(read: () => unknown): unknown {
    try {
      return read();
    } catch (thrown) {
      const told = isObject(thrown) ? [readProperty(thrown, 'message'), readProperty(thrown, 'stack')] : [thrown];
      return told.some((text) => typeof text === 'string' && this.#text.contains(text)) ? UNREADABLE : undefined;
    }
  }

  #searchProperties(node: Node): void {
    const { value, kind, inPlace } = node;
    const list = Array.isArray(value);
    if (list && value.length > MAX_ITEMS) return this.#skip(node);
    const keys = Reflect.ownKeys(value);
    // An error of the chain keeps its identity, however large. The length of an array is no item.
    if (keys.length - (list ? 1 : 0) > MAX_ITEMS && !inPlace) return this.#skip(node);
    if (list && isByteList(value)) {
      this.#searchBytes(node, Uint8Array.from(value as number[]));
      const nothingElse = keys.length === value.length + 1 && Object.getPrototypeOf(value) === Array.prototype;
      if (node.tainted || nothingElse) return;
    }
    if (!inPlace && this.#text.contains(readCharacters(value))) {
      node.replacement = REDACTED;
      this.taint(node);
      return;
    }
    for (const key of keys) {
      if (kind === 'function' ? FUNCTION_KEYS.has(key) : list && key === 'length') continue;
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      const stored = descriptor !== undefined && 'value' in descriptor;
      const isInTime = this.#budget.takeEntry(stored ? 1 : WEIGHT_OF_CALL);
      if (!isInTime && !(inPlace && ALWAYS_SEARCHED.has(key))) {
        if (!inPlace) return this.#skip(node);
        node.unsearched.push(key);
        this.taint(node);
        continue;
      }
      if (kind === 'function' && !stored) {
        // A getter on a function may do anything, so it is not called.
        this.taint(node);
        continue;
      }
      // The first reading of a stack is the most expensive of all.
      if (key === 'stack' && kind === 'error') this.#budget.takeEntry(WEIGHT_OF_CALL);
      const found = stored ? (descriptor.value as unknown) : this.#readSafely(() => Reflect.get(value, key) as unknown);
      if (inPlace && stored && key === 'errors' && isPlainList(found) && found.length <= MAX_CHAIN) {
        for (const error of found) if (isObject(error)) this.#addNode(error, node, true);
      }
      // An accessor may return another error the next time.
      this.#addEntry(node, key, found, descriptor, inPlace && stored && key === 'cause');
    }
    if (kind !== 'function') {
      this.#searchInherited(node);
      if (!inPlace) this.#addPrinted(node);
      return;
    }
    // A class inherits the static members of its base class.
    const parent: unknown = Object.getPrototypeOf(value);
    if (typeof parent === 'function' && parent !== Function.prototype) this.#addEntry(node, 'parent', parent);
    if (listPrinters(value).length > 0) this.taint(node);
  }

  /** Searches inherited values: getters, which may compute a key, and fields of an object used as a prototype. */
  #searchInherited(node: Node): void {
    const prototypes = listPrototypes(node.value);
    if (prototypes === undefined) return this.#skip(node);
    for (const proto of prototypes) {
      if (BUILT_IN.has(proto)) break;
      node.isCustom = true;
      // The names of goldkey's own classes are no secret, though a key may begin as one of them ends.
      if (isOwnErrorPrototype(proto)) continue;
      this.#checkClass(node, proto);
      for (const key of Reflect.ownKeys(proto)) {
        if (key === '__proto__' || Object.hasOwn(node.value, key)) continue;
        if (!this.#budget.takeEntry()) return this.#skip(node);
        const found = readProperty(node.value, key);
        if (typeof found !== 'function') this.#addEntry(node, key, found);
      }
    }
  }

  #addEntry(
    node: Node,
    key: PropertyKey,
    value: unknown,
    descriptor?: PropertyDescriptor,
    inPlace = false,
    isPrinted = false,
  ): void {
    const cleanKey = isPrinted ? key : (this.clean(key) as PropertyKey);
    node.entries.push(this.#createEntry(node, key, cleanKey, value, descriptor, inPlace, isPrinted));
    if (cleanKey !== key) this.taint(node);
  }

  #addItems(node: Node, values: readonly unknown[]): void {
    for (const value of values) node.items.push(this.#createEntry(node, '', '', value, undefined, false, false));
  }

  #createEntry(
    holder: Node,
    key: PropertyKey,
    cleanKey: PropertyKey,
    value: unknown,
    descriptor: PropertyDescriptor | undefined,
    inPlace: boolean,
    isPrinted: boolean,
  ): Entry {
    const node = isObject(value) ? this.#addNode(value, holder, inPlace) : undefined;
    const isKnown = key === 'code' && hasOwnCode(holder.value);
    const cleanValue = value === UNREADABLE ? NOT_SEARCHED : isKnown ? value : this.clean(value);
    if (!Object.is(cleanValue, value)) this.taint(holder);
    return { key, cleanKey, descriptor, value, cleanValue, node, isPrinted };
  }

  #searchBytes(node: Node, bytes: Buffer | Uint8Array): void {
    if (!this.#budget.takeText(bytes.byteLength)) return this.#skip(node);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = view.toString('latin1');
    const clean = this.#text.redact(text);
    const wide =
      [view, view.subarray(1)].some((from) => this.#text.contains(from.toString('utf16le'))) ||
      this.#text.contains(readWideCodes(node.value));
    if (wide) node.replacement = REDACTED;
    else if (clean !== text || hasExtras(node)) node.replacement = createBytesLike(node.value, clean);
    if (wide || clean !== text) this.taint(node);
  }

  #replaceText(node: Node, text: string): void {
    const clean = this.clean(text) as string;
    if (clean === text && !hasExtras(node)) return;
    node.replacement = node.kind === 'url' && URL.canParse(clean) ? new URL(clean) : clean;
    if (clean !== text) this.taint(node);
  }

  #skip(node: Node): void {
    node.replacement = NOT_SEARCHED;
    // An error that was not searched completely is not kept.
    node.inPlace = false;
    node.tainted = false;
    this.taint(node);
  }
}

function isPlainList(value: unknown): value is unknown[] {
  return Array.isArray(value) && classifyObject(value) === 'plain';
}

/** Returns whether a value has more than its content, which a copy must not have. */
function hasExtras({ entries, dirtyPrototypes }: Node): boolean {
  return entries.length > 0 || dirtyPrototypes.length > 0;
}
