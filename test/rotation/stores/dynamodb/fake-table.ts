import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { mockClient, type AwsClientStub } from 'aws-sdk-client-mock';

type Item = Record<string, AttributeValue>;

/** What of a request the table looks at. */
interface Request {
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
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
      )
      .on(UpdateItemCommand)
      .callsFake(
        later((request) => {
          const stored = items.get(nameOf(request.Key));
          checked(request, stored);
          const updated = update(request, { ...request.Key, ...stored });
          items.set(nameOf(request.Key), updated);
          return { Attributes: structuredClone(updated) };
        }),
      );
  };
  reset();
  return { items, dynamodb, reset };
}

function nameOf(key: Item | undefined): string {
  return key?.['name']?.S ?? '';
}

const plain = (value: AttributeValue | undefined): string | number | undefined =>
  value?.N === undefined ? value?.S : Number(value.N);

function holds(request: Request, stored: Item | undefined): boolean {
  const attribute = (alias = ''): AttributeValue | undefined =>
    stored?.[request.ExpressionAttributeNames?.[alias] ?? ''];
  const test = (term: string): boolean => {
    const absent = /^attribute_not_exists\((#\w+)\)$/.exec(term);
    if (absent !== null) return attribute(absent[1]) === undefined;
    const [, alias, operator, value = ''] = /^(#\w+) (=|<=|>) (:\w+)$/.exec(term) ?? [];
    const [left, right] = [plain(attribute(alias)), plain(request.ExpressionAttributeValues?.[value])];
    if (operator === undefined || right === undefined) throw new Error(`The fake table does not know \`${term}\`.`);
    if (left === undefined) return false;
    return operator === '=' ? left === right : operator === '>' ? left > right : left <= right;
  };
  const condition = request.ConditionExpression ?? '';
  return condition.split(' OR ').some((side) => side.split(' AND ').every(test));
}

function update({ UpdateExpression = '', ExpressionAttributeNames = {}, ...request }: Request, item: Item): Item {
  const updated = { ...item };
  for (const [, verb, list = ''] of UpdateExpression.matchAll(/(SET|ADD|REMOVE) (.*?)(?= (?:SET|ADD|REMOVE) |$)/g)) {
    for (const part of list.split(', ')) {
      const [alias = '', value = ''] = part.split(/ = | /);
      const name = ExpressionAttributeNames[alias] ?? '';
      const given = request.ExpressionAttributeValues?.[value] ?? { N: '0' };
      if (verb === 'REMOVE') delete updated[name];
      else if (verb === 'SET') updated[name] = given;
      else updated[name] = { N: String(Number(updated[name]?.N ?? 0) + Number(given.N)) };
    }
  }
  return updated;
}
