import {
  checkAnswer,
  computeFingerprint,
  encodeKey,
  isLoopback,
  KeyedClient,
  zeroAnswer,
  type KeyCipher,
  type KeyProvider,
  type KeyStatus,
} from '../../core/index.js';
import { CommandError, UsageError } from '../errors.js';
import { canPrompt } from '../input/prompt.js';
import type { CliIo } from '../io.js';
import {
  getMasterKeyFile,
  listMissingOfCipher,
  listMissingOfCiphertext,
  readCiphertextSource,
  requireContext,
  type CommandOptions,
} from './command-options.js';
import { buildAwsSettings, openNetwork } from './network.js';
import { requireAll } from './required.js';
import { openRing } from './ring-url.js';

/** A key as loaded from a store. The caller zeroes `bytes`. */
export type StoredKey = Pick<KeyStatus, 'version' | 'fingerprint' | 'createdAt'> & { readonly bytes: Uint8Array };

/** The functions for one kind of store. */
interface Store {
  /** `version` is the value of --key-version; where it is absent, the store cannot be asked for one. */
  open(url: StoreUrl, version?: string): Promise<KeyProvider>;
  readonly hasVersions?: true;
  /** Absent where a key cannot be written. */
  write?(url: StoreUrl, key: string): Promise<void>;
  /** Present where the store encrypts; `open` then decrypts a ciphertext. */
  cipher?(url: StoreUrl): Promise<KeyCipher>;
}

const STORES: ReadonlyMap<string, Store> = new Map(
  Object.entries<Store>({
    vault: {
      hasVersions: true,
      async open({ location, field, network }, version) {
        const { fromVault } = await import('../../providers/vault/index.js');
        const stages =
          version === undefined ? undefined : { current: /^\d+$/.test(version) ? Number(version) : version };
        return fromVault({ ...(await network()), ...location, field, stages });
      },
      async write({ location: { mount, path }, field, network }, key) {
        const { writeToVault } = await import('../../providers/vault/write.js');
        await writeToVault({ mount, path, field }, key, await network());
      },
    },
    'vault-transit': {
      async open({ location: { mount, path: keyName }, options, io, network }) {
        const { fromVaultTransit } = await import('../../providers/vault/index.js');
        const ciphertext = await readCiphertextSource(io, options);
        const { encryptionContext } = options;
        return fromVaultTransit({ ...(await network()), mount, keyName, ciphertext, encryptionContext });
      },
      async cipher({ location: { mount, path: keyName }, options, network }) {
        const { transitCipher } = await import('../../providers/vault/index.js');
        return transitCipher({ ...(await network()), mount, keyName, encryptionContext: requireContext(options) });
      },
    },
    'secrets-manager': {
      open: async ({ name: secretId, field, aws }) =>
        (await import('../../providers/secrets-manager/index.js')).fromSecretsManager({
          secretId,
          field,
          ...(await aws()),
        }),
      write: async ({ name, field, aws }, key) =>
        (await import('../../providers/secrets-manager/write.js')).writeToSecretsManager(name, field, key, await aws()),
    },
    ssm: {
      hasVersions: true,
      async open({ name, aws }, version) {
        const { fromSsm } = await import('../../providers/ssm/index.js');
        const labels = version === undefined ? undefined : { current: version };
        return fromSsm({ name, labels, ...(await aws()) });
      },
      write: async ({ name, aws }, key) =>
        (await import('../../providers/ssm/write.js')).writeToSsm(name, key, await aws()),
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

/** Opens the cipher that the options name: a store by its URL, which `flag` holds, a master-key file or a KMS key. */
export async function openCipher(io: CliIo, options: CommandOptions, flag = '--store'): Promise<KeyCipher> {
  const { keyId = '', store } = options;
  requireAll(listMissingOfCipher(options));
  if (store !== undefined) return findUse('cipher', store, flag)(parseUrl(io, store, options));
  const encryptionContext = requireContext(options);
  const masterKeyFile = getMasterKeyFile(options);
  if (masterKeyFile !== undefined) {
    const { localCipher } = await import('../../providers/local/index.js');
    return localCipher({ masterKeyFile, encryptionContext });
  }
  const { kmsCipher } = await import('../../providers/kms/index.js');
  return kmsCipher({ keyId, encryptionContext, ...(await buildAwsSettings(io, options)) });
}

/**
 * Opens the key store that the options name: a ring, a store by its URL, which `flag` holds, or one ciphertext. `version` is
 * the one to read in place of the current one.
 */
export async function openStore(
  io: CliIo,
  options: CommandOptions,
  { flag = '--store', version }: { flag?: string; version?: string | undefined } = {},
): Promise<KeyProvider> {
  const { keyId, ring, store } = options;
  if (ring !== undefined) {
    requireAll(listMissingOfCipher(options));
    const { fromKeyRing } = await import('../../rotation/index.js');
    const opened = await openRing(io, options);
    return fromKeyRing({ ...opened, cipher: await openCipher(io, options), pinnedVersion: version });
  }
  if (version !== undefined && (store === undefined || STORES.get(splitUrl(store).scheme)?.hasVersions !== true)) {
    throw new UsageError('--key-version needs --ring, or a --store that begins with vault:// or ssm://.');
  }
  if (store !== undefined) {
    if (isCipherUrl(store)) requireAll(listMissingOfCiphertext(io, options));
    return findUse('open', store, flag)(parseUrl(io, store, options), version);
  }
  requireAll(listMissingOfCiphertext(io, options));
  const encryptionContext = requireContext(options);
  const masterKeyFile = getMasterKeyFile(options);
  const ciphertext = await readCiphertextSource(io, options);
  if (masterKeyFile !== undefined) {
    const { fromLocal } = await import('../../providers/local/index.js');
    return fromLocal({ masterKeyFile, ciphertext, encryptionContext });
  }
  const { fromKms } = await import('../../providers/kms/index.js');
  return fromKms({ ciphertext, encryptionContext, keyId, ...(await buildAwsSettings(io, options)) });
}

/** Returns the version to try: that of --key-version, or for a ring that of GOLD_API_KEY_VERSION, as services take it. */
export function chooseVersion({ env }: CliIo, { keyVersion, ring }: CommandOptions): string | undefined {
  const variable = env['GOLD_API_KEY_VERSION']?.trim() ?? '';
  return keyVersion ?? (ring === undefined || variable === '' ? undefined : variable);
}

/** Throws unless the version that was loaded is the one that was asked for: clients go on with another one. */
export function checkVersion(loaded: string | undefined, asked: string | undefined, ring: string | undefined): void {
  if (asked === undefined || ring === undefined || loaded === asked) return;
  throw new CommandError(
    'The ring has no live key of that --key-version or GOLD_API_KEY_VERSION; `npx goldkey rotate status` lists its versions.',
  );
}

/** Throws unless a key can be written to the store at `url`, the value of --store. */
export function checkWritable(url: string): void {
  findUse('write', url, '--store');
}

/** Writes a key to the store at `url`, the value of `flag`. */
export async function writeKeyTo(
  io: CliIo,
  { url, flag }: { url: string; flag: string },
  key: string,
  options: CommandOptions,
): Promise<void> {
  await findUse('write', url, flag)(parseUrl(io, url, options), key);
}

/** Loads the current key through a client, so that it is checked like any other, and closes the store. */
export async function loadStoredKey(io: CliIo, keyProvider: KeyProvider, options: CommandOptions): Promise<StoredKey> {
  const keyTimeout = chooseKeyTimeout(io, options);
  await using client = new KeyedClient({ keyProvider, keyTimeout, timeout: keyTimeout });
  const bytes = await client.withKey(({ bytes: held }) => Promise.resolve(held.slice()));
  const { version, fingerprint, createdAt } = client.status();
  return { bytes, version, fingerprint, createdAt };
}

/** Loads the key of each stage that has one, and closes the store. */
export async function loadLiveKeys(io: CliIo, store: KeyProvider, options: CommandOptions): Promise<StoredKey[]> {
  const signal = AbortSignal.timeout(chooseKeyTimeout(io, options));
  const keys: StoredKey[] = [];
  try {
    for (const stage of ['current', 'pending', 'previous'] as const) {
      const answer = checkAnswer(await store.load({ stage, signal }), { provider: store.name });
      if (answer === undefined || 'unchanged' in answer) continue;
      const bytes = encodeKey(answer.bytes, { provider: store.name });
      zeroAnswer(answer);
      keys.push({ bytes, version: answer.version, fingerprint: computeFingerprint(bytes) });
    }
  } finally {
    await store.close?.();
  }
  if (keys.length === 0) throw new CommandError('The store holds no key: check what the options name.');
  return keys;
}

/** Returns how long loading a key may take, in ms: two minutes where the user may have to type an MFA code. */
export function chooseKeyTimeout(io: CliIo, { local }: CommandOptions): number {
  return local !== true && canPrompt(io) ? 120_000 : 10_000;
}

/** Tells whether the store at `url` encrypts a key instead of keeping it. */
export function isCipherUrl(url: string): boolean {
  return STORES.get(splitUrl(url).scheme)?.cipher !== undefined;
}

function findUse<Use extends 'open' | 'write' | 'cipher'>(use: Use, url: string, flag: string): Required<Store>[Use] {
  const found: Partial<Store> = STORES.get(splitUrl(url).scheme) ?? {};
  if (found[use] !== undefined) return found[use] as Required<Store>[Use];
  // `copy --to` takes a store that encrypts, too.
  const uses: (keyof Store)[] = use === 'write' && flag === '--to' ? ['write', 'cipher'] : [use];
  const fitting = [...STORES].filter(([, store]) => uses.some((name) => store[name] !== undefined));
  const list = new Intl.ListFormat('en', { type: 'disjunction' }).format(fitting.map(([scheme]) => `${scheme}://`));
  throw new UsageError(`${flag} must start with ${list}${use === 'cipher' ? ' to encrypt a key' : ''}.`);
}

type StoreUrl = ReturnType<typeof parseUrl>;

/** Parses the URL of a store. A getter throws if its part is missing. */
function parseUrl(io: CliIo, url: string, options: CommandOptions) {
  const { scheme, path, field } = splitUrl(url);
  return {
    io,
    options,
    aws: () => buildAwsSettings(io, options),
    network: () => openNetwork(io, options),
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
      return parseAzureSecret(url);
    },
  };
}

/** Parses `azure-key-vault://host/secret`: the address of the vault, and the secret in it. */
export function parseAzureSecret(url: string): { readonly vaultUrl: string; readonly secretName: string } {
  const { scheme, path } = splitUrl(url);
  const [, host, secretName] = /^([A-Za-z0-9.:[\]-]+)\/([^/]+)$/.exec(path) ?? [];
  const address = `https://${host ?? ''}`;
  // Checked first: the parser's error quotes the address, which may be a key.
  if (secretName === undefined || !URL.canParse(address))
    throw new UsageError(`${scheme}://… must name a vault and a secret.`);
  // A stand-in on this machine has no certificate.
  const protocol = isLoopback(new URL(address).hostname) ? 'http' : 'https';
  return { vaultUrl: `${protocol}://${host}`, secretName };
}

function splitUrl(url: string): { scheme: string; path: string; field: string | undefined } {
  const [, scheme = '', rest = ''] = /^([a-z-]+):\/\/(.*)$/s.exec(url) ?? [];
  const [path = '', field] = rest.split('#', 2);
  return { scheme, path, field };
}
