import type { KeyCipher, KeyProvider } from '../core/index.js';
import { UsageError } from './failure.js';
import type { CliIo } from './io.js';
import { ciphertextOf, clientConfigOf, contextOf, type CiphertextOptions, type StoreOptions } from './store.js';

/** What follows the scheme of `--store`. */
interface Place {
  /** Without its query and its fragment. */
  readonly path: string;
  /** After `#`: the field that holds the key. */
  readonly field: string | undefined;
}

type Options = StoreOptions & CiphertextOptions;
type Open = (place: Place, io: CliIo, options: Options) => Promise<KeyProvider>;

const STORES: Readonly<Record<string, Open>> = {
  async vault({ path, field }) {
    const { fromVault } = await import('../vault.js');
    return fromVault({ ...mountAndPath('vault', path), field });
  },
  async 'vault-transit'({ path }, _, options) {
    const { mount, path: keyName } = mountAndPath('vault-transit', path);
    const { fromVaultTransit } = await import('../vault.js');
    const ciphertext = await ciphertextOf(options);
    return fromVaultTransit({ mount, keyName, ciphertext, encryptionContext: options.encryptionContext });
  },
  async 'secrets-manager'({ path, field }, io, options) {
    const { fromSecretsManager } = await import('../secrets-manager.js');
    return fromSecretsManager({ secretId: needed('secrets-manager', path), field, ...aws(io, options) });
  },
  async ssm({ path }, io, options) {
    const { fromSsm } = await import('../ssm.js');
    return fromSsm({ name: needed('ssm', path), ...aws(io, options) });
  },
  async 'azure-key-vault'({ path }) {
    const [, host, secretName] = /^([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (host === undefined || secretName === undefined) {
      throw new UsageError('--store azure-key-vault://… must name a vault and a secret.');
    }
    const { fromAzureKeyVault } = await import('../azure-key-vault.js');
    return fromAzureKeyVault({ vaultUrl: `https://${host}`, secretName });
  },
  async file({ path }) {
    const { fromFile } = await import('../file.js');
    return fromFile({ path: needed('file', path), watch: false });
  },
  async env({ path }) {
    const { fromEnvironment } = await import('../env.js');
    return fromEnvironment(needed('env', path));
  },
};

/** The cipher that `--store` names by its URL: of the stores only Vault's transit engine encrypts. */
export async function cipherAt(text: string, options: StoreOptions): Promise<KeyCipher> {
  const [, path] = /^vault-transit:\/\/(.*)$/s.exec(text) ?? [];
  if (path === undefined) throw new UsageError('--store must be vault-transit://mount/key where a key is encrypted.');
  const { mount, path: keyName } = mountAndPath('vault-transit', path);
  const { transitCipher } = await import('../vault.js');
  return transitCipher({ mount, keyName, encryptionContext: contextOf(options) });
}

/** The key store that `--store` names by its URL. */
export async function storeAt(io: CliIo, text: string, options: Options): Promise<KeyProvider> {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(text) ?? [];
  const open = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (open === undefined) {
    throw new UsageError(`--store must start with one of ${Object.keys(STORES).join('://, ')}://.`);
  }
  const [path = '', field] = rest.split('#', 2);
  return open({ path, field: field === '' ? undefined : field }, io, options);
}

function mountAndPath(scheme: string, text: string): { mount: string; path: string } {
  const [, mount, path] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (mount === undefined || path === undefined)
    throw new UsageError(`--store ${scheme}://… must name a mount and a path.`);
  return { mount, path };
}

function needed(scheme: string, path: string): string {
  if (path === '') throw new UsageError(`--store ${scheme}://… must say which.`);
  return path;
}

function aws(io: CliIo, options: Options): { region: string | undefined; clientConfig: object } {
  return { region: options.region, clientConfig: clientConfigOf(io, options) };
}
