import { checkOptionNames, invalidType, describeType, type Clock, type KeyProvider } from '../../core/index.js';

/** Where an emergency store says whether its seal is broken. */
export const BREAK_GLASS: unique symbol = Symbol.for('goldkey.breakGlass');

/** A store, seen as one of a chain. */
export type Store = KeyProvider & {
  readonly [BREAK_GLASS]?: (clock: Clock, signal: AbortSignal) => Promise<boolean>;
};

/** What `fromChain` takes beside the stores. */
export interface ChainOptions {
  /**
   * Lets a store that holds the key in plaintext stand behind another: whoever can make the first one fail then has the
   * key served from there. Default false.
   */
  dangerouslyAllowPlaintextFallback?: boolean | undefined;
}

/** Whether it can be asked for a key. */
export function isStore(value: unknown): value is KeyProvider {
  const { name, load } = (value ?? {}) as Partial<KeyProvider>;
  return typeof name === 'string' && name !== '' && typeof load === 'function';
}

/** The stores of a chain, checked; the list is copied. */
export function checkChain(providers: readonly KeyProvider[], options: ChainOptions): readonly Store[] {
  checkOptionNames('fromChain', options, ['dangerouslyAllowPlaintextFallback']);
  const { dangerouslyAllowPlaintextFallback: isAllowed = false } = options;
  if (typeof isAllowed !== 'boolean') {
    throw invalidType(`\`dangerouslyAllowPlaintextFallback\` must be a boolean, got ${describeType(isAllowed)}.`);
  }
  if (!Array.isArray(providers) || providers.length === 0) {
    const got = Array.isArray(providers) ? 'an empty array' : describeType(providers);
    throw invalidType(`\`providers\` must be an array of key stores, got ${got}.`);
  }
  const stores: readonly Store[] = [...providers];
  for (const [index, store] of stores.entries()) {
    if (!isStore(store)) {
      throw invalidType(
        `\`providers[${String(index)}]\` must be a key store with a \`name\` and a \`load\` function, got ${describeType(store)}.`,
      );
    }
    if (index === 0 || isAllowed || store.plaintextAtRest !== true || store[BREAK_GLASS] !== undefined) continue;
    throw invalidType(
      `\`providers[${String(index)}]\` (${store.name}) holds the key in plaintext, and may only come first; see \`fromBreakGlass\`, or set \`dangerouslyAllowPlaintextFallback\`.`,
    );
  }
  return stores;
}
