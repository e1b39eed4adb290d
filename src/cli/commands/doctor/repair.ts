import { isQuotable, type EncryptionContext } from '../../../core/index.js';
import { isQuotablePath } from '../../../util/quote-path.js';
import type { CommandOptions } from '../../options/command-options.js';

/** The options of a command that repairs something, in the order in which they are printed. */
const OPTIONS = {
  ring: '--ring',
  name: '--name',
  store: '--store',
  local: '--local',
  masterKey: '--master-key',
  keyId: '--key-id',
  encryptionContext: '--encryption-context',
  ciphertext: '--ciphertext',
  ciphertextFile: '--ciphertext-file',
  region: '--region',
  profile: '--profile',
  mfaSerial: '--mfa-serial',
  endpointUrl: '--endpoint-url',
  dangerouslyAllowHttp: '--dangerously-allow-http',
} as const satisfies Partial<Record<keyof CommandOptions, string>>;

type Name = keyof typeof OPTIONS;
const MASTER_KEY: readonly Name[] = ['local', 'masterKey', 'keyId', 'region', 'profile', 'mfaSerial', 'endpointUrl'];

/** The options that the commands take which the repairs name. */
const TAKEN: Readonly<Record<string, readonly Name[]>> = {
  'goldkey create-key': ['local', 'masterKey', 'region', 'profile', 'mfaSerial', 'endpointUrl', 'dangerouslyAllowHttp'],
  'goldkey doctor': Object.keys(OPTIONS) as Name[],
  'goldkey encrypt': [...MASTER_KEY, 'encryptionContext', 'dangerouslyAllowHttp'],
  'goldkey policy': [
    'store',
    'keyId',
    'region',
    'profile',
    'mfaSerial',
    'endpointUrl',
    'ring',
    'name',
    'encryptionContext',
  ],
  'goldkey put': ['store', 'region', 'profile', 'mfaSerial', 'endpointUrl', 'dangerouslyAllowHttp'],
  'goldkey rotate': [...MASTER_KEY, 'ring', 'name', 'encryptionContext', 'dangerouslyAllowHttp'],
  'aws kms': ['keyId', 'region', 'profile', 'endpointUrl'],
};

/**
 * Returns a command line with those of the options that its command takes. A value that could be a secret is not repeated: an
 * ellipsis stands in its place.
 */
export function formatCommand(words: string, options: CommandOptions): string {
  const taken = TAKEN[words.split(' ', 2).join(' ')] ?? [];
  const parts = (Object.keys(OPTIONS) as Name[]).flatMap((name) => {
    const value = options[name];
    if (!taken.includes(name) || value === undefined || value === false) return [];
    return value === true ? [OPTIONS[name]] : [OPTIONS[name], formatValue(name, value)];
  });
  return [words, ...parts].join(' ');
}

/** Returns the command that stores the key anew where the options keep it. */
export function formatStoring(options: CommandOptions): string {
  const { ring, store } = options;
  if (ring !== undefined) return formatCommand('goldkey rotate stage', options);
  return formatCommand(store === undefined ? 'goldkey encrypt' : 'goldkey put', options);
}

/** Returns a value for a shell. */
export function quoteForShell(text: string): string {
  return /^[\w./:@%+,=-][\w./:@%+,=#-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Returns the URL's origin, which names no user and no password. */
function formatOrigin(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '…';
}

function formatValue(name: Name, value: string | EncryptionContext): string {
  if (typeof value !== 'string') return formatContext(value);
  if (name === 'ciphertext') return '…';
  if (name === 'endpointUrl') return formatOrigin(value);
  const isPath = name === 'masterKey' || name === 'ciphertextFile' || (name === 'ring' && !value.includes('://'));
  const hasPassword = URL.canParse(value) && new URL(value).password !== '';
  const isShown = value.startsWith('alias/') || (isPath ? isQuotablePath(value) : isQuotable(value) && !hasPassword);
  return isShown ? quoteForShell(value) : '…';
}

function formatContext(context: EncryptionContext): string {
  const pairs = Object.entries(context);
  if (pairs.length === 0) return "'{}'";
  if (!pairs.flat().every((text) => isQuotable(text))) return '…';
  const isPlain = pairs.flat().every((text) => text !== '' && !/[,={]/.test(text) && text.trim() === text);
  return quoteForShell(isPlain ? pairs.map((pair) => pair.join('=')).join(',') : JSON.stringify(context));
}
