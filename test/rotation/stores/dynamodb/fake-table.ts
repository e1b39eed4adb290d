import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  GetItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { mockClient, type AwsClientStub } from 'aws-sdk-client-mock';

type Item = Record<string, AttributeValue>;

/** What of a request the table looks at. */
interface Request {
  Key?: Item | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Item | undefined;
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
      .on(BatchGetItemCommand)
      .callsFake(async ({ RequestItems = {} }: BatchGetItemCommandInput) => {
        await Promise.resolve();
        const answers = Object.entries(RequestItems).map(([table, { Keys = [] }]) => {
          const found = Keys.map((key) => items.get(nameOf(key))).filter((item) => item !== undefined);
          return [table, structuredClone(found)] as const;
        });
        return { Responses: Object.fromEntries(answers) };
      })
      .on(UpdateItemCommand)
      .callsFake(
        later((request) => {
          const name = nameOf(request.Key);
          checked(request, items.get(name));
          items.set(name, { ...items.get(name), ...updated(request) });
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

/** The key, and the attributes that an update sets. */
export function updated(request: Request): Item {
  const [, list = ''] = /^SET (.+)$/.exec(request.UpdateExpression ?? '') ?? [];
  const set = list.split(', ').map((part) => {
    const [, alias = '', value = ''] = /^(#\w+) = (:\w+)$/.exec(part) ?? [];
    return [request.ExpressionAttributeNames?.[alias], request.ExpressionAttributeValues?.[value]] as const;
  });
  const isKnown = set.every(([attribute, stored]) => attribute !== undefined && stored !== undefined);
  if (isKnown) return structuredClone({ ...request.Key, ...Object.fromEntries(set) }) as Item;
  throw new Error(`The fake table does not know \`${String(request.UpdateExpression)}\`.`);
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
