import { KeyProviderError } from '../../core/index.js';
import { createVaultClient } from './connection.js';
import { VAULT } from './errors.js';
import { API_KEY, openKvSecret, selectField } from './kv.js';
import { encodePath, type VaultConnection } from './options.js';

/** A field of a secret. */
interface Place {
  readonly mount: string;
  readonly path: string;
  /** Default: the only field there is, else `key`, else `api_key`. */
  readonly field: string | undefined;
}

/**
 * Writes `key` into a field of a KV v2 secret as its next version. The other fields stay, but for the time and the version
 * that belong to the field `api_key`.
 */
export async function writeToVault(
  { mount, path, field }: Place,
  key: string,
  options: VaultConnection = {},
): Promise<void> {
  const client = createVaultClient('copy', options);
  const secret = openKvSecret(client, encodePath('mount', mount), encodePath('path', path), 'the secret');
  try {
    const found = await secret.read();
    const fields = found.state === 'live' ? found.fields : {};
    const name = selectField(fields, field);
    const number = found.version ?? 0;
    // Those who read that layout without goldkey see by these two when the key was changed.
    const about = name === API_KEY ? { rotated_at: new Date().toISOString(), version: String(number + 1) } : {};
    if (await secret.write({ ...fields, ...about, [name]: key }, number)) return;
    throw new KeyProviderError(
      'The secret in Vault was changed by another writer; nothing was written. Run it again.',
      { provider: VAULT, retryable: false },
    );
  } finally {
    await client.close();
  }
}
