import { isGoldKeyError } from '../../core/index.js';
import { printResult, tell, type CliIo } from '../io.js';
import { getMasterKeyFile, type CommandOptions } from '../options/command-options.js';
import { buildAwsSettings } from '../options/network.js';
import { ALIAS, requireAll } from '../options/required.js';
import { showProgress } from '../spinner.js';

/** Creates the master key, in KMS or in a file. A second run finds the key of the first. */
export async function createKey(io: CliIo, options: CommandOptions): Promise<void> {
  const masterKeyFile = getMasterKeyFile(options);
  const { alias = '', json } = options;
  if (masterKeyFile !== undefined) {
    const created = await createOrCheckFile(masterKeyFile);
    printResult(io, json, { masterKeyFile, created }, masterKeyFile);
    const done = 'Created the master key (mode 0600). Back it up apart from the ciphertexts; never commit it.';
    tell(io, created ? done : 'The master key is there already: nothing was done.');
    return;
  }
  if (alias === '') requireAll([ALIAS]);
  const { createKmsKey } = await import('../../providers/kms/create-key.js');
  const creating = createKmsKey({ alias, ...(await buildAwsSettings(io, options)) });
  const { arn, created, orphan } = await showProgress(io, 'creating the KMS key', creating);
  printResult(io, json, { arn, alias, created }, arn);
  const found = `The KMS key of ${alias} is there already: nothing was done.`;
  tell(io, created ? `Created the KMS key of ${alias}.` : found);
  if (orphan !== undefined) {
    const command = `aws kms schedule-key-deletion --key-id ${orphan}`;
    tell(io, `Another run created the alias first. Delete the unused key of this run: ${command}`);
  }
}

/** Creates the master-key file; resolves to false if there is a usable one already. */
async function createOrCheckFile(masterKeyFile: string): Promise<boolean> {
  const { createMasterKey, localCipher } = await import('../../providers/local/index.js');
  try {
    await createMasterKey(masterKeyFile);
    return true;
  } catch (error) {
    if (!isGoldKeyError(error) || (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST') throw error;
    // Only use tells whether the existing file holds a master key.
    await localCipher({ masterKeyFile, encryptionContext: {} }).encrypt('a probe', { raw: true });
    return false;
  }
}
