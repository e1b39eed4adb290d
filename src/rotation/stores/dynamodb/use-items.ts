import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { nodeCrypto, systemClock } from '../../../core/index.js';
import { parseUse, REPORT_LIFE_MS } from '../../ring/report-use.js';
import type { RingStore } from '../../ring/types.js';
import type { connectToDynamoDb } from './client.js';

/** An item holds 400 KB, some 2,500 reports; instances are spread over these many, a day. */
const SHARDS = 8;

/**
 * Returns the use reports of a ring in items of `table`. There are eight items a day, `<ring>#use#<day>#<shard>`, with an
 * attribute an instance and the time in `ttl` from which DynamoDB may remove the item. So a reader needs no other permission
 * than for the ring.
 */
export function createUseItems(
  connection: ReturnType<typeof connectToDynamoDb>,
  table: string,
  ring: string,
): Required<Pick<RingStore, 'reportUse' | 'readUse'>> {
  const findKey = (at: number, shard: number): Record<string, AttributeValue> => ({
    name: { S: `${ring}#use#${String(Math.floor(at / REPORT_LIFE_MS))}#${String(shard)}` },
  });
  return {
    async reportUse(report) {
      const digest = nodeCrypto().createHash('sha256').update(report.instance).digest();
      const input = {
        TableName: table,
        Key: findKey(report.at, digest.readUInt8() % SHARDS),
        UpdateExpression: 'SET #instance = :report, #ttl = :ttl',
        ExpressionAttributeNames: { '#instance': `i-${digest.toString('hex', 0, 16)}`, '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':report': { S: JSON.stringify(report) },
          ':ttl': { N: String(Math.ceil((report.at + 2 * REPORT_LIFE_MS) / 1_000)) },
        },
      };
      await connection.call({ operation: 'UpdateItem', table }, (sdk, client, http) =>
        client.send(new sdk.UpdateItemCommand(input), http),
      );
    },
    async readUse({ signal } = {}) {
      const now = systemClock.now();
      const keys = [now - REPORT_LIFE_MS, now].flatMap((at) =>
        Array.from({ length: SHARDS }, (_, shard) => findKey(at, shard)),
      );
      const items = await Promise.all(
        keys.map((Key) =>
          connection.call(
            { operation: 'GetItem', table },
            (sdk, client, http) =>
              client.send(new sdk.GetItemCommand({ TableName: table, Key, ConsistentRead: true }), http),
            { signal },
          ),
        ),
      );
      // The same instance may have reported yesterday and today: the later report counts.
      const latest = new Map<string, NonNullable<ReturnType<typeof parseUse>>>();
      for (const { Item: item = {} } of items) {
        for (const { S: text = '' } of Object.values(item)) {
          const use = parseUse(text);
          if (use !== undefined && use.at > (latest.get(use.instance)?.at ?? 0)) latest.set(use.instance, use);
        }
      }
      return [...latest.values()];
    },
  };
}
