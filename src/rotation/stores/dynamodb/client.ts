import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { awsService, type AwsConnection, type AwsSend, type AwsService } from '../../../aws/client.js';
import { classifyAwsError } from '../../../aws/failures.js';
import { packageLoader } from '../../../util/load-package.js';
import { DYNAMODB, DYNAMODB_ERRORS, type DynamoDbCall } from './errors.js';

type DynamoDbSdk = typeof import('@aws-sdk/client-dynamodb');

/** A connection to DynamoDB. */
export type DynamoDbLink = AwsConnection<DynamoDbSdk, DynamoDBClient, DynamoDbCall>;

/** Connects to DynamoDB. */
export const dynamoDbLink: AwsService<DynamoDbSdk, DynamoDBClient, DynamoDbCall> = awsService({
  errors: DYNAMODB_ERRORS,
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
  createClient: (sdk, config) => new sdk.DynamoDBClient(config as DynamoDBClientConfig),
});

/** Sends a command about one table. */
export function callDynamoDb<T>(
  link: DynamoDbLink,
  call: DynamoDbCall,
  send: AwsSend<DynamoDbSdk, DynamoDBClient, T>,
  signal?: AbortSignal,
): Promise<T> {
  return link.call(call, send, { signal });
}

/** Sends a conditional write. Resolves to false if the condition does not hold. */
export async function ifHolds(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (classifyAwsError(error).name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}
