import { KeyProviderError } from '../../core/index.js';
import { isStaleCas } from './errors.js';
import { VAULT } from './failures.js';
import { vaultLink } from './connection.js';
import { vaultPath } from './options.js';

interface Stored {
  readonly data?: { readonly data?: object | null; readonly metadata?: { readonly version?: number } | null };
}

/** Writes a key into a field of a KV v2 secret, as its next version; the other fields stay. */
export async function writeToVault(mount: string, path: string, field: string | undefined, key: string): Promise<void> {
  const link = vaultLink('copy', {});
  const at = `${vaultPath('mount', mount)}/data/${vaultPath('path', path)}`;
  try {
    const { body: found } = await link.request({ method: 'GET', path: at, what: 'the read of the secret' });
    const { data, metadata } = (found as Stored | undefined)?.data ?? {};
    const fields = Object.keys(data ?? {});
    const name = field ?? (fields.length === 1 ? fields[0] : undefined) ?? 'key';
    const body = { options: { cas: metadata?.version ?? 0 }, data: { ...data, [name]: key } };
    const answer = await link.request({ method: 'POST', path: at, body, what: 'the write of the key', accept: [400] });
    if (answer.status < 400) return;
    throw new KeyProviderError(
      isStaleCas(answer)
        ? 'Somebody else wrote the secret in Vault just now: nothing was written; run it again.'
        : 'Vault answered the write of the key with status 400: the mount must be a KV secrets engine of version 2.',
      { provider: VAULT, retryable: false },
    );
  } finally {
    link.close();
  }
}
