import { isGoldKeyError } from '../../core/index.js';
import { UsageError } from '../errors.js';
import { result, tell, type CliIo } from '../io.js';
import { clientConfigOf, type StoreOptions } from '../options/store-options.js';
import { masterKeyFile } from '../options/store.js';

/** The options of `create-key`. */
export interface CreateKeyOptions extends StoreOptions {
  alias?: string | undefined;
  json?: boolean | undefined;
}

/** Makes the master key, in KMS or in a file. A second run finds the first one's. */
export async function createKey(io: CliIo, options: CreateKeyOptions): Promise<void> {
  const file = masterKeyFile(options);
  const { alias, region } = options;
  if (file !== undefined) {
    if (alias !== undefined) throw new UsageError('--alias is for KMS: it cannot go with --local.');
    await createLocal(io, file, options.json);
    return;
  }
  if (alias === undefined) throw new UsageError('--alias is required, e.g. --alias alias/gold-api-keys.');
  const { createKmsKey } = await import('../../providers/kms/create-key.js');
  const { arn, created, orphan } = await createKmsKey({ alias, region, clientConfig: clientConfigOf(io, options) });
  result(io, options.json, { arn, alias, created }, () => arn);
  tell(
    io,
    created ? `Created the KMS key of ${alias}.` : `The KMS key of ${alias} is there already: nothing was done.`,
  );
  if (orphan !== undefined) {
    tell(
      io,
      `Another run was faster. Delete the unused key this one made: aws kms schedule-key-deletion --key-id ${orphan}`,
    );
  }
}

async function createLocal(io: CliIo, path: string, json: boolean | undefined): Promise<void> {
  const { createMasterKey, localCipher } = await import('../../providers/local/index.js');
  let created = true;
  try {
    await createMasterKey(path);
  } catch (error) {
    if (!isGoldKeyError(error) || (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST') throw error;
    created = false;
    // A file of that name is there; whether it is a master key shows when it is used.
    await localCipher({ masterKeyFile: path, encryptionContext: {} }).encrypt('a probe, not a key');
  }
  result(io, json, { masterKeyFile: path, created }, () => path);
  tell(
    io,
    created
      ? 'Created the master key (mode 0600). Back it up where the ciphertexts are not; never commit it.'
      : 'The master key is there already: nothing was done.',
  );
}
