import type { AwsConnectionOptions } from 'goldkey/kms';
import type { RingStore } from 'goldkey/rotation';

export { AwsConnectionOptions } from 'goldkey/kms';

export interface DynamoDbRingOptions extends AwsConnectionOptions {
  tableName: string;
  name: string;
}

export declare function dynamoDbRing(options: DynamoDbRingOptions): RingStore;
