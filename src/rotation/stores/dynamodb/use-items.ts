import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { KeyProviderError, nodeCrypto, systemClock } from '../../../core/index.js';
import { parseUse, REPORT_LIFE_MS } from '../../ring/report-use.js';
import type { RingStore } from '../../ring/types.js';
import type { connectToDynamoDb } from './client.js';
import { DYNAMODB } from './errors.js';

/** An item holds 400 KB, some 2,500 reports; instances are spread over these many, a day. */
const SHARDS = 8;
/** How many requests one reading may take. */
const MAX_ROUNDS = 10;

type Item = Record<string, AttributeValue>;

/**
 * Returns the use reports of a ring in items of `table`. There are eight items a day, `<ring>#use#<day>#<shard>`, with an
 * attribute an instance and the time in `ttl` from which DynamoDB may remove the item. They are
 * read in one request.
 */
export function createUseItems(
  connection: ReturnType<typeof connectToDynamoDb>,
  table: string,
  ring: string,
): Required<Pick<RingStore, 'reportUse' | 'readUse'>> {
  const findKey = (at: number, shard: number): Item => ({
    name: { S: `${ring}#use#${String(Math.floor(at / REPORT_LIFE_MS))}#${String(shard)}` },
  });
  /** Reads the items that there are. DynamoDB may leave out some of them, beyond 16 MB or its capacity. */
  const readItems = async (keys: Item[], signal: AbortSignal | undefined): Promise<Item[]> => {
    const items: Item[] = [];
    let left = keys;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const RequestItems = { [table]: { Keys: left, ConsistentRead: true } };
      const { Responses = {}, UnprocessedKeys = {} } = await connection.call(
        { operation: 'BatchGetItem', table },
        (sdk, client, http) => client.send(new sdk.BatchGetItemCommand({ RequestItems }), http),
        { signal },
      );
      items.push(...Object.values(Responses).flat());
      left = Object.values(UnprocessedKeys).flatMap(({ Keys = [] }) => Keys);
      if (left.length === 0) return items;
    }
    throw new KeyProviderError('DynamoDB left out use reports in each of its answers; run it again later.', {
      provider: DYNAMODB,
    });
  };
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
      const items = await readItems(keys, signal);
      // The same instance may have reported yesterday and today: the later report counts.
      const latest = new Map<string, NonNullable<ReturnType<typeof parseUse>>>();
      for (const item of items) {
        for (const { S: text = '' } of Object.values(item)) {
          const use = parseUse(text);
          if (use !== undefined && use.at > (latest.get(use.instance)?.at ?? 0)) latest.set(use.instance, use);
        }
      }
      return [...latest.values()];
    },
  };
}
