import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { checkOptionNames, checkString, invalidRange, KeyProviderError, quote } from '../../../core/index.js';
import { AWS_CONNECTION_OPTIONS, type AwsConnectionOptions } from '../../../aws/client.js';
import { allowErrors } from '../../../aws/failures.js';
import type { RingStore } from '../../ring/types.js';
import { createLease } from '../lease.js';
import { createRingAccess, type TextSlot } from '../text-slot.js';
import { connectToDynamoDb } from './client.js';
import { DYNAMODB } from './errors.js';
import { createUseItems } from './use-items.js';

/** Options of {@link dynamoDbRing}. */
export interface DynamoDbRingOptions extends AwsConnectionOptions {
  /** Name of the table. Its partition key must be `name`, a string, without a sort key. Required. */
  tableName: string;
  /** Name of the ring, and the key of its item. The lease is the item `<name>#lease`, so `#` is not allowed. Required. */
  name: string;
}

/**
 * Returns a ring store in a DynamoDB table: one item with `name` and `document`, the ring's text, and one for the lease.
 * Reads are strongly consistent, and a write replaces the text only while it is the one that the write was decided on. Other
 * attributes of the items, such as tags or a TTL, are left as they are.
 * All writers must use one Region: a global table checks a condition within one Region only. There are no change notices;
 * clients notice a change when their `ttl` ends. A lease ends by the hosts' wall clocks, which must agree to well within
 * its `ttl`.
 *
 * Nothing is loaded before the first use, which loads `@aws-sdk/client-dynamodb` (an optional peer dependency: install it
 * beside goldkey) and makes the client. A transient failure is retried twice, after about 100 ms, or 1 s if throttled. A
 * reader needs the permission dynamodb:GetItem; a writer or a lease needs dynamodb:UpdateItem too. Use reports are in
 * items `<name>#use#…`, with a time to live in `ttl`; a client that reports needs dynamodb:UpdateItem for them, and a manager
 * dynamodb:BatchGetItem.
 *
 * @param options - see {@link DynamoDbRingOptions}; copied
 * @returns the ring store; `close` releases the client, and a later use connects again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option is unknown or has the wrong type
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: `#` in `name`, or an endpoint over plain http
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by any use: the table does not exist
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: IAM denies the call
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use, retryable: the item is not a ring, the call is throttled,
 * the service or the network fails, or credentials, clock or Region are wrong
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by any use, retryable: no answer within 2 s, three times in a row
 * @throws {MissingPackageError} `ERR_GOLDKEY_MISSING_PACKAGE`, by any use: `@aws-sdk/client-dynamodb` is not installed
 *
 * @example
 * ```ts
 * import { dynamoDbRing } from 'goldkey/rotation/dynamodb';
 *
 * const ring = dynamoDbRing({ tableName: 'key-rings', name: 'gold', clientConfig: { region: 'eu-central-1' } });
 * console.log((await ring.read())?.ring.current);
 * await ring.close?.();
 * ```
 */
export function dynamoDbRing(options: DynamoDbRingOptions): RingStore {
  checkOptionNames('dynamoDbRing', options, ['tableName', 'name', ...AWS_CONNECTION_OPTIONS]);
  const table = checkString('tableName', options.tableName);
  const name = checkString('name', options.name);
  if (name.includes('#')) throw invalidRange('`name` must have no `#`: the lease is the item `<name>#lease`.');
  const connection = connectToDynamoDb(options);
  return {
    name: DYNAMODB,
    ...createRingAccess(DYNAMODB, createItemSlot(connection, table, name)),
    lease: createLease(DYNAMODB, createItemSlot(connection, table, `${name}#lease`)),
    ...createUseItems(connection, table, name),
    close: () => connection.close(),
  };
}

/**
 * Returns the slot in the item `name` of `table`: the text is its attribute `document`. The token is the text itself, so
 * that what was edited by hand after the read is not overwritten.
 */
function createItemSlot(
  connection: ReturnType<typeof connectToDynamoDb>,
  table: string,
  name: string,
): TextSlot<string | undefined> {
  const key: Record<string, AttributeValue> = { name: { S: name } };
  return {
    async read(signal) {
      const { Item: item } = await connection.call(
        { operation: 'GetItem', table },
        (sdk, client, http) =>
          client.send(new sdk.GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }), http),
        { signal },
      );
      const text = item?.['document']?.S;
      if (item === undefined || text !== undefined) return { text, token: text };
      throw new KeyProviderError(
        `The item ${quote(name)} of the table ${quote(table)} has no string \`document\`; restore the item, or remove it.`,
        { provider: DYNAMODB },
      );
    },
    async swap(text, token, signal) {
      const input = {
        TableName: table,
        Key: key,
        UpdateExpression: 'SET #document = :text',
        ConditionExpression: token === undefined ? 'attribute_not_exists(#document)' : '#document = :found',
        ExpressionAttributeNames: { '#document': 'document' },
        ExpressionAttributeValues: { ':text': { S: text }, ...(token !== undefined && { ':found': { S: token } }) },
      };
      const written = await connection.call(
        { operation: 'UpdateItem', table },
        (sdk, client, http) =>
          allowErrors(client.send(new sdk.UpdateItemCommand(input), http), ['ConditionalCheckFailedException']),
        { signal },
      );
      return written !== undefined;
    },
  };
}
