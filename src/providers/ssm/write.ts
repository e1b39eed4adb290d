import type { AwsConnectionOptions } from '../../aws/client.js';
import { connectToSsm } from './client.js';

/** Writes a key as the next version of a SecureString parameter; creates a parameter that does not exist. */
export async function writeToSsm(name: string, key: string, options: AwsConnectionOptions): Promise<void> {
  const connection = connectToSsm(options);
  try {
    await connection.call(
      { operation: 'PutParameter', name },
      (sdk, client, http) =>
        client.send(
          new sdk.PutParameterCommand({ Name: name, Value: key, Type: 'SecureString', Overwrite: true }),
          http,
        ),
      // A retry after a lost answer would make another version.
      { retries: 0 },
    );
  } finally {
    await connection.close();
  }
}
