import { systemClock } from '../../core/index.js';
import { createAzureClient } from './client.js';
import { checkAzureOptions } from './options.js';

/** How long the write may take, the search for credentials included, in ms. */
const TIMEOUT_MS = 30_000;

/** Writes a key as the newest version of a secret; creates a secret that does not exist. */
export async function writeToAzure(vaultUrl: string, secretName: string, key: string): Promise<void> {
  const client = createAzureClient(checkAzureOptions('copy', { vaultUrl, secretName }));
  try {
    const limits = { signal: AbortSignal.timeout(TIMEOUT_MS), clock: systemClock };
    await client.call({ permission: 'set', secretName }, limits, (sdkClient) => sdkClient.setSecret(secretName, key));
  } finally {
    client.close();
  }
}
