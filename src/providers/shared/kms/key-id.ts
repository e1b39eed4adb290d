/** Whether this names an alias, bare or as an ARN: what it stands for only KMS knows. */
export function isAlias(keyId: string): boolean {
  return keyId.startsWith('alias/') || (keyId.startsWith('arn:') && keyId.split(':')[5]?.startsWith('alias/') === true);
}

/** Whether two names can be of one key: an ARN and an id are compared, an alias cannot be. */
export function mayBeSameKey(a: string, b: string): boolean {
  return a === b || isAlias(a) || isAlias(b) || isIdOf(a, b) || isIdOf(b, a);
}

function isIdOf(id: string, arn: string): boolean {
  return !id.startsWith('arn:') && arn.startsWith('arn:') && arn.endsWith(`:key/${id}`);
}
