import { KeyedClient, type KeyProvider } from '../../core/index.js';
import { CommandError, UsageError, type Secrets } from '../errors.js';
import { result, tell, type CliIo } from '../io.js';
import type { KeyOptions } from '../options/store-options.js';
import { cipherAt, storeAt, writeTo } from '../options/store-url.js';
import { cipherOf, keyTimeoutOf, providerOf } from '../options/store.js';

/** The options of `copy`. */
export interface CopyOptions extends KeyOptions {
  from?: string | undefined;
  to?: string | undefined;
  json?: boolean | undefined;
}

interface Taken {
  readonly bytes: Uint8Array;
  readonly version: string | undefined;
  readonly fingerprint: string | undefined;
}

/** Moves a key from one store to another, and reads it back there. It is never shown. */
export async function copy(io: CliIo, options: CopyOptions, secrets: Secrets): Promise<void> {
  const { from, to, json } = options;
  const named = options.ring !== undefined || options.ciphertext !== undefined || options.ciphertextFile !== undefined;
  if (from === undefined && !named) throw new UsageError('--from is required: a store, or --ring, or --ciphertext.');
  if (from === undefined && to === undefined) throw new UsageError('--to is required.');
  // What stands for KMS or a master key belongs to the side that no URL names.
  const bare = { ...options, store: undefined };
  const elsewhere = { ...bare, local: undefined, masterKey: undefined };
  const source = from === undefined ? await providerOf(io, bare) : await storeAt(io, from, elsewhere, '--from');
  const taken = await keyOf(io, source, options);
  const { bytes, fingerprint } = taken;
  const key = Buffer.from(bytes).toString('latin1');
  secrets.add(key);
  try {
    if (to === undefined || to.startsWith('vault-transit:')) {
      const cipher = to === undefined ? await cipherOf(io, bare) : await cipherAt(to, bare, '--to');
      try {
        const { ciphertext, keyId } = await cipher.encrypt(bytes);
        same(bytes, await cipher.decrypt(ciphertext));
        result(io, json, { ciphertext, keyId, fingerprint }, () => ciphertext);
      } finally {
        await cipher.close?.();
      }
    } else {
      await writeTo(io, to, key, elsewhere);
      const arrived = await keyOf(io, await storeAt(io, to, elsewhere, '--to'), options);
      same(bytes, arrived.bytes);
      const { version } = arrived;
      result(
        io,
        json,
        { fingerprint, version },
        () => `copied  ${String(fingerprint)}, there it is ${String(version)}`,
      );
    }
    tell(io, 'The key was read back where it is now, and is the same. Where it was it still is.');
  } finally {
    bytes.fill(0);
  }
}

async function keyOf(io: CliIo, keyProvider: KeyProvider, options: CopyOptions): Promise<Taken> {
  const keyTimeout = keyTimeoutOf(io, options);
  await using client = new KeyedClient({ keyProvider, keyTimeout, timeout: keyTimeout });
  const bytes = await client.withKey(({ bytes: held }) => Promise.resolve(held.slice()));
  const { version, fingerprint } = client.status();
  return { bytes, version, fingerprint };
}

/** Zeroes what was read back. */
function same(given: Uint8Array, back: Uint8Array): void {
  const isSame = Buffer.compare(given, back) === 0;
  back.fill(0);
  if (!isSame) throw new CommandError('What was read back is another key: check who else writes there.');
}
