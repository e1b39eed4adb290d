import { KeyProviderError, type EncryptionContext } from '../../core/index.js';
import type { PriceApiName } from '../../prices/apis/names.js';
import { UsageError } from '../errors.js';
import { canPrompt, promptHidden } from '../input/prompt.js';
import { readTextFile } from '../input/read-key.js';
import type { CliIo } from '../io.js';

/** The options of all commands, as commander names them. A command sets only those that it declares. */
export interface CommandOptions {
  json?: boolean | undefined;
  verbose?: boolean | undefined;
  // The master key or the key store.
  keyId?: string | undefined;
  alias?: string | undefined;
  region?: string | undefined;
  profile?: string | undefined;
  endpointUrl?: string | undefined;
  local?: boolean | undefined;
  masterKey?: string | undefined;
  store?: string | undefined;
  encryptionContext?: EncryptionContext | undefined;
  // The stored key, or the file of a new one.
  ciphertext?: string | undefined;
  ciphertextFile?: string | undefined;
  ring?: string | undefined;
  name?: string | undefined;
  keyFile?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  // The price API; `watch` in ms.
  api?: PriceApiName | undefined;
  apiUrl?: string | undefined;
  watch?: number | undefined;
  // A step of a rotation; times in ms.
  keyVersion?: string | undefined;
  revision?: number | undefined;
  force?: boolean | undefined;
  percent?: number | undefined;
  overlap?: number | undefined;
  cutover?: boolean | undefined;
  unused?: number | undefined;
  maxAge?: number | undefined;
  metadata?: Record<string, string> | undefined;
  // An audit log.
  chainKeyFile?: string | undefined;
  // What is searched for a key; `maxFileSize` in bytes.
  git?: boolean | undefined;
  staged?: boolean | undefined;
  stdin?: boolean | undefined;
  exclude?: readonly string[] | undefined;
  maxFileSize?: number | undefined;
  followSymlinks?: boolean | undefined;
  all?: boolean | undefined;
  keepGoing?: boolean | undefined;
  sarif?: string | undefined;
}

/** Returns the master-key file of `--local`, `undefined` without `--local`. */
export function getMasterKeyFile({ local, masterKey }: CommandOptions): string | undefined {
  if ((local === true) === (masterKey !== undefined)) return masterKey;
  throw new UsageError(local === true ? '--local needs --master-key FILE.' : '--master-key needs --local.');
}

/** Returns the configuration of an AWS client. It holds only what was given, so that the SDK's defaults apply to the rest. */
export function buildClientConfig(io: CliIo, { profile, endpointUrl }: CommandOptions): Record<string, unknown> {
  return {
    ...(profile !== undefined && { profile }),
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    // The SDK's default credential chain calls this for a profile with `mfa_serial`.
    async mfaCodeProvider(serial: string): Promise<string> {
      if (canPrompt(io)) return promptHidden(io, `MFA code of ${serial}: `);
      // A goldkey error, because a store passes those on unchanged.
      throw new KeyProviderError(`The profile asks for an MFA code of ${serial}: run the command on a terminal.`, {
        retryable: false,
      });
    },
  };
}

/** Returns the EncryptionContext, which has no default. */
export function requireContext({ encryptionContext }: CommandOptions): EncryptionContext {
  if (encryptionContext !== undefined) return encryptionContext;
  throw new UsageError(
    "--encryption-context is required, e.g. --encryption-context service=gold-data-stream ('{}' for none).",
  );
}

/** Returns the ciphertext; for a file, a function that reads it at each load, so that a replaced ciphertext is found. */
export async function readCiphertextSource(options: CommandOptions): Promise<string | (() => Promise<string>)> {
  const { ciphertext, ciphertextFile } = options;
  if (ciphertext !== undefined) return ciphertext.trim();
  if (ciphertextFile === undefined) throw new UsageError('--ciphertext TEXT or --ciphertext-file FILE is required.');
  const read = async (): Promise<string> => (await readTextFile('--ciphertext-file', ciphertextFile)).trim();
  // A first read: an error here comes from the option, not from the store.
  await read();
  return () =>
    read().catch((error: unknown) => {
      // Retryable: while the file is being replaced, the cached key stays in use.
      throw new KeyProviderError((error as Error).message, { provider: 'file' });
    });
}
