/**
 * node:crypto, fetched when first needed: an ESM import of it would be paid by every importer of the package, also by
 * those that never load a key.
 */
export function nodeCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
