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
