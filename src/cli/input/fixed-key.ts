import type { KeyProvider } from '../../core/index.js';

/** A store of one key that is at hand already, for a client that checks or tries it. */
export function givenKey(name: string, key: string): KeyProvider {
  return { name, load: () => Promise.resolve({ bytes: new TextEncoder().encode(key), version: name }) };
}
