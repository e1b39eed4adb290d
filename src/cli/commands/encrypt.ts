import { KeyedClient } from '../../core/index.js';
import type { Secrets } from '../errors.js';
import { givenKey } from '../input/fixed-key.js';
import { result, styled, tell, type CliIo } from '../io.js';
import { readKey } from '../input/read-key.js';
import type { StoreOptions } from '../options/store-options.js';
import { cipherOf } from '../options/store.js';

/** The options of `encrypt`. */
export interface EncryptOptions extends StoreOptions {
  keyFile?: string | undefined;
  json?: boolean | undefined;
}

/** Encrypts a key and prints the ciphertext, which is safe in Git. */
export async function encrypt(io: CliIo, options: EncryptOptions, secrets: Secrets): Promise<void> {
  // Before anybody types a key: what is missing is missing anyway.
  const cipher = await cipherOf(io, options);
  try {
    const key = await checkedKey(await readKey(io, options.keyFile), secrets);
    const encrypted = await cipher.encrypt(key).finally(() => key.fill(0));
    const { ciphertext, keyId, encryptionContext, fingerprint } = encrypted;
    result(io, options.json, { ciphertext, keyId, encryptionContext, fingerprint }, () => ciphertext);
    if (io.stderr.isTTY === true) {
      const note = `The key with fingerprint ${fingerprint} is encrypted; the line above is safe in Git.`;
      tell(io, styled(io, 'stderr', 'dim', note));
    }
  } finally {
    await cipher.close?.();
  }
}

/** The bytes of a key that every client will accept; a bad one fails now, not at the first price. */
async function checkedKey(key: string, secrets: Secrets): Promise<Uint8Array> {
  secrets.add(key);
  await using client = new KeyedClient({ keyProvider: givenKey('input', key) });
  return await client.withKey(({ bytes }) => Promise.resolve(bytes.slice()));
}
