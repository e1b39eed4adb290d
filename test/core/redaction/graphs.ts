import { encoders } from './encodings.js';

/** A graph as plain data, so that a failing one can be read, and be built afresh for every run. */
export type Spec =
  | { kind: 'text'; before: string; encoding: string | undefined; after: string }
  | { kind: 'number' | 'nothing' | 'date' | 'bigint' | 'empty' }
  | { kind: NodeKind; items: Spec[] };

type NodeKind = keyof typeof nodes;

class Instance {
  readonly items: unknown[];
  constructor(items: unknown[]) {
    this.items = items;
  }
}

const named = (items: unknown[]): Record<string, unknown> =>
  Object.fromEntries(items.map((item, index) => [`p${index}`, item]));

const text = (items: unknown[]): string => items.filter((item) => typeof item === 'string').join(' ');

/** Header values are Latin-1 without line breaks; keys are printable ASCII, so every encoding of one fits. */
const nodes = {
  object: named,
  bare: (items: unknown[]) => Object.assign(Object.create(null) as object, named(items)),
  array: (items: unknown[]) => items,
  map: (items: unknown[]) => new Map(items.map((item, index) => [index, item])),
  mapKey: (items: unknown[]) => new Map(items.map((item, index) => [item, index])),
  set: (items: unknown[]) => new Set(items),
  error: (items: unknown[]) => Object.assign(new RangeError(text(items), { cause: items[0] }), { items }),
  aggregate: (items: unknown[]) => new AggregateError(items, text(items)),
  frozen: (items: unknown[]) => Object.freeze(named(items)),
  instance: (items: unknown[]) => new Instance(items),
  getter: (items: unknown[]) =>
    Object.defineProperty({}, 'got', { get: () => items[0], enumerable: true, configurable: true }),
  hidden: (items: unknown[]) => Object.defineProperty({}, 'hidden', { value: items, enumerable: false }),
  symbol: (items: unknown[]) => ({ [Symbol(text(items))]: items }),
  name: (items: unknown[]) => ({ [text(items) || 'none']: items.length }),
  buffer: (items: unknown[]) => Buffer.from(text(items)),
  bytes: (items: unknown[]) => new TextEncoder().encode(text(items)).buffer,
  url: (items: unknown[]) => new URL(`http://h/p?q=${encodeURIComponent(text(items))}&base=USD`),
  query: (items: unknown[]) => new URLSearchParams({ q: text(items), base: 'USD' }),
  headers: (items: unknown[]) => new Headers({ 'x-q': text(items), accept: 'text/plain' }),
  inherits: (items: unknown[]) => Object.create(named(items)) as object,
  printed: (items: unknown[]) => ({ items: items.length, toJSON: () => items }),
  told: (items: unknown[]) => Object.assign(new Error('told'), { toString: () => text(items) }),
  listed: (items: unknown[]) => Object.assign([1, 2], named(items)),
  boxed: (items: unknown[]) => new String(text(items)),
  extra: (items: unknown[]) => Object.assign(Buffer.from('bytes'), { items }),
  twice: (items: unknown[]) => ({ one: items, two: items, first: items[0] }),
  cycle: (items: unknown[]) => {
    const ring: Record<string, unknown> = named(items);
    ring['self'] = ring;
    ring['list'] = [ring, items];
    return ring;
  },
};

const asItIs = (item: Spec & { kind: 'text' }): Spec => ({ ...item, encoding: item.encoding && 'raw' });

/** The graph that `spec` describes, with `key` planted where it says so. */
export function build(spec: Spec, key: string): unknown {
  switch (spec.kind) {
    case 'text':
      return `${spec.before}${spec.encoding === undefined ? '' : (encoders[spec.encoding]?.(key) ?? '')}${spec.after}`;
    case 'number':
      return 42;
    case 'nothing':
      return undefined;
    case 'date':
      return new Date(0);
    case 'bigint':
      return 7n;
    case 'empty':
      return '';
    case 'url':
      // A URL encodes what it is given: an encoded key in one would be encoded twice, which no promise covers.
      return nodes.url(spec.items.map((item) => build(item.kind === 'text' ? asItIs(item) : item, key)));
    default:
      return nodes[spec.kind](spec.items.map((item) => build(item, key)));
  }
}

/** The first text in `spec`, for a message. */
export function textOf(spec: Spec, key: string): string {
  if (spec.kind === 'text') return String(build(spec, key));
  return 'items' in spec ? spec.items.map((item) => textOf(item, key)).join(' ') : '';
}
