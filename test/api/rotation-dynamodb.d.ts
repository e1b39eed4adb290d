import type { RingStore } from 'goldkey/rotation';

export interface DynamoDbRingOptions extends AwsConnectionOptions {
  tableName: string;
  name: string;
}

export declare function dynamoDbRing(options: DynamoDbRingOptions): RingStore;

interface AwsConnectionOptions {
  region?: string | undefined;
  client?: object | undefined;
  clientConfig?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}
