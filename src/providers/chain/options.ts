import { checkOptionNames, invalidType, describeType, type Clock, type KeyProvider } from '../../core/index.js';

/** The key of an emergency store's seal check, which resolves to true while the seal is broken. */
export const BREAK_GLASS: unique symbol = Symbol.for('goldkey.breakGlass');

/** A key store that may have a seal. */
export type Store = KeyProvider & {
  readonly [BREAK_GLASS]?: (clock: Clock, signal: AbortSignal) => Promise<boolean>;
};

/** Options of {@link fromChain}. */
export interface ChainOptions {
  /**
   * Allows a store that holds the key in plaintext to follow another: an attacker who can make the first one fail then
   * has the key served from plaintext. Default `false`.
   */
  dangerouslyAllowPlaintextFallback?: boolean | undefined;
}

/** Checks that a value has what a chain calls on a key store. */
export function isStore(value: unknown): value is KeyProvider {
  const { name, load } = (value ?? {}) as Partial<KeyProvider>;
  return typeof name === 'string' && name !== '' && typeof load === 'function';
}

/** Returns a checked copy of the list of stores; throws for bad options. */
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
      `\`providers[${String(index)}]\` (${store.name}) holds the key in plaintext and may only come first: wrap it in \`fromBreakGlass\`, or set \`dangerouslyAllowPlaintextFallback\`.`,
    );
  }
  return stores;
}
