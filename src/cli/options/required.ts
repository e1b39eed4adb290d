import { UsageError } from '../errors.js';

/** An option that a command needs, and an example of its value. */
export type RequiredOption = readonly [flag: string, example: string];

export const KEY_ID: RequiredOption = ['--key-id', 'alias/gold-api-keys'];
export const CONTEXT: RequiredOption = ['--encryption-context', "service=gold-data-stream ('{}' for none)"];
export const MASTER_KEY: RequiredOption = ['--master-key', 'gold.master-key'];
export const ALIAS: RequiredOption = ['--alias', 'alias/gold-api-keys'];
export const CIPHERTEXT: RequiredOption = ['--ciphertext-file', 'gold-key.txt'];
export const RING: RequiredOption = [
  '--ring',
  'gold.ring.json (or rediss://host/name, dynamodb://table/name, vault://mount/path)',
];
export const PERCENT: RequiredOption = ['--percent', '10'];
export const MAX_AGE: RequiredOption = ['--max-age', '90d'];
export const STORE: RequiredOption = ['--store', 'vault://secret/gold#api_key'];
export const TO: RequiredOption = ['--to', 'vault://secret/gold#api_key'];
export const TO_OR_CIPHER: RequiredOption = [
  TO[0],
  `${TO[1]} (or --key-id and --encryption-context, for a ciphertext)`,
];
export const FROM: RequiredOption = ['--from', 'secrets-manager://gold (or --ring, or --ciphertext-file)'];

/** Throws one error that names every missing option, each with an example of its value. */
export function requireAll(missing: readonly RequiredOption[]): void {
  if (missing.length === 0) return;
  const flags = new Intl.ListFormat('en').format(missing.map(([flag]) => flag));
  const verb = missing.length === 1 ? 'is' : 'are';
  const examples = missing.map((option) => option.join(' ')).join(', ');
  throw new UsageError(`${flags} ${verb} required, e.g. ${examples}.`);
}
