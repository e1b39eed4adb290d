import { KeyProviderError } from '../../core/index.js';
import { createVaultClient } from './connection.js';
import { VAULT } from './errors.js';
import { openKvSecret, selectField } from './kv.js';
import { encodePath } from './options.js';

/** Writes `key` into a field of a KV v2 secret as its next version. The other fields stay. */
export async function writeToVault(mount: string, path: string, field: string | undefined, key: string): Promise<void> {
  const client = createVaultClient('copy', {});
  const secret = openKvSecret(client, encodePath('mount', mount), encodePath('path', path), 'the secret');
  try {
    const found = await secret.read();
    const fields = found.state === 'live' ? found.fields : {};
    if (await secret.write({ ...fields, [selectField(fields, field)]: key }, found.version ?? 0)) return;
    throw new KeyProviderError(
      'The secret in Vault was changed by another writer; nothing was written. Run it again.',
      { provider: VAULT, retryable: false },
    );
  } finally {
    await client.close();
  }
}
