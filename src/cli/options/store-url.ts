import { isLoopback, type KeyCipher, type KeyProvider } from '../../core/index.js';
import { UsageError } from '../errors.js';
import type { CliIo } from '../io.js';
import {
  ciphertextSourceOf,
  clientConfigOf,
  contextOf,
  type CiphertextOptions,
  type StoreOptions,
} from './store-options.js';

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
    const { fromVault } = await import('../../providers/vault/index.js');
    return fromVault({ ...mountAndPath('vault', path), field });
  },
  async 'vault-transit'({ path }, _, options) {
    const { mount, path: keyName } = mountAndPath('vault-transit', path);
    const { fromVaultTransit } = await import('../../providers/vault/index.js');
    const ciphertext = await ciphertextSourceOf(options);
    return fromVaultTransit({ mount, keyName, ciphertext, encryptionContext: options.encryptionContext });
  },
  async 'secrets-manager'({ path, field }, io, options) {
    const { fromSecretsManager } = await import('../../providers/secrets-manager/index.js');
    return fromSecretsManager({ secretId: needed('secrets-manager', path), field, ...aws(io, options) });
  },
  async ssm({ path }, io, options) {
    const { fromSsm } = await import('../../providers/ssm/index.js');
    return fromSsm({ name: needed('ssm', path), ...aws(io, options) });
  },
  async 'azure-key-vault'({ path }) {
    const { fromAzureKeyVault } = await import('../../providers/azure-key-vault/index.js');
    return fromAzureKeyVault(vaultAndSecret(path));
  },
  async file({ path }) {
    const { fromFile } = await import('../../providers/file/index.js');
    return fromFile({ path: needed('file', path), watch: false });
  },
  async env({ path }) {
    const { fromEnvironment } = await import('../../providers/env/index.js');
    return fromEnvironment(needed('env', path));
  },
};

/** The cipher that `--store` names by its URL: of the stores only Vault's transit engine encrypts. */
export async function cipherAt(text: string, options: StoreOptions, flag = '--store'): Promise<KeyCipher> {
  const [, path] = /^vault-transit:\/\/(.*)$/s.exec(text) ?? [];
  if (path === undefined) throw new UsageError(`${flag} must be vault-transit://mount/key where a key is encrypted.`);
  const { mount, path: keyName } = mountAndPath('vault-transit', path);
  const { transitCipher } = await import('../../providers/vault/index.js');
  return transitCipher({ mount, keyName, encryptionContext: contextOf(options) });
}

/** The key store that `--store` names by its URL. */
export async function storeAt(io: CliIo, text: string, options: Options, flag = '--store'): Promise<KeyProvider> {
  const { scheme, place } = placeOf(text);
  const open = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (open === undefined) throw wrongScheme(flag, STORES);
  return open(place, io, options);
}

type Write = (place: Place, key: string, io: CliIo, options: Options) => Promise<void>;

const WRITERS: Readonly<Record<string, Write>> = {
  async vault({ path: text, field }, key) {
    const { mount, path } = mountAndPath('vault', text);
    const { writeToVault } = await import('../../providers/vault/write.js');
    await writeToVault(mount, path, field, key);
  },
  async 'secrets-manager'({ path, field }, key, io, options) {
    const { writeToSecretsManager } = await import('../../providers/secrets-manager/write.js');
    await writeToSecretsManager(needed('secrets-manager', path), field, key, aws(io, options));
  },
  async ssm({ path }, key, io, options) {
    const { writeToSsm } = await import('../../providers/ssm/write.js');
    await writeToSsm(needed('ssm', path), key, aws(io, options));
  },
  async 'azure-key-vault'({ path }, key) {
    const { vaultUrl, secretName } = vaultAndSecret(path);
    const { writeToAzure } = await import('../../providers/azure-key-vault/write.js');
    await writeToAzure(vaultUrl, secretName, key);
  },
  async file({ path }, key) {
    const { writeToFile } = await import('../../providers/file/write.js');
    await writeToFile(needed('file', path), key);
  },
};

/** Writes a key to the store that `--to` names by its URL. */
export async function writeTo(io: CliIo, text: string, key: string, options: Options): Promise<void> {
  const { scheme, place } = placeOf(text);
  const write = Object.hasOwn(WRITERS, scheme) ? WRITERS[scheme] : undefined;
  if (write === undefined) throw wrongScheme('--to', { ...WRITERS, 'vault-transit': undefined });
  await write(place, key, io, options);
}

function placeOf(text: string): { scheme: string; place: Place } {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(text) ?? [];
  const [path = '', field] = rest.split('#', 2);
  return { scheme, place: { path, field: field === '' ? undefined : field } };
}

function wrongScheme(flag: string, schemes: object): UsageError {
  return new UsageError(`${flag} must start with one of ${Object.keys(schemes).join('://, ')}://.`);
}

function vaultAndSecret(path: string): { vaultUrl: string; secretName: string } {
  const [, host, secretName] = /^([A-Za-z0-9.:[\]-]+)\/([^/]+)$/.exec(path) ?? [];
  if (host === undefined || secretName === undefined) {
    throw new UsageError('azure-key-vault://… must name a vault and a secret.');
  }
  // A stand-in on this machine has no certificate.
  const protocol = isLoopback(new URL(`https://${host}`).hostname) ? 'http' : 'https';
  return { vaultUrl: `${protocol}://${host}`, secretName };
}

function mountAndPath(scheme: string, text: string): { mount: string; path: string } {
  const [, mount, path] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (mount === undefined || path === undefined) throw new UsageError(`${scheme}://… must name a mount and a path.`);
  return { mount, path };
}

function needed(scheme: string, path: string): string {
  if (path === '') throw new UsageError(`${scheme}://… must say which.`);
  return path;
}

function aws(io: CliIo, options: Options): { region: string | undefined; clientConfig: object } {
  return { region: options.region, clientConfig: clientConfigOf(io, options) };
}
