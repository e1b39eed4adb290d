import { isGoldKeyError, KeyAccessDeniedError, KeyNotFoundError, type GoldKeyError } from '../../../core/index.js';
import { passingError, safeCause } from '../../../aws/errors.js';
import { faultOf } from '../../../aws/failures.js';

/** The name of DynamoDB in errors. */
export const DYNAMODB = 'dynamodb';

/** What was asked of DynamoDB. */
export interface DynamoDbCall {
  operation: string;
  table: string;
}

/** One of our errors for whatever came of a call to DynamoDB; what came is the `cause`. */
export function dynamoDbError(error: unknown, { operation, table }: DynamoDbCall): GoldKeyError {
  if (isGoldKeyError(error)) return error;
  const { name } = faultOf(error);
  const options = { cause: safeCause(error), provider: DYNAMODB };
  const answered = `DynamoDB answered ${operation} with ${name}`;
  switch (name) {
    case 'AccessDeniedException':
      return new KeyAccessDeniedError(
        `${answered}: check that the caller's IAM policy allows dynamodb:${operation} on the table \`${table}\`, and, where it is encrypted with a key of its own, the use of that key.`,
        options,
      );
    // A table that is not there is a matter of configuration, unlike a ring that is not in it.
    case 'ResourceNotFoundException':
      return new KeyNotFoundError(
        `${answered}: there is no table \`${table}\`; check \`tableName\`, the account and the Region.`,
        options,
      );
    default:
      return passingError(
        error,
        {
          service: 'DynamoDB',
          operation,
          throttled: `the capacity of the table \`${table}\`, or the account's quota in this Region, is used up`,
          invalid: `check that the table \`${table}\` has the partition key \`name\`, a string, and no sort key, and that the ring is below 400 KB`,
        },
        options,
      );
  }
}
