import * as secrets from '@aws-sdk/client-secrets-manager';

/** The parts of the AWS SDK for Secrets Manager that are used. */
export type SecretsManagerSdk = Pick<
  typeof secrets,
  | 'CreateSecretCommand'
  | 'DescribeSecretCommand'
  | 'GetSecretValueCommand'
  | 'PutSecretValueCommand'
  | 'SecretsManagerClient'
  | 'UpdateSecretVersionStageCommand'
>;

/**
 * Names what is used, so that bundlers leave out the rest. This file is imported lazily, and imports no other of ours,
 * because esbuild would wrap them all. Getters, because a test's stand-in for the package may lack some.
 */
export const sdk: SecretsManagerSdk = {
  get CreateSecretCommand() {
    return secrets.CreateSecretCommand;
  },
  get DescribeSecretCommand() {
    return secrets.DescribeSecretCommand;
  },
  get GetSecretValueCommand() {
    return secrets.GetSecretValueCommand;
  },
  get PutSecretValueCommand() {
    return secrets.PutSecretValueCommand;
  },
  get SecretsManagerClient() {
    return secrets.SecretsManagerClient;
  },
  get UpdateSecretVersionStageCommand() {
    return secrets.UpdateSecretVersionStageCommand;
  },
};
