import { KeyProviderError, type EncryptionContext } from '../../core/index.js';
import type { PriceApiName } from '../../prices/apis/names.js';
import type { PolicyFormat, PolicyRole } from '../commands/policy/names.js';
import { UsageError } from '../errors.js';
import { readTextFile } from '../input/read-key.js';
import type { CliIo } from '../io.js';
import { CIPHERTEXT, CONTEXT, KEY_ID, MASTER_KEY, requireAll, type RequiredOption } from './required.js';

/** The options of all commands, as commander names them. A command sets only those that it declares. */
export interface CommandOptions {
  json?: boolean | undefined;
  verbose?: boolean | undefined;
  // The master key or the key store.
  keyId?: string | undefined;
  alias?: string | undefined;
  region?: string | undefined;
  profile?: string | undefined;
  mfaSerial?: string | undefined;
  endpointUrl?: string | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
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
  envelope?: boolean | undefined;
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
  // The checks of `doctor`, beside `maxAge`.
  writer?: boolean | undefined;
  offline?: boolean | undefined;
  strict?: boolean | undefined;
  // A policy; `maxMfaAge` in ms.
  for?: PolicyRole | undefined;
  format?: PolicyFormat | undefined;
  principal?: readonly string[] | undefined;
  vpcEndpoint?: readonly string[] | undefined;
  sourceIp?: readonly string[] | undefined;
  requireMfa?: boolean | undefined;
  maxMfaAge?: number | undefined;
  reportUse?: boolean | undefined;
  // A search for a key; `maxFileSize` in bytes.
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

/** The environment variable that holds the ciphertext where no option does. */
const CIPHERTEXT_VARIABLE = 'GOLD_API_KEY_CIPHERTEXT';

/** Returns the master-key file of `--local`, `undefined` without `--local`. */
export function getMasterKeyFile({ local, masterKey }: CommandOptions): string | undefined {
  if (local !== true && masterKey !== undefined) throw new UsageError('--master-key needs --local.');
  if (lacksMasterKey({ local, masterKey })) requireAll([MASTER_KEY]);
  return masterKey;
}

function lacksMasterKey({ local, masterKey = '' }: CommandOptions): boolean {
  return local === true && masterKey === '';
}

/** Returns the options that a cipher lacks: of a store that encrypts, of a master-key file or of KMS. */
export function listMissingOfCipher(options: CommandOptions): RequiredOption[] {
  const { local, masterKey, store, keyId, encryptionContext } = options;
  const isMissing: readonly (readonly [boolean, RequiredOption])[] = [
    [lacksMasterKey(options), MASTER_KEY],
    [local !== true && masterKey === undefined && store === undefined && keyId === undefined, KEY_ID],
    [encryptionContext === undefined, CONTEXT],
  ];
  return isMissing.flatMap(([missing, option]) => (missing ? [option] : []));
}

/** Returns the options that one ciphertext lacks to be decrypted: by a master-key file or by KMS. */
export function listMissingOfCiphertext(io: CliIo, options: CommandOptions): RequiredOption[] {
  const { ciphertext, ciphertextFile, keyId = '' } = options;
  const isGiven = ciphertext !== undefined || ciphertextFile !== undefined || readVariable(io) !== '';
  // KMS finds the key by the ciphertext.
  return [...(isGiven ? [] : [CIPHERTEXT]), ...listMissingOfCipher({ ...options, keyId })];
}

function readVariable({ env }: CliIo): string {
  return env[CIPHERTEXT_VARIABLE]?.trim() ?? '';
}

/** Returns the EncryptionContext, which has no default. */
export function requireContext({ encryptionContext }: CommandOptions): EncryptionContext {
  if (encryptionContext === undefined) requireAll([CONTEXT]);
  return encryptionContext as EncryptionContext;
}

/** Returns the ciphertext; for a file, a function that reads it at each load, so that a replaced ciphertext is found. */
export async function readCiphertextSource(
  io: CliIo,
  options: CommandOptions,
): Promise<string | (() => Promise<string>)> {
  const { ciphertext, ciphertextFile } = options;
  if (ciphertext !== undefined) return ciphertext.trim();
  if (ciphertextFile === undefined) {
    const text = readVariable(io);
    if (text === '') requireAll([CIPHERTEXT]);
    return text;
  }
  const read = async (): Promise<string> => (await readTextFile('--ciphertext-file', ciphertextFile)).trim();
  // A first read: an error here comes from the option, not from the store.
  await read();
  return () =>
    read().catch((error: unknown) => {
      // Retryable: while the file is being replaced, the cached key stays in use.
      throw new KeyProviderError((error as Error).message, { provider: 'file' });
    });
}
