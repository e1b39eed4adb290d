import { isLoopback, type KeyCipher, type KeyProvider } from '../../core/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import { buildClientConfig, readCiphertextSource, requireContext, type CommandOptions } from './command-options.js';

/** The functions for one kind of store. */
interface Store {
  open(url: StoreUrl): Promise<KeyProvider>;
  /** Absent where `copy` cannot write a key. */
  write?(url: StoreUrl, key: string): Promise<void>;
  /** Present where the store encrypts; `open` then decrypts a ciphertext. */
  cipher?(url: StoreUrl): Promise<KeyCipher>;
}

const STORES: ReadonlyMap<string, Store> = new Map(
  Object.entries<Store>({
    vault: {
      open: async ({ location, field }) =>
        (await import('../../providers/vault/index.js')).fromVault({ ...location, field }),
      write: async ({ location: { mount, path }, field }, key) =>
        (await import('../../providers/vault/write.js')).writeToVault(mount, path, field, key),
    },
    'vault-transit': {
      async open({ location: { mount, path: keyName }, options }) {
        const { fromVaultTransit } = await import('../../providers/vault/index.js');
        const ciphertext = await readCiphertextSource(options);
        return fromVaultTransit({ mount, keyName, ciphertext, encryptionContext: options.encryptionContext });
      },
      async cipher({ location: { mount, path: keyName }, options }) {
        const { transitCipher } = await import('../../providers/vault/index.js');
        return transitCipher({ mount, keyName, encryptionContext: requireContext(options) });
      },
    },
    'secrets-manager': {
      open: async ({ name: secretId, field, aws }) =>
        (await import('../../providers/secrets-manager/index.js')).fromSecretsManager({ secretId, field, ...aws }),
      write: async ({ name, field, aws }, key) =>
        (await import('../../providers/secrets-manager/write.js')).writeToSecretsManager(name, field, key, aws),
    },
    ssm: {
      open: async ({ name, aws }) => (await import('../../providers/ssm/index.js')).fromSsm({ name, ...aws }),
      write: async ({ name, aws }, key) => (await import('../../providers/ssm/write.js')).writeToSsm(name, key, aws),
    },
    'azure-key-vault': {
      open: async ({ secret }) => (await import('../../providers/azure-key-vault/index.js')).fromAzureKeyVault(secret),
      write: async ({ secret: { vaultUrl, secretName } }, key) =>
        (await import('../../providers/azure-key-vault/write.js')).writeToAzure(vaultUrl, secretName, key),
    },
    file: {
      open: async ({ name }) => (await import('../../providers/file/index.js')).fromFile({ path: name, watch: false }),
      write: async ({ name }, key) => (await import('../../providers/file/write.js')).writeToFile(name, key),
    },
    env: {
      open: async ({ name }) => (await import('../../providers/env/index.js')).fromEnvironment(name),
    },
  }),
);

/** Opens the key store at `url`, the value of `flag`. */
export async function openStoreAt(
  io: CliIo,
  url: string,
  options: CommandOptions,
  flag = '--store',
): Promise<KeyProvider> {
  return findUse('open', url, flag)(parseUrl(io, url, options));
}

/** Opens the cipher of the store at `url`, the value of `flag`. */
export async function openCipherAt(
  io: CliIo,
  url: string,
  options: CommandOptions,
  flag = '--store',
): Promise<KeyCipher> {
  return findUse('cipher', url, flag)(parseUrl(io, url, options));
}

/** Writes a key to the store at `url`, the value of `--to`. */
export async function writeKeyTo(io: CliIo, url: string, key: string, options: CommandOptions): Promise<void> {
  await findUse('write', url, '--to')(parseUrl(io, url, options), key);
}

/** Tells whether the store at `url` encrypts a key instead of keeping it. */
export function isCipherUrl(url: string): boolean {
  return STORES.get(splitUrl(url).scheme)?.cipher !== undefined;
}

function findUse<Use extends keyof Store>(use: Use, url: string, flag: string): Required<Store>[Use] {
  const found: Partial<Store> = STORES.get(splitUrl(url).scheme) ?? {};
  if (found[use] !== undefined) return found[use] as Required<Store>[Use];
  // `copy --to` takes a store that encrypts, too.
  const uses: (keyof Store)[] = use === 'write' ? ['write', 'cipher'] : [use];
  const fitting = [...STORES].filter(([, store]) => uses.some((name) => store[name] !== undefined));
  const list = new Intl.ListFormat('en', { type: 'disjunction' }).format(fitting.map(([scheme]) => `${scheme}://`));
  throw new UsageError(`${flag} must start with ${list}${use === 'cipher' ? ' to encrypt a key' : ''}.`);
}

type StoreUrl = ReturnType<typeof parseUrl>;

/** Parses the URL of a store. A getter throws if its part is missing. */
function parseUrl(io: CliIo, url: string, options: CommandOptions) {
  const { scheme, path, field } = splitUrl(url);
  return {
    options,
    aws: { region: options.region, clientConfig: buildClientConfig(io, options) },
    /** The field that holds the key, after `#`. */
    field: field === '' ? undefined : field,
    get name() {
      if (path !== '') return path;
      throw new UsageError(`${scheme}:// must be followed by a name, a path or an id.`);
    },
    /** The mount and path of Vault. */
    get location() {
      const [, mount, rest] = /^([^/]+)\/(.+)$/.exec(path) ?? [];
      if (mount !== undefined && rest !== undefined) return { mount, path: rest };
      throw new UsageError(`${scheme}://… must name a mount and a path.`);
    },
    /** The vault and secret of Azure Key Vault. */
    get secret() {
      const [, host, secretName] = /^([A-Za-z0-9.:[\]-]+)\/([^/]+)$/.exec(path) ?? [];
      if (host === undefined || secretName === undefined)
        throw new UsageError(`${scheme}://… must name a vault and a secret.`);
      // A stand-in on this machine has no certificate.
      const protocol = isLoopback(new URL(`https://${host}`).hostname) ? 'http' : 'https';
      return { vaultUrl: `${protocol}://${host}`, secretName };
    },
  };
}

function splitUrl(url: string): { scheme: string; path: string; field: string | undefined } {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(url) ?? [];
  const [path = '', field] = rest.split('#', 2);
  return { scheme, path, field };
}
