import { systemClock } from '../../core/index.js';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { orAbsent } from '../../aws/failures.js';
import { ABSENT, callSecretsManager, secretsManagerLink } from './client.js';
import { SECRETS_MANAGER } from './errors.js';
import { withKeyInField } from './secret-value.js';

/** Writes a key as the current version of a secret, or into a field of its JSON; a secret that is not there is made. */
export async function writeToSecretsManager(
  secretId: string,
  field: string | undefined,
  key: string,
  options: AwsConnectionOptions,
): Promise<void> {
  const link = secretsManagerLink(options);
  const how = { signal: undefined, clock: systemClock };
  // A write that may have been done is not sent again: each makes a version.
  const once = { ...how, retries: 0 };
  try {
    const found = await callSecretsManager(
      link,
      { operation: 'GetSecretValue', secretId },
      (sdk, client, http) => orAbsent(client.send(new sdk.GetSecretValueCommand({ SecretId: secretId }), http), ABSENT),
      how,
    );
    const text =
      field === undefined
        ? key
        : withKeyInField(found?.SecretString ?? '{}', field, key, { provider: SECRETS_MANAGER });
    await callSecretsManager<unknown>(
      link,
      { operation: found === undefined ? 'CreateSecret' : 'PutSecretValue', secretId },
      (sdk, client, http) =>
        found === undefined
          ? client.send(new sdk.CreateSecretCommand({ Name: secretId, SecretString: text }), http)
          : client.send(new sdk.PutSecretValueCommand({ SecretId: secretId, SecretString: text }), http),
      once,
    );
  } finally {
    await link.close();
  }
}
