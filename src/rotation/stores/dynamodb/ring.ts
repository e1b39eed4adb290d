import {
  checkOptionNames,
  conflict,
  invalidRange,
  invalidType,
  KeyProviderError,
  checkOptionalString,
} from '../../../core/index.js';
import { callDynamoDb, dynamoDbLink, ifHolds } from './client.js';
import { DYNAMODB } from './errors.js';
import { dynamoDbLease } from './lease.js';
import { parseRing } from '../../ring/document.js';
import { isSameWrite, ringText } from '../../ring/serialize.js';
import type { KeyRingDocument, RingStore } from '../../ring/types.js';

/** Options of {@link dynamoDbRing}. */
export interface DynamoDbRingOptions {
  /** The table: its partition key is `name`, a string, and it has no sort key. */
  tableName: string;
  /** The ring's name, which is its item's key; the lease is the item `<name>#lease`. */
  name: string;
  /**
   * The caller's `DynamoDBClient`: it keeps its own retries and timeouts and is never closed here. Not together with
   * `clientConfig`.
   */
  client?: object | undefined;
  /**
   * `DynamoDBClientConfig` for the client built here; clients of equal configuration are shared. Defaults: connection
   * timeout 1 s, request timeout 2 s, and `maxAttempts: 1`, because retries are made here; with a `maxAttempts`,
   * `retryMode` or `retryStrategy` of its own they are the SDK's. The Region, unless given here, is what the SDK finds. An
   * endpoint over plain http must be on loopback.
   */
  clientConfig?: object | undefined;
}

/** The ring's item. */
interface Found {
  readonly ring: KeyRingDocument;
  readonly text: string;
}

/**
 * A key ring in a DynamoDB table: one item with `name`, `revision` and `document`. Reads are strongly consistent, a write
 * takes place only while the item is the one it was decided on. All writers must use one Region: in a global table a
 * condition holds in its own Region only. There are no change notices; readers poll by their `ttl`. Leases are judged by
 * the hosts' wall clocks, which must agree to well within a lease's `ttl`.
 *
 * Nothing is loaded before the first use: `@aws-sdk/client-dynamodb` (an optional peer, install it beside goldkey) and its
 * client come then. A transient fault is tried again twice, after about 100 ms, 1 s when throttled. Readers need
 * dynamodb:GetItem, writers dynamodb:PutItem as well, and a lease dynamodb:UpdateItem.
 *
 * @param options - see {@link DynamoDbRingOptions}; copied
 * @returns a ring store; its `close` releases the client, and it connects again when it is used again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {RangeError} `ERR_INVALID_ARG_VALUE`, at once: a `#` in the name, or an endpoint over plain http
 * @throws {RingConflictError} `ERR_GOLDKEY_RING_CONFLICT`, by a write: the stored revision is another one
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by any use: there is no such table
 * @throws {KeyAccessDeniedError} `ERR_GOLDKEY_ACCESS_DENIED`, by any use: IAM refuses
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by any use, retryable: the item is no ring, throttling, a fault of the
 * service or the network, credentials, clock or Region
 * @throws {KeyTimeoutError} `ERR_GOLDKEY_KEY_TIMEOUT`, by any use, retryable: no answer within 2 s, three times
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
  checkOptionNames('dynamoDbRing', options, ['tableName', 'name', 'client', 'clientConfig']);
  const table = required('tableName', options.tableName);
  const name = required('name', options.name);
  if (name.includes('#')) throw invalidRange('`name` must have no `#`: it sets apart what belongs to a ring.');
  const link = dynamoDbLink({ client: options.client, clientConfig: options.clientConfig });

  const find = async (signal: AbortSignal | undefined): Promise<Found | undefined> => {
    const { Item: item } = await callDynamoDb(
      link,
      { operation: 'GetItem', table },
      (sdk, client, http) =>
        client.send(
          new sdk.GetItemCommand({ TableName: table, Key: { name: { S: name } }, ConsistentRead: true }),
          http,
        ),
      signal,
    );
    if (item === undefined) return undefined;
    const text = item['document']?.S;
    if (text === undefined) throw invalid('its item has no string `document`');
    const ring = parseRing(text, DYNAMODB);
    // Writes are decided on the attribute: where the two differ, somebody has edited one of them.
    if (Number(item['revision']?.N) !== ring.revision)
      throw invalid('its item has another `revision` than its document');
    return { ring, text };
  };

  return {
    name: DYNAMODB,
    async read({ signal } = {}) {
      const found = await find(signal);
      return found === undefined ? undefined : { ring: found.ring };
    },
    async write(ring, expected, { signal } = {}) {
      signal?.throwIfAborted();
      const text = ringText(ring, DYNAMODB);
      const before = await find(signal);
      if (isSameWrite(before?.ring, ring)) return;
      if ((before?.ring.revision ?? 0) !== expected.revision) {
        throw conflict(DYNAMODB, expected.revision, before?.ring.revision ?? 0);
      }
      // On the text as well: a document that was edited in between, by hand, is not written over.
      const condition =
        before === undefined
          ? { ConditionExpression: 'attribute_not_exists(#name)', ExpressionAttributeNames: { '#name': 'name' } }
          : {
              ConditionExpression: '#revision = :expected AND #document = :found',
              ExpressionAttributeNames: { '#revision': 'revision', '#document': 'document' },
              ExpressionAttributeValues: {
                ':expected': { N: String(expected.revision) },
                ':found': { S: before.text },
              },
            };
      const item = { name: { S: name }, revision: { N: String(ring.revision) }, document: { S: text } };
      const written = await callDynamoDb(
        link,
        { operation: 'PutItem', table },
        (sdk, client, http) =>
          ifHolds(client.send(new sdk.PutItemCommand({ TableName: table, Item: item, ...condition }), http)),
        signal,
      );
      if (written) return;
      // An answer may have been lost on the way, and the write been done by the try before.
      const after = await find(signal);
      if (!isSameWrite(after?.ring, ring)) throw conflict(DYNAMODB, expected.revision, after?.ring.revision ?? 0);
    },
    lease: dynamoDbLease(link, table, name),
    close: () => link.close(),
  };
}

function required(name: string, value: unknown): string {
  const text = checkOptionalString(name, value);
  if (text === undefined) throw invalidType(`\`${name}\` is required.`);
  return text;
}

function invalid(what: string): KeyProviderError {
  return new KeyProviderError(`The key ring is invalid: ${what}.`, { provider: DYNAMODB });
}
