import { nodeTypes } from './node-builtins.js';

type Loose = Readonly<Record<PropertyKey, unknown>>;

/** Returns `action()`, or `undefined` if it throws. For foreign objects whose getters or proxies may throw. */
export function tryOrUndefined<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** Returns a property of any object, or `undefined` if its getter throws. */
export function readProperty(holder: object, name: PropertyKey): unknown {
  // tryOrUndefined would make a closure for every warm call that returns an object.
  try {
    return (holder as Loose)[name];
  } catch {
    return undefined;
  }
}

/** Returns whether `value` is an error, of this realm or another: Jest and node:vm run code apart from Node.js's own. */
export function isError(value: unknown): value is Error {
  return nodeTypes().isNativeError(value) || value instanceof Error;
}

/** Returns whether an object is `Object.prototype`, of this realm or another: under Jest, Node.js's objects have another. */
export function isObjectPrototype(value: object): boolean {
  return value === Object.prototype || (Object.getPrototypeOf(value) === null && Object.hasOwn(value, 'isPrototypeOf'));
}
