import {
  checkOptionNames,
  invalidRange,
  invalidType,
  isSecureTransport,
  describeType,
  checkString,
} from '../../core/index.js';

// The public options, apart from what uses the SDK: their declarations must resolve where it is not installed.

/** Options of `fromAzureKeyVault`. */
export interface FromAzureKeyVaultOptions {
  /** Where the vault is, e.g. `https://gold.vault.azure.net`. Over https; `http:` is for a stand-in on loopback only. */
  vaultUrl: string;
  /** The secret's name: 1 to 127 letters, digits and hyphens. */
  secretName: string;
  /**
   * The caller's `TokenCredential`, which keeps its own retries. Default: a `DefaultAzureCredential` of `@azure/identity`,
   * which is loaded only then. Not together with `client`.
   */
  credential?: object | undefined;
  /** The caller's `SecretClient` for this vault: it keeps its own retries and timeouts and is never closed here. */
  client?: object | undefined;
}

/** The options, checked once. */
export interface CheckedAzureOptions {
  readonly vaultUrl: URL;
  readonly secretName: string;
  readonly credential: object | undefined;
  readonly client: object | undefined;
}

const NAMES = ['vaultUrl', 'secretName', 'credential', 'client'];

/** Checks the options and keeps a copy. No value is in a message: it may be the key, put into the wrong option. */
export function checkAzureOptions(of: string, options: FromAzureKeyVaultOptions): CheckedAzureOptions {
  checkOptionNames(of, options, NAMES);
  const vaultUrl = checkVaultUrl(checkString('vaultUrl', options.vaultUrl));
  const secretName = checkString('secretName', options.secretName);
  if (!/^[0-9A-Za-z-]{1,127}$/.test(secretName)) {
    throw invalidRange('`secretName` must be 1 to 127 letters, digits and hyphens, without a version.');
  }
  const { credential, client } = options;
  if (credential !== undefined && client !== undefined) {
    throw invalidType('`client` brings its own credential; give either it or `credential`.');
  }
  if (credential !== undefined && !hasMethods(credential, ['getToken'])) {
    throw invalidType(`\`credential\` must be a TokenCredential with \`getToken\`, got ${describeType(credential)}.`);
  }
  if (client !== undefined) checkClient(client, vaultUrl);
  return Object.freeze({ vaultUrl, secretName, credential, client });
}

function checkVaultUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw invalidRange('`vaultUrl` must be an absolute URL, e.g. https://gold.vault.azure.net');
  }
  const url = new URL(text);
  if (!isSecureTransport(url)) {
    throw invalidRange('`vaultUrl` must be an https URL, or an http URL on loopback.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw invalidRange('`vaultUrl` must be the address of the vault alone; the secret goes into `secretName`.');
  }
  return url;
}

function checkClient(client: unknown, vaultUrl: URL): void {
  if (!hasMethods(client, ['getSecret', 'listPropertiesOfSecretVersions'])) {
    throw invalidType(`\`client\` must be a SecretClient, got ${describeType(client)}.`);
  }
  const own = (client as { vaultUrl?: unknown }).vaultUrl;
  // Two vaults in one configuration: whichever was meant, the other would be a surprise.
  if (typeof own === 'string' && URL.canParse(own) && new URL(own).origin !== vaultUrl.origin) {
    throw invalidRange('`vaultUrl` and the vault of `client` must not differ.');
  }
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  const methods = value as Readonly<Record<string, unknown>> | null;
  return typeof methods === 'object' && methods !== null && names.every((name) => typeof methods[name] === 'function');
}
