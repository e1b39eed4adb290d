import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { awsService, type AwsService } from '../../../aws/client.js';
import { packageLoader } from '../../../util/load-package.js';
import { DYNAMODB, DYNAMODB_ERRORS, type DynamoDbCall } from './errors.js';
import type { DynamoDbSdk } from './sdk.js';

/** Connects to DynamoDB. */
export const connectToDynamoDb: AwsService<DynamoDbSdk, DynamoDBClient, DynamoDbCall> = awsService({
  errors: DYNAMODB_ERRORS,
  clientType: 'DynamoDBClient',
  load: packageLoader(
    {
      need: 'goldkey/rotation/dynamodb needs the AWS SDK for DynamoDB',
      name: '@aws-sdk/client-dynamodb',
      provider: DYNAMODB,
    },
    () => import('./sdk.js').then(({ sdk }) => sdk),
    import.meta.url,
  ),
  createClient: (sdk, config) => new sdk.DynamoDBClient(config as DynamoDBClientConfig),
});
