import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { KeyProviderError } from '../../../core/index.js';
import type { TextSlot } from '../text-slot.js';
import { allowErrors } from '../../../aws/failures.js';
import type { DynamoDbConnection } from './client.js';
import { DYNAMODB } from './errors.js';

/**
 * Returns the slot in the item `name` of `table`: the text is its attribute `document`. The token is the text itself, so
 * that what was edited by hand after the read is not overwritten.
 */
export function createItemSlot(
  connection: DynamoDbConnection,
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
        `The item \`${name}\` of the table \`${table}\` has no string \`document\`; restore the item, or remove it.`,
        { provider: DYNAMODB },
      );
    },
    async swap(text, token, signal) {
      const condition =
        token === undefined
          ? { ConditionExpression: 'attribute_not_exists(#name)', ExpressionAttributeNames: { '#name': 'name' } }
          : {
              ConditionExpression: '#document = :found',
              ExpressionAttributeNames: { '#document': 'document' },
              ExpressionAttributeValues: { ':found': { S: token } },
            };
      const item = { ...key, document: { S: text } };
      const written = await connection.call(
        { operation: 'PutItem', table },
        (sdk, client, http) =>
          allowErrors(client.send(new sdk.PutItemCommand({ TableName: table, Item: item, ...condition }), http), [
            'ConditionalCheckFailedException',
          ]),
        { signal },
      );
      return written !== undefined;
    },
  };
}
