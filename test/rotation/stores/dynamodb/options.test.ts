import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inspect } from 'node:util';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamoDbRing, type DynamoDbRingOptions } from '../../../../src/rotation/stores/dynamodb/index.js';
import { fakeTable } from './fake-table.js';
import { failure } from '../ring-places.js';

const { dynamodb, reset } = fakeTable();
afterAll(() => dynamodb.restore());
beforeEach(reset);

const valid = { tableName: 'key-rings', name: 'gold' };
const SECRET = 'invented-secret-access-key';

describe('the options of dynamoDbRing', () => {
  it.each([
    ['no options', undefined, TypeError, /options object/],
    ['an unknown name', { ...valid, table: 'x' }, TypeError, /`table`.*`tableName`/],
    ['no table', { name: 'gold' }, TypeError, /`tableName` must be a non-empty string, got undefined/],
    ['an empty table', { ...valid, tableName: '' }, TypeError, /`tableName`/],
    ['no name', { tableName: 'key-rings' }, TypeError, /`name` must be a non-empty string, got undefined/],
    ['a # in the name', { ...valid, name: 'gold#lease' }, RangeError, /`#`/],
    ['a client that is none', { ...valid, client: {} }, TypeError, /`client` must be a DynamoDBClient/],
    [
      'a client and a clientConfig',
      { ...valid, client: new DynamoDBClient({ region: 'eu-central-1' }), clientConfig: {} },
      TypeError,
      /`client` brings/,
    ],
    ['a configuration that is an instance', { ...valid, clientConfig: new Map() }, TypeError, /DynamoDBClientConfig/],
    [
      'an endpoint over plain http',
      { ...valid, clientConfig: { endpoint: 'http://dynamodb.example.com' } },
      RangeError,
      /https/,
    ],
  ])('refuses %s', (_, options, type, says) => {
    const act = (): unknown => dynamoDbRing(options as DynamoDbRingOptions);

    expect(act).toThrow(type);
    expect(act).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(says) }),
    );
  });

  it('show no credentials afterwards', () => {
    const credentials = { accessKeyId: 'AKIAINVENTED', secretAccessKey: SECRET };
    const store = dynamoDbRing({ ...valid, clientConfig: { region: 'eu-central-1', credentials } });

    expect(inspect(store, { depth: 20, showHidden: true })).not.toContain(SECRET);
    expect(JSON.stringify(store)).toBe('{"name":"dynamodb"}');
  });

  it('are copied', async () => {
    const options = { ...valid, clientConfig: { region: 'eu-central-1' } };
    const store = dynamoDbRing(options);
    options.tableName = 'other';
    options.clientConfig.region = 'us-east-1';

    await store.read();

    const { args, thisValue } = dynamodb.call(0);
    expect(args[0].input).toMatchObject({ TableName: 'key-rings' });
    expect(await (thisValue as DynamoDBClient).config.region()).toBe('eu-central-1');
    await store.close?.();
  });

  it('of equal configuration share a client, which ends with its last user', async () => {
    const destroy = vi.spyOn(DynamoDBClient.prototype, 'destroy');
    const open = (): ReturnType<typeof dynamoDbRing> =>
      dynamoDbRing({ ...valid, clientConfig: { region: 'eu-central-1', requestHandler: { requestTimeout: 900 } } });
    const [first, second] = [open(), open()];
    await first.read();
    await second.read();

    expect(dynamodb.call(0).thisValue).toBe(dynamodb.call(1).thisValue);
    await first.close?.();
    expect(destroy).not.toHaveBeenCalled();
    await second.close?.();
    expect(destroy).toHaveBeenCalledTimes(1);
    destroy.mockRestore();
  });
});

describe('plain http', () => {
  it('from elsewhere than the options is refused before a request', async () => {
    dynamodb.restore();
    const store = dynamoDbRing({
      ...valid,
      clientConfig: {
        region: 'eu-central-1',
        endpoint: () => Promise.resolve({ protocol: 'http:', hostname: 'dynamodb.example.com', path: '/' }),
        credentials: { accessKeyId: 'AKIAINVENTED', secretAccessKey: SECRET },
      },
    });

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: false });
    expect((error as Error).message).toMatch(/DynamoDB is not called over plain http at `dynamodb.example.com`/);
    await store.close?.();
  });
});
