import { KeyAccessDeniedError, KeyNotFoundError, quote } from '../../../core/index.js';
import type { AwsErrorMap } from '../../../aws/errors.js';

/** The name of DynamoDB in errors. */
export const DYNAMODB = 'dynamodb';

/** A call to DynamoDB, for the error that may come of it. */
export interface DynamoDbCall {
  /** The API's name for it, e.g. `GetItem`. */
  readonly operation: string;
  /** The table's name. */
  readonly table: string;
}

/** The errors of DynamoDB. A missing table is a matter of configuration, unlike a ring that is missing in it. */
export const DYNAMODB_ERRORS: AwsErrorMap<DynamoDbCall> = {
  provider: DYNAMODB,
  text: {
    service: 'DynamoDB',
    throttled: ({ table }) =>
      `the capacity of the table ${quote(table)}, or the account's quota in this Region, is used up`,
    invalid: ({ table }) =>
      `check that the table ${quote(table)} has the partition key \`name\`, a string, and no sort key, and that the ring is below 400 KB`,
  },
  permanent: {
    AccessDeniedException: [
      KeyAccessDeniedError,
      ({ operation, table }) =>
        `check that the caller's IAM policy allows dynamodb:${operation} on the table ${quote(table)}, and, if it is encrypted with a customer managed key, the use of that key`,
    ],
    ResourceNotFoundException: [
      KeyNotFoundError,
      ({ table }) => `there is no table ${quote(table)}; check \`tableName\`, the account and the Region`,
    ],
  },
};
