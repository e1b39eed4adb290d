import { readProperty } from '../util/safe-access.js';
import { bytesLike, bytesOf, extraKeys, isByteList } from './byte-views.js';
import { isObject, kindOfObject, tellingProperties, type Kind } from './object-kind.js';
import { REDACTED, type SecretMatcher } from './secret-matcher.js';

/** Stands for what lies past the bounds of a search. */
export const NOT_SEARCHED = '[REDACTED: not searched]';

const MAX_DEPTH = 32;
const MAX_TEXT = 1_048_576;
const MAX_MS = 20;
const MAX_ITEMS = 10_000;
const MAX_CHAIN = 1_000;
/** So many are searched whatever the time: a busy machine must not cost a small error its contents. */
const ALWAYS = 2_000;
const FUNCTION_KEYS: ReadonlySet<PropertyKey> = new Set(['length', 'prototype', 'arguments', 'caller']);

/** Where an object's own story ends. */
const BUILT_IN: ReadonlySet<object> = new Set([
  Object.prototype,
  Error.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
]);

/** One value held by an object: a property, a Map's key or value, a Set's member. */
export interface Entry {
  readonly key: PropertyKey;
  readonly cleanKey: PropertyKey;
  readonly descriptor: PropertyDescriptor | undefined;
  readonly value: unknown;
  /** The value without keys, where it is no object. */
  readonly clean: unknown;
  /** The value, where it is an object. */
  readonly node: Node | undefined;
}

/** One object of the graph that hangs off what is searched. */
export interface Node {
  readonly value: object;
  readonly kind: Kind;
  readonly depth: number;
  /** Its properties; those without a descriptor are inherited. */
  readonly entries: Entry[];
  /** What a Map, a Set or a list of pairs holds: keys and values in turn, or members. */
  readonly items: Entry[];
  readonly parents: Node[];
  /** An error of the chain: changed where it is, so that its identity stays. */
  inPlace: boolean;
  /** It holds a key, or might. */
  tainted: boolean;
  /** What stands in its place, once that is known. */
  instead: unknown;
}

/** Looks through everything that can be reached from a value, within bounds, changing nothing. */
export class SecretGraph {
  readonly root: Node;
  readonly nodes: Map<object, Node> = new Map();
  readonly #text: SecretMatcher;
  readonly #queue: Node[] = [];
  readonly #chain: Node[] = [];
  #left = MAX_TEXT;
  #seen = 0;

  constructor(root: object, text: SecretMatcher, inPlace: boolean) {
    this.#text = text;
    this.root = this.#reach(root, undefined, inPlace);
    const end = performance.now() + MAX_MS;
    // The errors themselves come first: whatever the bounds cut off, it is not them.
    for (let index = 0; index < this.#chain.length; index++) this.#try(this.#chain[index] as Node);
    for (let index = 0; index < this.#queue.length; index++) {
      const node = this.#queue[index] as Node;
      if (node.depth > MAX_DEPTH) this.#skip(node);
      else this.#try(node);
      if (this.#seen > ALWAYS && performance.now() > end) {
        for (const rest of this.#queue.slice(index + 1)) this.#skip(rest);
        return;
      }
    }
  }

  /** A primitive without keys, within what is left of the text to search. */
  clean(value: unknown): unknown {
    const length = typeof value === 'symbol' ? value.description?.length : typeof value === 'string' ? value.length : 0;
    if (length === undefined || length === 0) return value;
    if (length > this.#left) return NOT_SEARCHED;
    this.#left -= length;
    return cleanPrimitive(value, this.#text);
  }

  /** Marks a node, and with it every one that holds it: their copies must hold its copy. */
  taint(node: Node): void {
    const marked = [node];
    for (let next = marked.pop(); next !== undefined; next = marked.pop()) {
      if (next.tainted) continue;
      next.tainted = true;
      if (!next.inPlace) marked.push(...next.parents);
    }
  }

  #reach(value: object, parent: Node | undefined, inPlace: boolean): Node {
    let node = this.nodes.get(value);
    if (node === undefined) {
      const kind = kindOfObject(value);
      const depth = parent === undefined ? 0 : parent.depth + 1;
      node = {
        value,
        kind,
        depth,
        entries: [],
        items: [],
        parents: [],
        inPlace: inPlace && kind === 'error' && depth <= MAX_DEPTH,
        tainted: false,
        instead: undefined,
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

  /** Objects that are not what they claim to be, or throw whatever is done to them, are not searched. */
  #try(node: Node): void {
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
        for (const item of value as Iterable<unknown>)
          this.#addItems(node, kind === 'map' ? (item as unknown[]) : [item]);
        this.#searchProperties(node);
        break;
      case 'url':
      case 'text':
        this.#searchExtras(node);
        this.#replaceText(node, String(value));
        break;
      case 'pairs':
        this.#searchExtras(node);
        for (const pair of value as Iterable<[string, string]>) this.#addItems(node, pair);
        break;
      case 'bytes':
        this.#searchExtras(node);
        this.#searchBytes(node, bytesOf(value as ArrayBuffer | ArrayBufferView));
        break;
      case 'opaque':
        for (const [key, told] of tellingProperties(value)) this.#add(node, key, told);
        this.taint(node);
        break;
      case 'date':
        this.#searchExtras(node);
        if (node.entries.length > 0) node.instead = new Date(Number(value));
        break;
    }
  }

  /** Properties of a value that is more than its properties. Its copy goes without. */
  #searchExtras(node: Node): void {
    for (const key of extraKeys(node.value, node.kind)) {
      this.#add(node, key, readProperty(node.value, key), Reflect.getOwnPropertyDescriptor(node.value, key));
    }
  }

  #searchProperties(node: Node): void {
    const { value, kind, inPlace } = node;
    const list = Array.isArray(value);
    if (list && value.length > MAX_ITEMS) return this.#skip(node);
    const keys = Reflect.ownKeys(value);
    // An error of the chain stays what it is, however large.
    if (keys.length > MAX_ITEMS && !inPlace) return this.#skip(node);
    if (list && isByteList(value)) {
      this.#searchBytes(node, Uint8Array.from(value as number[]));
      const nothingElse = keys.length === value.length + 1 && Object.getPrototypeOf(value) === Array.prototype;
      if (node.tainted || nothingElse) return;
    }
    for (const key of keys) {
      if (kind === 'function' ? FUNCTION_KEYS.has(key) : list && key === 'length') continue;
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      const stored = descriptor !== undefined && 'value' in descriptor;
      if (kind === 'function' && !stored) {
        // What a function's getter does nobody knows: it is not asked.
        this.taint(node);
        continue;
      }
      const found = stored ? (descriptor.value as unknown) : readProperty(value, key);
      if (inPlace && key === 'errors' && Array.isArray(found) && found.length <= MAX_CHAIN) {
        for (const error of found) if (isObject(error)) this.#reach(error, node, true);
      }
      this.#add(node, key, found, descriptor, inPlace && key === 'cause');
    }
    if (kind !== 'function') return this.#searchInherited(node);
    // A class inherits what is static in the one it extends.
    const parent: unknown = Object.getPrototypeOf(value);
    if (typeof parent === 'function' && parent !== Function.prototype) this.#add(node, 'parent', parent);
  }

  /** What the prototypes add: getters, which may make a key of fields, and fields of an object used as a prototype. */
  #searchInherited(node: Node): void {
    let proto: unknown = Object.getPrototypeOf(node.value);
    while (isObject(proto) && !BUILT_IN.has(proto)) {
      for (const key of Reflect.ownKeys(proto)) {
        if (key === '__proto__' || Object.hasOwn(node.value, key)) continue;
        const found = readProperty(node.value, key);
        if (found !== undefined && typeof found !== 'function') this.#add(node, key, found);
      }
      proto = Object.getPrototypeOf(proto);
    }
  }

  #add(node: Node, key: PropertyKey, value: unknown, descriptor?: PropertyDescriptor, inPlace = false): void {
    this.#seen++;
    const cleanKey = descriptor === undefined ? key : (this.clean(key) as PropertyKey);
    node.entries.push({ ...this.#entry(node, value, inPlace), key, cleanKey, descriptor });
    if (cleanKey !== key) this.taint(node);
  }

  #addItems(node: Node, values: readonly unknown[]): void {
    for (const value of values) {
      node.items.push({ ...this.#entry(node, value, false), key: '', cleanKey: '', descriptor: undefined });
    }
  }

  #entry(node: Node, value: unknown, inPlace: boolean): Pick<Entry, 'value' | 'clean' | 'node'> {
    const held = isObject(value) ? this.#reach(value, node, inPlace) : undefined;
    const clean = held === undefined ? this.clean(value) : value;
    if (!Object.is(clean, value)) this.taint(node);
    return { value, clean, node: held };
  }

  #searchBytes(node: Node, bytes: Buffer | Uint8Array): void {
    if (bytes.byteLength > this.#left) return this.#skip(node);
    this.#left -= bytes.byteLength;
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = view.toString('latin1');
    const clean = this.#text.redact(text);
    const wide = this.#text.found(view.toString('utf16le'));
    if (wide) node.instead = REDACTED;
    else if (clean !== text || node.entries.length > 0) node.instead = bytesLike(node.value, clean);
    if (wide || clean !== text) this.taint(node);
  }

  #replaceText(node: Node, text: string): void {
    const clean = this.clean(text) as string;
    if (clean === text && node.entries.length === 0) return;
    node.instead = node.kind === 'url' && URL.canParse(clean) ? new URL(clean) : clean;
    if (clean !== text) this.taint(node);
  }

  #skip(node: Node): void {
    node.instead = NOT_SEARCHED;
    // Not searched to its end, an error does not stay either.
    node.inPlace = false;
    node.tainted = false;
    this.taint(node);
  }
}

/** A primitive without keys; a text too long to be searched is none. */
export function cleanPrimitive(value: unknown, text: SecretMatcher): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? NOT_SEARCHED : text.redact(value);
  if (typeof value !== 'symbol' || value.description === undefined) return value;
  const description = text.redact(value.description);
  return description === value.description ? value : Symbol(description);
}
