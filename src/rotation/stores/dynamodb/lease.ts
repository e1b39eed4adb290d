import { KeyProviderError } from '../../../core/index.js';
import { checkLease } from '../check-lease.js';
import { callDynamoDb, ifHolds, type DynamoDbLink } from './client.js';
import { DYNAMODB } from './errors.js';
import type { RingStore } from '../../ring/types.js';

const FIELDS = { '#holder': 'holder', '#until': 'until', '#fence': 'fence' };

/**
 * The lease of one ring: an item beside the ring's, which stays when the lease is released, because its `fence` counts on.
 * DynamoDB has no clock for conditions: when a lease has ended, the asking host's wall clock says.
 */
export function dynamoDbLease(link: DynamoDbLink, table: string, ring: string): NonNullable<RingStore['lease']> {
  const key = { name: { S: `${ring}#lease` } };
  const call = { operation: 'UpdateItem', table };

  /** Changes the lease if `condition` holds; resolves to its fence, or to `undefined`. */
  const update = (
    condition: string,
    expression: string,
    names: readonly (keyof typeof FIELDS)[],
    values: Readonly<Record<string, { S: string } | { N: string }>>,
  ): Promise<number | undefined> =>
    callDynamoDb(link, call, async (sdk, client, http) => {
      let fence: string | undefined;
      const command = new sdk.UpdateItemCommand({
        TableName: table,
        Key: key,
        ConditionExpression: condition,
        UpdateExpression: expression,
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, FIELDS[name]])),
        ExpressionAttributeValues: { ...values },
        ReturnValues: 'ALL_NEW',
      });
      const sent = client.send(command, http).then(({ Attributes: attributes }) => {
        fence = attributes?.['fence']?.N;
      });
      if (!(await ifHolds(sent))) return undefined;
      if (fence !== undefined && Number.isSafeInteger(Number(fence))) return Number(fence);
      throw new KeyProviderError(
        `The lease of the key ring has no number in its \`fence\`, in the table \`${table}\`.`,
        {
          provider: DYNAMODB,
        },
      );
    });

  return async (holder, ttl) => {
    checkLease(holder, ttl);
    const now = Date.now();
    const values = { ':holder': { S: holder }, ':now': { N: String(now) }, ':until': { N: String(now + ttl) } };
    const taken = await update(
      'attribute_not_exists(#holder) OR #until <= :now',
      'SET #holder = :holder, #until = :until ADD #fence :one',
      ['#holder', '#until', '#fence'],
      { ...values, ':one': { N: '1' } },
    );
    // The holder's own: a renewal, or the answer to its first question was lost.
    const renewed = (): Promise<number | undefined> =>
      update('#holder = :holder AND #until > :now', 'SET #until = :until', ['#holder', '#until'], values);
    const fence = taken ?? (await renewed());
    if (fence === undefined) return undefined;
    return {
      fence,
      async release() {
        await update(
          '#holder = :holder AND #fence = :fence',
          'REMOVE #holder, #until',
          ['#holder', '#until', '#fence'],
          {
            ':holder': { S: holder },
            ':fence': { N: String(fence) },
          },
        );
      },
    };
  };
}
