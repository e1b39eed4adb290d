/** Returns node:crypto. Loaded when first needed: an `import` of it costs every importer 1 ms, with or without a key. */
export function nodeCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

/** Returns the type checks of node:util. */
export function nodeTypes(): (typeof import('node:util'))['types'] {
  return process.getBuiltinModule('node:util').types;
}

/** Returns the printer of node:util. */
export function nodeInspect(): (typeof import('node:util'))['inspect'] {
  return process.getBuiltinModule('node:util').inspect;
}
