import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  ConditionalCheckFailedException,
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KeyUse } from '../../../../src/core/index.js';
import { dynamoDbRing } from '../../../../src/rotation/stores/dynamodb/index.js';
import type { RingStore } from '../../../../src/rotation/ring/types.js';
import { fakeTable, updated } from './fake-table.js';
import { expectNoCiphertext, failure } from '../ring-places.js';
import { sampleRing } from '../sample-ring.js';

const { items, dynamodb, reset } = fakeTable();
afterAll(() => dynamodb.restore());
let store: RingStore;

beforeEach(() => {
  items.clear();
  reset();
  store = dynamoDbRing({ tableName: 'key-rings', name: 'gold', clientConfig: { region: 'eu-central-1' } });
});
afterEach(() => store.close?.());

/** As the SDK raises it: most names have no class of their own. */
function serviceError(name: string, status: number): Error {
  return new DynamoDBServiceException({
    name,
    message: 'UnknownError',
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
}

const conditionFailed = (): Error =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });

/** Settles `work` without waiting for the pauses in it. */
async function hurried<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const state = { isDone: false };
  const running = work().finally(() => {
    state.isDone = true;
  });
  running.catch(() => undefined);
  // Not once and for all: a pause begins after what is loaded for it has been loaded.
  while (!state.isDone)
    await vi.advanceTimersByTimeAsync(500).then(() => new Promise((resolve) => setImmediate(resolve)));
  vi.useRealTimers();
  return running;
}

const writes = (): number => dynamodb.commandCalls(UpdateItemCommand).length;

describe('the errors of DynamoDB', () => {
  it.each([
    ['AccessDeniedException', 400, 'ERR_GOLDKEY_ACCESS_DENIED', false, 1, /dynamodb:GetItem.*`key-rings`/],
    ['ResourceNotFoundException', 400, 'ERR_GOLDKEY_NOT_FOUND', false, 1, /no table `key-rings`.*Region/],
    ['ValidationException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /partition key `name`.*400 KB/],
    ['ProvisionedThroughputExceededException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /capacity.*`key-rings`/],
    ['ThrottlingException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['RequestLimitExceeded', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /quota/],
    ['InternalServerError', 500, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 500/],
    ['TransactionConflictException', 400, 'ERR_GOLDKEY_PROVIDER', true, 3, /TransactionConflictException/],
    ['UnknownError', 503, 'ERR_GOLDKEY_PROVIDER', true, 3, /status 503/],
    ['ExpiredTokenException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['UnrecognizedClientException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /credentials/],
    ['InvalidSignatureException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /clock/],
    ['SomethingNewException', 400, 'ERR_GOLDKEY_PROVIDER', true, 1, /SomethingNewException/],
  ] as const)(
    '%s with status %i is %s (retryable: %s, requests: %i)',
    async (name, status, code, retryable, requests, says) => {
      dynamodb.on(GetItemCommand).rejects(serviceError(name, status));

      const error = await hurried(() => failure(store.read()));

      expect(error).toMatchObject({ code, retryable, provider: 'dynamodb', cause: { name } });
      expect((error as Error).message).toMatch(says);
      expect(dynamodb.calls()).toHaveLength(requests);
    },
  );

  it.each([
    ['CredentialsProviderError', undefined, 'ERR_GOLDKEY_PROVIDER', /no AWS credentials/],
    ['TimeoutError', undefined, 'ERR_GOLDKEY_KEY_TIMEOUT', /did not answer GetItem in time/],
    ['Error', 'ECONNREFUSED', 'ERR_GOLDKEY_PROVIDER', /reached \(ECONNREFUSED\)/],
  ])('a %s with the code %s is %s', async (name, code, expected, says) => {
    dynamodb.on(GetItemCommand).rejects(Object.assign(new Error('x'), { name }, code === undefined ? {} : { code }));

    const error = await hurried(() => failure(store.read()));

    expect(error).toMatchObject({ code: expected, retryable: true });
    expect((error as Error).message).toMatch(says);
  });

  it('leaves retries to a client that makes them itself', async () => {
    dynamodb.on(GetItemCommand).rejects(serviceError('ThrottlingException', 400));
    const client = new DynamoDBClient({ region: 'eu-central-1' });

    await failure(dynamoDbRing({ tableName: 'a', name: 'gold', client }).read());
    await failure(dynamoDbRing({ tableName: 'a', name: 'gold', clientConfig: { maxAttempts: 4 } }).read());

    expect(dynamodb.calls()).toHaveLength(2);
  });
});

describe('a write whose answer is lost', () => {
  const lost = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

  const takesPlaceUnheard = async (input: UpdateItemCommandInput): Promise<never> => {
    items.set('gold', updated(input));
    throw lost;
  };

  it('is sent again, and known by its writeId to be done', async () => {
    const ring = sampleRing(1);
    dynamodb.on(UpdateItemCommand).callsFakeOnce(takesPlaceUnheard).rejects(conditionFailed());

    await store.write(ring, { revision: 0 });

    expect((await store.read())?.ring).toEqual(ring);
    expect(writes()).toBe(2);
    const [first, second] = dynamodb.commandCalls(UpdateItemCommand).map((call) => call.args[0].input);
    expect(second).toEqual(first);
  });

  it('is a conflict when the other writer’s ring is there instead', async () => {
    dynamodb.on(UpdateItemCommand).callsFake(async () => {
      items.set('gold', { name: { S: 'gold' }, document: { S: JSON.stringify(sampleRing(1)) } });
      throw conditionFailed();
    });

    const error = await failure(store.write(sampleRing(1), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_RING_CONFLICT' });
    expectNoCiphertext(error);
    expect(writes()).toBe(1);
  });

  it('is a conflict when there is no ring any more', async () => {
    dynamodb.on(UpdateItemCommand).rejects(conditionFailed());

    expect(await failure(store.write(sampleRing(1), { revision: 0 }))).toMatchObject({
      code: 'ERR_GOLDKEY_RING_CONFLICT',
    });
  });

  it('and that the manager makes again is done already', async () => {
    const ring = sampleRing(1);
    await store.write(ring, { revision: 0 });

    await store.write(ring, { revision: 0 });

    expect(writes()).toBe(1);
  });

  it('may stay unknown: then the failure says so, and nothing else is written', async () => {
    dynamodb.on(UpdateItemCommand).rejects(lost);

    const error = await hurried(() => failure(store.write(sampleRing(1), { revision: 0 })));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expectNoCiphertext(error);
    expect(writes()).toBe(3);
  });
});

describe('the item', () => {
  it('is read consistently, and holds name and document', async () => {
    await store.write(sampleRing(1), { revision: 0 });
    await store.read();

    expect(Object.keys(items.get('gold') ?? {}).toSorted()).toEqual(['document', 'name']);
    for (const call of dynamodb.commandCalls(GetItemCommand)) {
      expect(call.args[0].input).toMatchObject({ TableName: 'key-rings', ConsistentRead: true });
    }
  });

  it.each(['gold', 'gold#lease'])('%s keeps the attributes that others put on it', async (item) => {
    const write = async (revision: number): Promise<void> => {
      await store.write(sampleRing(revision), { revision: revision - 1 });
      await (await store.lease?.(`holder-${String(revision)}`, 60_000))?.release();
    };
    await write(1);
    const foreign = { team: { S: 'metals' }, expires: { N: '1900000000' }, tags: { SS: ['a', 'b'] } };
    const before = items.get(item)?.['document'];
    items.set(item, { ...items.get(item), ...foreign });

    await write(2);

    expect(items.get(item)).toEqual({ name: { S: item }, document: expect.anything() as unknown, ...foreign });
    expect(items.get(item)?.['document']).not.toEqual(before);
  });

  it('without a document is no ring', async () => {
    await store.write(sampleRing(1), { revision: 0 });
    items.set('gold', { ...items.get('gold'), document: { N: '1' } });

    const error = await failure(store.read());

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect((error as Error).message).toMatch(/no string `document`/);
  });

  it('edited by hand between read and write is not written over', async () => {
    const ring = sampleRing(1);
    await store.write(ring, { revision: 0 });
    const { token } = (await store.read()) ?? {};
    const edited = { name: { S: 'gold' }, document: { S: JSON.stringify({ ...ring, note: 'edited' }) } };
    items.set('gold', edited);

    const error = await failure(store.write(sampleRing(2), { revision: 1, token }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_RING_CONFLICT' });
    expect(items.get('gold')).toEqual(edited);
  });

  it('of a ring that no reader would take is not sent', async () => {
    const error = await failure(store.write(sampleRing(1, { current: 'v9' }), { revision: 0 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', message: expect.stringContaining('`current`') });
    expect(dynamodb.calls()).toHaveLength(0);
  });
});

describe('the lease', () => {
  it('whose answer was lost is held with the number that it got', async () => {
    const lost = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const document = JSON.stringify({ holder: null, fence: 4, until: 0, revision: 8, writeId: 'released' });
    items.set('gold#lease', { name: { S: 'gold#lease' }, document: { S: document } });
    // Taken, unheard; not to be taken again: the holder's own.
    dynamodb
      .on(UpdateItemCommand)
      .callsFakeOnce(async (input: UpdateItemCommandInput) => {
        items.set('gold#lease', updated(input));
        throw lost;
      })
      .rejects(conditionFailed());

    expect((await store.lease?.('one', 60_000))?.fence).toBe(5);
    expect(writes()).toBe(2);
  });

  it('without a number is told of', async () => {
    items.set('gold#lease', { name: { S: 'gold#lease' }, document: { S: '{"holder":"one","until":1,"revision":1}' } });

    const error = await failure(store.lease?.('one', 60_000) as Promise<unknown>);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER' });
    expect((error as Error).message).toContain('`fence`');
  });

  it('is refused to whom IAM refuses it', async () => {
    dynamodb.on(UpdateItemCommand).rejects(serviceError('AccessDeniedException', 400));

    const error = await failure(store.lease?.('one', 60_000) as Promise<unknown>);

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    expect((error as Error).message).toContain('dynamodb:UpdateItem');
  });
});

describe('use reports', () => {
  const report = (instance: string): KeyUse => ({ instance, version: 'v1', at: Date.now() });

  it('are read in one request, and again what DynamoDB left out of its answer', async () => {
    const uses = ['a', 'b', 'c'].map(report);
    for (const use of uses) await store.reportUse?.(use);
    expect(await store.readUse?.()).toHaveLength(3);
    expect(dynamodb.commandCalls(BatchGetItemCommand)).toHaveLength(1);

    const keys = dynamodb.commandCalls(BatchGetItemCommand)[0]?.args[0].input.RequestItems?.['key-rings']?.Keys ?? [];
    const [first = {}, ...others] = keys;
    const answers: BatchGetItemCommandOutput[] = [
      { Responses: { 'key-rings': [] }, UnprocessedKeys: { 'key-rings': { Keys: others } }, $metadata: {} },
      { Responses: { 'key-rings': [{ ...first, 'i-0': { S: JSON.stringify(report('late')) } }] }, $metadata: {} },
    ];
    dynamodb.on(BatchGetItemCommand).callsFake(() => Promise.resolve(answers.shift()));

    expect(await store.readUse?.()).toEqual([expect.objectContaining({ instance: 'late' })]);
    expect(dynamodb.commandCalls(BatchGetItemCommand).at(-1)?.args[0].input).toEqual({
      RequestItems: { 'key-rings': { Keys: others, ConsistentRead: true } },
    });
  });

  it('that DynamoDB leaves out again and again are an error, after ten requests', async () => {
    const left = { 'key-rings': { Keys: [{ name: { S: 'gold#use#1#0' } }] } };
    dynamodb.on(BatchGetItemCommand).resolves({ Responses: {}, UnprocessedKeys: left });

    const error = await failure(Promise.resolve(store.readUse?.()));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
    expect(dynamodb.commandCalls(BatchGetItemCommand)).toHaveLength(10);
  });
});
