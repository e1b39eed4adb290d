// Each look at a builtin module costs 0.2 to 0.6 us, so each is looked at once.
let crypto: typeof import('node:crypto') | undefined;
let util: typeof import('node:util') | undefined;

/** Returns node:crypto. Loaded when first needed: an `import` of it costs every importer 1 ms, with or without a key. */
export function nodeCrypto(): typeof import('node:crypto') {
  return (crypto ??= process.getBuiltinModule('node:crypto'));
}

/** Returns the type checks of node:util. */
export function nodeTypes(): (typeof import('node:util'))['types'] {
  return nodeUtil().types;
}

/** Returns the printer of node:util. */
export function nodeInspect(): (typeof import('node:util'))['inspect'] {
  return nodeUtil().inspect;
}

function nodeUtil(): typeof import('node:util') {
  return (util ??= process.getBuiltinModule('node:util'));
}
