import { describeType, invalidType, KeyDecryptError } from '../../../core/index.js';
import { AWS_KMS } from './errors.js';
import { checkKeyId, quoteKeyId, quoteUsedKeyId } from './key-id.js';

/** Options that name the KMS key. */
export interface PinnedKeyOptions {
  /**
   * ARN, key id or alias. It is sent along, so that KMS uses this key only; the answer must name the key of an ARN or id
   * too, while an alias is left to KMS. Give it always. Default for decryption: the key that the ciphertext names, so that
   * a ciphertext under any KMS key that the role may use is opened.
   */
  keyId?: string | undefined;
  /** Passed on to KMS: grant tokens make a new grant usable before it is known everywhere. Default: none. */
  grantTokens?: readonly string[] | undefined;
}

export const PINNED_KEY_OPTIONS: readonly string[] = ['keyId', 'grantTokens'];

/** The KMS key that is used, as the user named it. */
export interface PinnedKey {
  readonly keyId: string | undefined;
  readonly grantTokens: string[] | undefined;
}

/** Checks the options that name the key, and copies them. */
export function checkPinnedKey(options: PinnedKeyOptions): PinnedKey {
  const keyId = checkKeyId(options.keyId);
  const grantTokens: unknown = options.grantTokens;
  if (grantTokens === undefined) return { keyId, grantTokens };
  if (Array.isArray(grantTokens) && grantTokens.every((token) => typeof token === 'string')) {
    return { keyId, grantTokens: [...grantTokens] };
  }
  throw invalidType(`\`grantTokens\` must be an array of strings, got ${describeType(grantTokens)}.`);
}

/** Throws unless KMS used the pinned key: KMS itself checks that, but a proxy or a stand-in might not. */
export function checkUsedKey({ keyId }: PinnedKey, used: string | undefined, version?: string): void {
  if (keyId === undefined || isAlias(keyId)) return;
  if (used !== undefined && mayBeSameKey(keyId, used)) return;
  throw new KeyDecryptError(
    `AWS KMS used ${used === undefined ? 'a key that it did not name' : `the key ${quoteUsedKeyId(used)}`}, not ${quoteKeyId(keyId)}, which \`keyId\` demands.`,
    { provider: AWS_KMS, version },
  );
}

/**
 * Returns whether two names may mean one key. An ARN and an id are compared, and the replicas of a multi-Region key are one
 * key; an alias may mean any key.
 */
export function mayBeSameKey(a: string, b: string): boolean {
  if (isAlias(a) || isAlias(b) || endsWithId(a, b) || endsWithId(b, a)) return true;
  return dropReplicaRegion(a) === dropReplicaRegion(b);
}

/** Returns the ARN of a multi-Region key without its Region, in which alone its replicas differ; any other name as it is. */
function dropReplicaRegion(keyId: string): string {
  return keyId.replace(/^(arn:[^:]+:kms):[^:]+(?=:[^:]+:key\/mrk-)/, '$1');
}

/** Returns whether `keyId` names an alias, bare or as an ARN. Only KMS knows its key. */
function isAlias(keyId: string): boolean {
  return keyId.startsWith('alias/') || (keyId.startsWith('arn:') && keyId.split(':')[5]?.startsWith('alias/') === true);
}

function endsWithId(arn: string, id: string): boolean {
  return !id.startsWith('arn:') && arn.startsWith('arn:') && arn.endsWith(`:key/${id}`);
}
