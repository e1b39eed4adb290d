import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { mockClient, type AwsClientStub } from 'aws-sdk-client-mock';

type Item = Record<string, AttributeValue>;

/** What of a request the table looks at. */
interface Request {
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Item;
}

/** A table in memory behind every DynamoDB client of this process, with the few expressions that the stores write. */
export interface FakeTable {
  /** By `name`. */
  readonly items: Map<string, Item>;
  readonly dynamodb: AwsClientStub<DynamoDBClient>;
  /** Answers from the table, and forgets what was set up and called before. */
  reset(): void;
}

/** Replaces `DynamoDBClient.send` until `dynamodb.restore()`. */
export function fakeTable(): FakeTable {
  const items = new Map<string, Item>();
  const dynamodb = mockClient(DynamoDBClient);
  const checked = (request: Request, stored: Item | undefined): void => {
    if (request.ConditionExpression === undefined || holds(request, stored)) return;
    throw new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
  };
  // Each answers a turn later, as a service does: what is checked and written in between is one step.
  const later =
    (answer: (request: Request) => object) =>
    async (request: Request): Promise<object> => {
      await Promise.resolve();
      return answer(request);
    };
  const reset = (): void => {
    dynamodb.reset();
    dynamodb
      .on(GetItemCommand)
      .callsFake(later(({ Key }) => ({ Item: structuredClone(items.get(nameOf(Key))) })))
      .on(PutItemCommand)
      .callsFake(
        later((request) => {
          checked(request, items.get(nameOf(request.Item)));
          items.set(nameOf(request.Item), structuredClone(request.Item ?? {}));
          return {};
        }),
      );
  };
  reset();
  return { items, dynamodb, reset };
}

function nameOf(key: Item | undefined): string {
  return key?.['name']?.S ?? '';
}

function holds(request: Request, stored: Item | undefined): boolean {
  const attribute = (alias = ''): AttributeValue | undefined =>
    stored?.[request.ExpressionAttributeNames?.[alias] ?? ''];
  const { ConditionExpression: condition = '' } = request;
  const absent = /^attribute_not_exists\((#\w+)\)$/.exec(condition);
  if (absent !== null) return attribute(absent[1]) === undefined;
  const [, alias, value = ''] = /^(#\w+) = (:\w+)$/.exec(condition) ?? [];
  const expected = request.ExpressionAttributeValues?.[value]?.S;
  if (expected === undefined) throw new Error(`The fake table does not know \`${condition}\`.`);
  return attribute(alias)?.S === expected;
}
