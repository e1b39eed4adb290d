import { systemClock } from '../../core/index.js';
import type { AwsLinkOptions } from '../../aws/client.js';
import { callSsm, ssmLink } from './client.js';

/** Writes a key as the next version of a SecureString parameter; creates a parameter that does not exist. */
export async function writeToSsm(name: string, key: string, options: AwsLinkOptions): Promise<void> {
  const link = ssmLink(options);
  try {
    await callSsm(
      link,
      { operation: 'PutParameter', name },
      (sdk, client, http) =>
        client.send(
          new sdk.PutParameterCommand({ Name: name, Value: key, Type: 'SecureString', Overwrite: true }),
          http,
        ),
      { signal: undefined, clock: systemClock, retries: 0 },
    );
  } finally {
    await link.close();
  }
}
