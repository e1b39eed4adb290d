/** node:crypto, fetched when a fake first needs it: a user of the clock alone does not pay for it. */
export function nodeCrypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
