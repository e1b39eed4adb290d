import type { AwsConnectionOptions } from '../../aws/client.js';
import { checkString, KeyProviderError } from '../../core/index.js';
import { AWS_KMS } from '../shared/kms/errors.js';
import { checkKeyId } from '../shared/kms/key-id.js';
import { connectToKms } from './client.js';
import { describeKmsKey } from './dry-run.js';

/** Options of {@link findKeyArn}. */
export interface FindKeyOptions extends AwsConnectionOptions {
  /** ARN, id or alias of the key. */
  keyId: string;
  signal?: AbortSignal | undefined;
}

/** Returns the ARN of a KMS key, which needs kms:DescribeKey. Internal: for the command line. */
export async function findKeyArn(options: FindKeyOptions): Promise<string> {
  const { signal } = options;
  const keyId = checkString('keyId', checkKeyId(options.keyId));
  const connection = connectToKms(options);
  try {
    const { Arn: arn } = await describeKmsKey({ connection, keyId }, signal);
    if (arn !== undefined) return arn;
    throw new KeyProviderError("AWS KMS answered DescribeKey without the key's ARN.", { provider: AWS_KMS });
  } finally {
    await connection.close();
  }
}
