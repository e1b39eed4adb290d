import { tryOrUndefined, readProperty } from '../util/safe-access.js';
import { nodeTypes } from '../util/node-builtins.js';

/** How a value is treated by the search. */
export type Kind =
  'error' | 'plain' | 'map' | 'set' | 'url' | 'pairs' | 'bytes' | 'text' | 'date' | 'function' | 'opaque';

/** What a request or a response is read for, by code that handles errors. */
const TELLING = [
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

/** Sorts an object. What cannot be looked into, or must not be touched, is `opaque`. */
export function kindOfObject(value: object): Kind {
  return tryOrUndefined(() => sorted(value)) ?? 'opaque';
}

function sorted(value: object): Kind {
  const types = nodeTypes();
  if (types.isProxy(value)) return 'opaque';
  if (typeof value === 'function') return 'function';
  if (types.isNativeError(value) || value instanceof Error) return 'error';
  if (Array.isArray(value)) return 'plain';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return 'bytes';
  if (types.isDate(value)) return 'date';
  if (types.isRegExp(value) || types.isBoxedPrimitive(value)) return 'text';
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === null || proto === Object.prototype) return 'plain';
  const kind = TAGS.get(tagOf(value) ?? '');
  if (kind !== undefined) return kind;
  return isLive(value) || hidesState(value) ? 'opaque' : 'plain';
}

/** Names what stands in an opaque value's place. */
export function describe(value: object): string {
  const name = nodeTypes().isProxy(value) ? 'Proxy' : (tagOf(value) ?? constructorName(value));
  return `[${name}: not searched]`;
}

/** The telling properties of a live request or response; none for anything else. */
export function tellingProperties(value: object): Array<[string, unknown]> {
  if (nodeTypes().isProxy(value) || nodeTypes().isPromise(value)) return [];
  const told: Array<[string, unknown]> = [];
  const fetched = tagOf(value) === 'Response' || tagOf(value) === 'Request';
  for (const name of TELLING) {
    // node-fetch warns of what axios has and fetch has not.
    if (fetched && name === 'data') continue;
    const found = readProperty(value, name);
    const live = typeof found === 'function' || (isObject(found) && kindOfObject(found) === 'opaque');
    if (found !== undefined && !live) told.push([name, found]);
  }
  // node:http's ClientRequest has its headers behind a function, and the URL in pieces.
  const getHeaders = readProperty(value, 'getHeaders');
  const path = readProperty(value, 'path');
  if (typeof getHeaders === 'function' && typeof path === 'string') {
    const { protocol, host } = value as { protocol?: unknown; host?: unknown };
    told.push(['headers', { ...tryOrUndefined(() => getHeaders.call(value) as object) }]);
    told.push(['url', `${String(protocol ?? '')}//${String(host ?? '')}${path}`], ['path', path]);
  }
  return told;
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Whether this is in use elsewhere: emitters (agents, sockets, streams, requests), event targets, iterators, promises. */
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

/** A private field or method where it is declared or used; a `#` in a text or a comment is none. */
const PRIVATE = /(?:^|[{};])\s*(?:static\s+)?(?:async\s+)?(?:[gs]et\s+)?\*?#\w|\.#\w/m;

const hiding = new WeakMap<object, boolean>();

/** Whether a class on the way up keeps state where nobody sees it: a native class, or one with private fields. */
function hidesState(value: object): boolean {
  let proto: unknown = Object.getPrototypeOf(value);
  while (isObject(proto) && proto !== Object.prototype) {
    const type = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value as unknown;
    if (typeof type === 'function') {
      let hides = hiding.get(type);
      if (hides === undefined) {
        const source = Function.prototype.toString.call(type);
        hides = PRIVATE.test(source) || source.includes('[native code]');
        hiding.set(type, hides);
      }
      if (hides) return true;
    }
    proto = Object.getPrototypeOf(proto);
  }
  return false;
}

function tagOf(value: object): string | undefined {
  const tag = readProperty(value, Symbol.toStringTag);
  return typeof tag === 'string' && tag !== '' ? tag : undefined;
}

function constructorName(value: object): string {
  const type = readProperty(value, 'constructor');
  return typeof type === 'function' && type.name !== '' ? type.name : 'object';
}
