import type { AwsConnectionOptions } from '../../aws/client.js';
import { connectToSecretsManager } from './client.js';
import { getSecretValue, readText, replaceKey } from './secret-value.js';

/** Writes a key as the current version of a secret, or into a field of its JSON; creates a secret that does not exist. */
export async function writeToSecretsManager(
  secretId: string,
  field: string | undefined,
  key: string,
  options: AwsConnectionOptions,
): Promise<void> {
  const connection = connectToSecretsManager(options);
  try {
    const found = await getSecretValue(connection, { SecretId: secretId }, { isOptional: true });
    const text = field === undefined ? key : replaceKey((found && readText(found)) ?? '{}', field, key);
    await connection.call<unknown>(
      { operation: found === undefined ? 'CreateSecret' : 'PutSecretValue', secretId },
      (sdk, client, http) =>
        found === undefined
          ? client.send(new sdk.CreateSecretCommand({ Name: secretId, SecretString: text }), http)
          : client.send(new sdk.PutSecretValueCommand({ SecretId: secretId, SecretString: text }), http),
      // A write that may have been done is not sent again: each one makes a version.
      { retries: 0 },
    );
  } finally {
    await connection.close();
  }
}
