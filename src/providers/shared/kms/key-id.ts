import { checkOptionalString, describeText, invalidRange, isOneLine, isQuotable, quote } from '../../../core/index.js';

/** The ARN of a KMS key: its Region, its account, and a UUID or the id of a multi-Region key. */
const KEY_ARN =
  /^arn:aws[a-z-]{0,8}:kms:(?:[a-z]{2,9}-){2,3}\d:\d{12}:key\/(?:mrk-[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/**
 * Returns the checked `keyId` option. Text that is no name of a KMS key and looks like a secret is not sent: AWS CloudTrail
 * would record it.
 */
export function checkKeyId(value: unknown): string | undefined {
  const keyId = checkOptionalString('keyId', value);
  if (keyId === undefined) return undefined;
  if (keyId.startsWith('arn:') && keyId.split(':')[2] !== 'kms') {
    throw invalidRange('`keyId` must be the ARN, id or alias of a KMS key; this ARN is of another service.');
  }
  if (isNamed(keyId) || isId(keyId) || isQuotable(keyId)) return keyId;
  throw invalidRange(
    `\`keyId\` must be the ARN, id or alias of a KMS key, got what may be a secret: ${describeText(keyId)}.`,
  );
}

/** Returns the name of a key for a message. An id is not shown: some API keys are UUIDs, too. */
export function quoteKeyId(keyId: string): string {
  return isNamed(keyId) && isOneLine(keyId) ? `\`${keyId}\`` : quote(keyId);
}

/** Returns the name of a key for a message, as an answer gave it: what is no whole ARN of a key may be anything, and is not shown. */
export function quoteUsedKeyId(keyId: string): string {
  return KEY_ARN.test(keyId) ? `\`${keyId}\`` : describeText(keyId);
}

/** Returns whether the text begins as only the name of a key does. */
function isNamed(keyId: string): boolean {
  return keyId.startsWith('arn:') || keyId.startsWith('alias/');
}

/** Returns whether the text may be the id of a key, a UUID or `mrk-` and 32 hex digits, or a part of one. */
function isId(keyId: string): boolean {
  return (
    (keyId.includes('-') || keyId.length < 16) &&
    [...keyId].every((char) => 'mrk-0123456789abcdefABCDEF'.includes(char))
  );
}
