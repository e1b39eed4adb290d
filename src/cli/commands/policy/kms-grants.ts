import type { EncryptionContext } from '../../../core/index.js';
import { UsageError } from '../../errors.js';
import type { KmsArn } from './kms-arn.js';
import type { PolicyRole } from './names.js';

/** The conditions of a statement: by operator, by condition key. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** The calls that one statement allows, whatever it is attached to. */
export interface Grant {
  /** Begins its `Sid`. */
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Conditions | undefined;
  /** Another AWS service makes these calls: neither the caller's address nor the caller's MFA is in them. */
  readonly isIndirect?: boolean | undefined;
}

const USES: Readonly<Partial<Record<PolicyRole, readonly string[]>>> = {
  reader: ['Decrypt'],
  writer: ['Encrypt'],
  // A new ciphertext is decrypted again, to compare.
  rotator: ['Decrypt', 'Encrypt'],
};

/** Grants the use of a key under exactly this context. */
export function grantKeyUse(role: PolicyRole, key: KmsArn, context: EncryptionContext): Grant {
  const uses = USES[role] ?? [];
  return {
    sid: `Goldkey${uses.join('')}`,
    actions: uses.map((use) => `kms:${use}`),
    resources: [key.arn],
    conditions: matchContext(context),
  };
}

/** Grants the look at a key. Without a condition on the context: DescribeKey has none. */
export function grantDescribeKey(key: KmsArn): Grant {
  return { sid: 'GoldkeyDescribeKey', actions: ['kms:DescribeKey'], resources: [key.arn] };
}

/** Grants what `create-key` calls: a symmetric key with one tag, and its alias, any one if `--key-id` names a key. */
export function grantKeyCreation({ partition, region, account, resource }: KmsArn): Grant[] {
  const root = `arn:${partition}:kms:${region}:${account}`;
  // The id of a new key is not known yet.
  const keys = `${root}:key/*`;
  const alias = resource.startsWith('alias/') ? resource : 'alias/*';
  const tag = { 'aws:RequestTag/created-by': 'goldkey' };
  const onlyTag = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['created-by'] } };
  const kind = { 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'kms:KeyUsage': 'ENCRYPT_DECRYPT' };
  return [
    {
      sid: 'GoldkeyFindAlias',
      actions: ['kms:DescribeKey'],
      resources: [keys],
      conditions: { [alias === resource ? 'StringEquals' : 'StringLike']: { 'kms:RequestAlias': alias } },
    },
    {
      sid: 'GoldkeyCreateKey',
      actions: ['kms:CreateKey'],
      resources: ['*'],
      conditions: { StringEquals: { ...tag, ...kind }, ...onlyTag },
    },
    {
      sid: 'GoldkeyTagKey',
      actions: ['kms:TagResource'],
      resources: [keys],
      conditions: { StringEquals: tag, ...onlyTag },
    },
    { sid: 'GoldkeyCreateAlias', actions: ['kms:CreateAlias'], resources: [`${root}:${alias}`, keys] },
  ];
}

/**
 * Returns the conditions that a call with exactly these pairs fulfils. The names are compared apart from the values: a
 * condition on a value ignores the case of its name, and one on all names alone would hold for a call without any.
 */
function matchContext(context: EncryptionContext): Conditions {
  const names = Object.keys(context).toSorted();
  if (names.length === 0) return { Null: { 'kms:EncryptionContextKeys': 'true' } };
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    throw new UsageError(
      '--encryption-context has two names that differ in case alone, which a policy cannot tell apart; rename one.',
    );
  }
  const pairs = names.map((name) => [`kms:EncryptionContext:${name}`, escapeText(context[name] ?? '')] as const);
  return {
    StringEquals: Object.fromEntries(pairs),
    'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': names.map(escapeText) },
  };
}

/** Escapes what a policy would take for a variable. */
export function escapeText(text: string): string {
  return text.replaceAll('${', '${$}{');
}

/** Escapes what a policy would take for a variable or, with `StringLike`, for a wildcard. */
export function escapePattern(text: string): string {
  return text.replaceAll(/\$(?=\{)|[*?]/g, (character) => `\${${character}}`);
}
