import * as ssm from '@aws-sdk/client-ssm';

/** The parts of the AWS SDK for Systems Manager that are used. */
export type SsmSdk = Pick<typeof ssm, 'GetParameterCommand' | 'PutParameterCommand' | 'SSMClient'>;

/**
 * Names what is used, so that bundlers leave out the rest. This file is imported lazily, and imports no other of ours,
 * because esbuild would wrap them all. Getters, because a test's stand-in for the package may lack some.
 */
export const sdk: SsmSdk = {
  get GetParameterCommand() {
    return ssm.GetParameterCommand;
  },
  get PutParameterCommand() {
    return ssm.PutParameterCommand;
  },
  get SSMClient() {
    return ssm.SSMClient;
  },
};
