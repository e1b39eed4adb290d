import * as kms from '@aws-sdk/client-kms';

/** The parts of the AWS SDK for KMS that are used. */
export type KmsSdk = Pick<
  typeof kms,
  'CreateAliasCommand' | 'CreateKeyCommand' | 'DecryptCommand' | 'DescribeKeyCommand' | 'EncryptCommand' | 'KMSClient'
>;

/**
 * Names what is used, so that bundlers leave out the rest. This file is imported lazily, and imports no other of ours,
 * because esbuild would wrap them all. Getters, because a test's stand-in for the package may lack some.
 */
export const sdk: KmsSdk = {
  get CreateAliasCommand() {
    return kms.CreateAliasCommand;
  },
  get CreateKeyCommand() {
    return kms.CreateKeyCommand;
  },
  get DecryptCommand() {
    return kms.DecryptCommand;
  },
  get DescribeKeyCommand() {
    return kms.DescribeKeyCommand;
  },
  get EncryptCommand() {
    return kms.EncryptCommand;
  },
  get KMSClient() {
    return kms.KMSClient;
  },
};
