type Loose = Readonly<Record<PropertyKey, unknown>>;

/** What `action` returns; nothing when it throws. For objects of somebody else's, which may do anything when looked at. */
export function tryOrUndefined<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** A property of anything; one whose getter throws is not there. */
export function readProperty(holder: object, name: PropertyKey): unknown {
  // Not by attempt: every warm call that returns an object comes here, and would make a closure.
  try {
    return (holder as Loose)[name];
  } catch {
    return undefined;
  }
}
