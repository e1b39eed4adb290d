import * as dynamodb from '@aws-sdk/client-dynamodb';

/** The parts of the AWS SDK for DynamoDB that are used. */
export type DynamoDbSdk = Pick<
  typeof dynamodb,
  'DynamoDBClient' | 'BatchGetItemCommand' | 'GetItemCommand' | 'UpdateItemCommand'
>;

/**
 * Names what is used, so that bundlers leave out the rest. This file is imported lazily, and imports no other of ours,
 * because esbuild would wrap them all. Getters, because a test's stand-in for the package may lack some.
 */
export const sdk: DynamoDbSdk = {
  get DynamoDBClient() {
    return dynamodb.DynamoDBClient;
  },
  get BatchGetItemCommand() {
    return dynamodb.BatchGetItemCommand;
  },
  get GetItemCommand() {
    return dynamodb.GetItemCommand;
  },
  get UpdateItemCommand() {
    return dynamodb.UpdateItemCommand;
  },
};
