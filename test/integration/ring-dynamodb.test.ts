import { CreateTableCommand, DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dynamoDbRing } from '../../src/rotation/stores/dynamodb/index.js';
import { ringStoreContract } from '../rotation/stores/ring-contract.js';
import { failure } from '../rotation/stores/ring-places.js';
import { sampleRing } from '../rotation/stores/sample-ring.js';
import { MOTO_ENV, startMoto, type Moto } from '../servers/moto.js';
import { orSkip } from '../servers/or-skip.js';

const TABLE = 'key-rings';
const found = await orSkip(startMoto);

describe.skipIf(found.skipped !== undefined)(`DynamoDB as moto plays it ${found.skipped ?? ''}`, () => {
  const moto = found.server as Moto;
  const clientConfig = (): object => ({ endpoint: moto.url, region: moto.region });
  let dynamodb: DynamoDBClient;
  let rings = 0;

  beforeAll(async () => {
    for (const [name, value] of Object.entries(MOTO_ENV)) vi.stubEnv(name, value);
    dynamodb = new DynamoDBClient(clientConfig());
    await moto.reset();
    await dynamodb.send(
      new CreateTableCommand({
        TableName: TABLE,
        AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'name', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  });
  afterAll(async () => {
    dynamodb?.destroy();
    vi.unstubAllEnvs();
    await moto[Symbol.asyncDispose]();
  });

  ringStoreContract('dynamoDbRing', async () => {
    const name = `gold-${String(++rings)}`;
    const Key = { name: { S: name } };
    return {
      open: () => dynamoDbRing({ tableName: TABLE, name, clientConfig: clientConfig() }),
      async spoil(text) {
        await dynamodb.send(
          new UpdateItemCommand({
            TableName: TABLE,
            Key,
            UpdateExpression: 'SET #document = :text',
            ExpressionAttributeNames: { '#document': 'document' },
            ExpressionAttributeValues: { ':text': { S: text } },
          }),
        );
      },
      async stored() {
        const { Item } = await dynamodb.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
        return Item?.['document']?.S;
      },
    };
  });

  it('a caller’s client is used, and is open after the store has closed', async () => {
    const store = dynamoDbRing({ tableName: TABLE, name: 'with-client', client: dynamodb });
    const ring = sampleRing(1);
    await store.write(ring, { revision: 0 });

    await store.close?.();

    expect((await store.read())?.ring).toEqual(ring);
  });

  it('a table that does not exist is told by its name', async () => {
    const error = await failure(dynamoDbRing({ tableName: 'none', name: 'gold', clientConfig: clientConfig() }).read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND', retryable: false });
    expect((error as Error).message).toContain('`none`');
  });

  it('a table with another partition key is told of', async () => {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'other-key',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );

    const error = await failure(
      dynamoDbRing({ tableName: 'other-key', name: 'gold', clientConfig: clientConfig() }).read(),
    );

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect((error as Error).message).toContain('partition key `name`');
  });
});
