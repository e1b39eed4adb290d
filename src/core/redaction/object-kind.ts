import { isObjectPrototype, readProperty, tryOrUndefined } from '../util/safe-access.js';
import { nodeTypes } from '../util/node-builtins.js';

/** Kind of an object, which decides how it is searched. */
export type Kind =
  'error' | 'plain' | 'map' | 'set' | 'url' | 'pairs' | 'bytes' | 'text' | 'date' | 'function' | 'opaque';

/** Properties of a request or a response that error handlers read. */
const DESCRIPTIVE = [
  'status',
  'statusCode',
  'statusText',
  'statusMessage',
  'ok',
  'headers',
  'body',
  'text',
  'data',
  'url',
  'method',
] as const;

const TAGS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['URL', 'url'],
  ['URLSearchParams', 'pairs'],
  ['Headers', 'pairs'],
  ['Request', 'opaque'],
  ['Response', 'opaque'],
  ['Blob', 'opaque'],
  ['File', 'opaque'],
  ['FormData', 'opaque'],
]);

/** Longest chain of prototypes that is followed: a property that is not there is looked for in all of them. */
const MAX_PROTOTYPES = 32;

/** Returns an object's kind: `opaque` if it cannot be searched or must not be touched. */
export function classifyObject(value: object): Kind {
  return tryOrUndefined(() => classify(value)) ?? 'opaque';
}

function classify(value: object): Kind {
  const types = nodeTypes();
  if (types.isProxy(value)) return 'opaque';
  if (typeof value === 'function') return 'function';
  if (types.isNativeError(value)) return 'error';
  const prototypes = listPrototypes(value);
  if (prototypes === undefined) return 'opaque';
  if (prototypes.includes(Error.prototype)) return 'error';
  if (Array.isArray(value)) return 'plain';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return 'bytes';
  if (types.isDate(value)) return 'date';
  if (types.isRegExp(value) || types.isBoxedPrimitive(value)) return 'text';
  const [proto] = prototypes;
  if (proto === undefined || isObjectPrototype(proto)) return 'plain';
  const kind = TAGS.get(readTag(value) ?? '');
  if (kind !== undefined) return kind;
  const hides = prototypes.some((each) => !isObjectPrototype(each) && findHiding(each) !== 'nothing');
  return hides || isLive(value) ? 'opaque' : 'plain';
}

/** Returns the prototypes of an object, the nearest first; `undefined` if they are many, or a proxy is one of them. */
export function listPrototypes(value: object): object[] | undefined {
  const found: object[] = [];
  let proto = Object.getPrototypeOf(value) as object | null;
  for (; proto !== null; proto = Object.getPrototypeOf(proto) as object | null) {
    if (found.push(proto) > MAX_PROTOTYPES || nodeTypes().isProxy(proto)) return undefined;
  }
  return found;
}

/** Returns the description that replaces an opaque value. */
export function describeOpaque(value: object): string {
  const name = isUnreadable(value) ? undefined : (readTag(value) ?? readConstructorName(value));
  return `[${name ?? (nodeTypes().isProxy(value) ? 'Proxy' : 'object')}: not searched]`;
}

/** Returns whether reading a property of an object may run anything, or take long. */
function isUnreadable(value: object): boolean {
  return nodeTypes().isProxy(value) || listPrototypes(value) === undefined;
}

/** Returns the readable properties of a live request or response; none for any other object. */
export function listDescriptiveProperties(value: object): Array<[string, unknown]> {
  if (isUnreadable(value) || nodeTypes().isPromise(value)) return [];
  const found: Array<[string, unknown]> = [];
  const fetched = readTag(value) === 'Response' || readTag(value) === 'Request';
  for (const name of DESCRIPTIVE) {
    // node-fetch prints a warning when `data`, which only axios has, is read.
    if (fetched && name === 'data') continue;
    const property = readProperty(value, name);
    const isLiveHandle =
      typeof property === 'function' || (isObject(property) && classifyObject(property) === 'opaque');
    if (property !== undefined && !isLiveHandle) found.push([name, property]);
  }
  // node:http's ClientRequest gives its headers by a function, and its URL in parts.
  const getHeaders = readProperty(value, 'getHeaders');
  const path = readProperty(value, 'path');
  if (typeof getHeaders === 'function' && typeof path === 'string') {
    const { protocol, host } = value as { protocol?: unknown; host?: unknown };
    found.push(['headers', { ...tryOrUndefined(() => getHeaders.call(value) as object) }]);
    found.push(['url', `${String(protocol ?? '')}//${String(host ?? '')}${path}`], ['path', path]);
  }
  return found;
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Returns whether an object is a live handle: an emitter (agent, socket, stream, request), event target, iterator or promise. */
function isLive(value: object): boolean {
  const has = (name: PropertyKey): boolean => typeof readProperty(value, name) === 'function';
  return (
    (has('on') && has('emit')) ||
    has('addEventListener') ||
    has('then') ||
    has('pipe') ||
    has('getReader') ||
    has('next')
  );
}

/** Matches the declaration or use of a private field or method, and no `#` in a text or a comment. */
const PRIVATE = /(?:^|[{};])\s*(?:static\s+)?(?:async\s+)?(?:[gs]et\s+)?\*?#\w|\.#\w/m;

/** State that a class hides: none, private fields, or, if it is native, what it likes. */
type Hiding = 'nothing' | 'fields' | 'native';

const hidings = new WeakMap<object, Hiding>();

/** Returns whether a class in the prototype chain has private fields. */
export function hasPrivateFields(value: object): boolean {
  return (listPrototypes(value) ?? []).some((proto) => findHiding(proto) === 'fields');
}

/** Returns whether an object is of a class that is none of the engine's own: it may have methods that print anything. */
export function isOfOwnClass(value: object): boolean {
  const proto = Object.getPrototypeOf(value) as object | null;
  return proto !== null && findHiding(proto) !== 'native';
}

function findHiding(proto: object): Hiding {
  const type = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value as unknown;
  if (typeof type !== 'function') return 'nothing';
  let hiding = hidings.get(type);
  if (hiding === undefined) {
    const source = Function.prototype.toString.call(type);
    hiding = PRIVATE.test(source) ? 'fields' : source.includes('[native code]') ? 'native' : 'nothing';
    hidings.set(type, hiding);
  }
  return hiding;
}

function readTag(value: object): string | undefined {
  const tag = readProperty(value, Symbol.toStringTag);
  return typeof tag === 'string' && tag !== '' ? tag : undefined;
}

function readConstructorName(value: object): string {
  const type = readProperty(value, 'constructor');
  return typeof type === 'function' && type.name !== '' ? type.name : 'object';
}
