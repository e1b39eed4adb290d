import { systemClock } from '../../core/index.js';
import { azureLink, callAzure } from './client.js';
import { checkAzureOptions } from './options.js';

/** How long the write may take, the search for credentials included, in ms. */
const TIMEOUT = 30_000;

/** Writes a key as the newest version of a secret; one that is not there is made. */
export async function writeToAzure(vaultUrl: string, secretName: string, key: string): Promise<void> {
  const link = azureLink(checkAzureOptions('copy', { vaultUrl, secretName }));
  try {
    await callAzure(
      link,
      { what: 'the write of the key', secretName, permission: 'set' },
      { signal: AbortSignal.timeout(TIMEOUT), clock: systemClock },
      (client) => client.setSecret(secretName, key),
    );
  } finally {
    link.close();
  }
}
