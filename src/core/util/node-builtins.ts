/**
 * node:crypto, fetched when first needed: an ESM import of it would be paid by every importer of the package, also by
 * those that never load a key.
 */
export function nodeCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** The type checks of node:util. */
export function nodeTypes(): (typeof import('node:util'))['types'] {
  return process.getBuiltinModule('node:util').types;
}
