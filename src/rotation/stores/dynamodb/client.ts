import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { systemClock } from '../../../core/index.js';
import { callAws, type AwsSend } from '../../../aws/call.js';
import { awsLinks, type AwsLink, type AwsLinkOptions } from '../../../aws/client.js';
import { packageLoader } from '../../../util/load-package.js';
import { DYNAMODB, dynamoDbError } from './errors.js';

/** The package, however it was loaded. */
export type DynamoDbSdk = typeof import('@aws-sdk/client-dynamodb');

/** A way to DynamoDB that connects when first used. */
export type DynamoDbLink = AwsLink<DynamoDbSdk, DynamoDBClient>;

/** Makes links to DynamoDB; the one place that loads its SDK. */
export const dynamoDbLink: (options: AwsLinkOptions) => DynamoDbLink = awsLinks<DynamoDbSdk, DynamoDBClient>({
  title: 'DynamoDB',
  provider: DYNAMODB,
  clientType: 'DynamoDBClient',
  load: packageLoader(
    {
      need: 'goldkey/rotation/dynamodb needs the AWS SDK for DynamoDB',
      name: '@aws-sdk/client-dynamodb',
      provider: DYNAMODB,
    },
    (createRequire) => createRequire(import.meta.url)('@aws-sdk/client-dynamodb') as DynamoDbSdk,
    () => import('@aws-sdk/client-dynamodb'),
  ),
  build: (sdk, config) => new sdk.DynamoDBClient(config as DynamoDBClientConfig),
});

/** One call about one table; it is sent again after a transient failure, so it must be one that may happen twice. */
export function callDynamoDb<T>(
  link: DynamoDbLink,
  call: { operation: string; table: string },
  send: AwsSend<DynamoDbSdk, DynamoDBClient, T>,
  signal?: AbortSignal,
): Promise<T> {
  return callAws(link, send, (error) => dynamoDbError(error, call), { signal, clock: systemClock });
}

/** Sends a conditional write: false when the condition does not hold. */
export async function ifHolds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}
