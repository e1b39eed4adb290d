/** A function whose promise is shared by its callers. */
export interface Memoized<T> {
  (): Promise<T>;
  /** Returns the promise made so far, if any (or if it is `only`), and forgets it: the next call loads again. */
  forget(only?: Promise<T>): Promise<T> | undefined;
}

/** Returns a function that runs `load` once and shares its promise. A rejection is forgotten: the next call loads again. */
export function memoize<T>(load: () => Promise<T>): Memoized<T> {
  let loading: Promise<T> | undefined;
  const get = (): Promise<T> => {
    if (loading !== undefined) return loading;
    const started = load().catch((error: unknown) => {
      // A later load must not be forgotten because this one failed.
      if (loading === started) loading = undefined;
      throw error;
    });
    loading = started;
    return started;
  };
  const forget = (only = loading): Promise<T> | undefined => {
    if (only !== loading) return undefined;
    const forgotten = loading;
    loading = undefined;
    return forgotten;
  };
  return Object.assign(get, { forget });
}
