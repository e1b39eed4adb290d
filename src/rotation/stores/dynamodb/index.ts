/**
 * A key ring in Amazon DynamoDB, on `@aws-sdk/client-dynamodb`: `import { dynamoDbRing } from 'goldkey/rotation/dynamodb'`.
 *
 * @module
 */
export { dynamoDbRing } from './ring.js';
export type { AwsConnectionOptions } from '../../../aws/client.js';
export type { DynamoDbRingOptions } from './ring.js';
