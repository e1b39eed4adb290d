import {
  checkOptionNames,
  invalidRange,
  invalidType,
  isSecureTransport,
  describeType,
  checkString,
} from '../../core/index.js';

// The public options, apart from the code that uses the SDK: these declarations must resolve without the SDK.

/** Options of `fromAzureKeyVault`. */
export interface FromAzureKeyVaultOptions {
  /** The vault's address, e.g. `https://gold.vault.azure.net`; required. `http:` is for a stand-in on loopback only. */
  vaultUrl: string;
  /** The secret's name without a version: 1 to 127 letters, digits and hyphens; required. */
  secretName: string;
  /**
   * The caller's `TokenCredential`, which keeps its own retries. Default: a `DefaultAzureCredential` of `@azure/identity`,
   * which is loaded only then. Cannot be combined with `client`.
   */
  credential?: object | undefined;
  /**
   * The caller's `SecretClient` for this vault: it keeps its own retries and timeouts and is never closed here. Default:
   * a client made here, with a request timeout of 2,000 ms.
   */
  client?: object | undefined;
}

/** Checked options. */
export type CheckedAzureOptions = Readonly<Omit<FromAzureKeyVaultOptions, 'vaultUrl'> & { vaultUrl: URL }>;

/** Returns a checked copy of the options of `caller`. No message shows a value: it may be the key in the wrong option. */
export function checkAzureOptions(caller: string, options: FromAzureKeyVaultOptions): CheckedAzureOptions {
  checkOptionNames(caller, options, ['vaultUrl', 'secretName', 'credential', 'client']);
  const vaultUrl = checkVaultUrl(checkString('vaultUrl', options.vaultUrl));
  const secretName = checkString('secretName', options.secretName);
  if (!/^[0-9A-Za-z-]{1,127}$/.test(secretName)) {
    throw invalidRange('`secretName` must be 1 to 127 letters, digits and hyphens, without a version.');
  }
  const { credential, client } = options;
  if (credential !== undefined && client !== undefined) {
    throw invalidType('`client` has its own credential; give either `client` or `credential`.');
  }
  if (credential !== undefined && !hasMethods(credential, ['getToken'])) {
    throw invalidType(`\`credential\` must be a TokenCredential with \`getToken\`, got ${describeType(credential)}.`);
  }
  if (client !== undefined) checkClient(client, vaultUrl);
  return Object.freeze({ vaultUrl, secretName, credential, client });
}

function checkVaultUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw invalidRange('`vaultUrl` must be an absolute URL, e.g. https://gold.vault.azure.net.');
  }
  const url = new URL(text);
  if (!isSecureTransport(url)) {
    throw invalidRange('`vaultUrl` must be an https URL, or an http URL on loopback.');
  }
  if (url.href !== `${url.origin}/`) {
    throw invalidRange('`vaultUrl` must be the address of the vault only; the secret goes into `secretName`.');
  }
  return url;
}

function checkClient(client: unknown, vaultUrl: URL): void {
  if (!hasMethods(client, ['getSecret', 'listPropertiesOfSecretVersions'])) {
    throw invalidType(`\`client\` must be a SecretClient, got ${describeType(client)}.`);
  }
  const own = (client as { vaultUrl?: unknown }).vaultUrl;
  // Which of two vaults was meant cannot be known.
  if (typeof own === 'string' && URL.canParse(own) && new URL(own).origin !== vaultUrl.origin) {
    throw invalidRange('`vaultUrl` must be the vault of `client`.');
  }
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  const methods = value as Readonly<Record<string, unknown>> | null;
  return typeof methods === 'object' && methods !== null && names.every((name) => typeof methods[name] === 'function');
}
