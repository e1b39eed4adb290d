import { nodeCrypto } from '../../core/index.js';
import type { SealingKey } from './ciphertext.js';
import { disabled, KmsRefusal, notFound, pendingDeletion } from './errors.js';

/** One symmetric key of the fake. */
export interface FakeKey extends SealingKey {
  readonly id: string;
  readonly arn: string;
  readonly description: string;
  readonly multiRegion: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  /** 64 hex digits: which material of the key was used. */
  readonly materialId: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** Epoch ms. */
  deletionAt?: number | undefined;
}

/** The account all keys of the fake are in: AWS's own example. */
const ACCOUNT = '111122223333';
/** The alias of the default key. */
const DEFAULT_ALIAS = 'alias/gold-api-keys';

/** The keys and aliases of one fake region. */
export class FakeKeyStore {
  readonly defaultKey: FakeKey;
  readonly #prefix: string;
  readonly #keys = new Map<string, FakeKey>();
  readonly #aliases = new Map<string, FakeKey>();

  constructor(region: string) {
    this.#prefix = `arn:aws:kms:${region}:${ACCOUNT}:`;
    this.defaultKey = this.create({ description: 'The default key of the fake KMS', multiRegion: false });
    this.reset();
  }

  /** Only the default key, enabled, with its alias: what was encrypted under it stays readable. */
  reset(): void {
    this.#keys.clear();
    this.#aliases.clear();
    this.defaultKey.state = 'Enabled';
    this.defaultKey.deletionAt = undefined;
    this.#keys.set(this.defaultKey.id, this.defaultKey);
    this.#aliases.set(DEFAULT_ALIAS, this.defaultKey);
  }

  create({ description, multiRegion }: { description: string; multiRegion: boolean }): FakeKey {
    const id = multiRegion ? `mrk-${nodeCrypto().randomBytes(16).toString('hex')}` : nodeCrypto().randomUUID();
    const material = nodeCrypto().randomBytes(32);
    const key: FakeKey = {
      id,
      arn: `${this.#prefix}key/${id}`,
      description,
      multiRegion,
      createdAt: Date.now(),
      material,
      marker: nodeCrypto().createHash('sha256').update(id).digest(),
      materialId: nodeCrypto().createHash('sha256').update('material id').update(material).digest('hex'),
      state: 'Enabled',
    };
    this.#keys.set(id, key);
    return key;
  }

  addAlias(name: string, key: FakeKey): void {
    if (this.#aliases.has(name)) {
      const message = `An alias with the name ${this.#prefix}${name} already exists`;
      throw new KmsRefusal('AlreadyExistsException', message);
    }
    this.#aliases.set(name, key);
  }

  /** By id, key ARN, alias name or alias ARN; `aliases: false` for the operations that take no alias. */
  find(keyId: string, { aliases = true }: { aliases?: boolean } = {}): FakeKey {
    if (keyId.startsWith('arn:') && !keyId.startsWith(this.#prefix)) {
      const [, , , region = '', account] = keyId.split(':');
      throw notFound(account === ACCOUNT ? `Invalid arn ${region}` : `Key '${keyId}' does not exist`);
    }
    const name = keyId.startsWith(this.#prefix) ? keyId.slice(this.#prefix.length) : keyId;
    if (name.startsWith('alias/')) {
      if (!aliases) throw notFound(`Invalid keyId '${keyId}'`);
      const key = this.#aliases.get(name);
      if (key === undefined) throw notFound(`Alias ${this.#prefix}${name} is not found.`);
      return key;
    }
    // A bare `key/<id>` is no key id: only an ARN has that part.
    const key = this.#keys.get(name === keyId ? name : name.replace(/^key\//, ''));
    if (key === undefined) throw notFound(`Key '${this.#prefix}key/${name.replace(/^key\//, '')}' does not exist`);
    return key;
  }

  /** The key whose ciphertexts carry this marker. */
  byMarker(marker: Buffer): FakeKey | undefined {
    return [...this.#keys.values()].find((key) => key.marker.equals(marker));
  }
}

/** The key, or the refusal its state calls for. */
export function usable(key: FakeKey): FakeKey {
  if (key.state === 'Disabled') throw disabled(key.arn);
  if (key.state === 'PendingDeletion') throw pendingDeletion(key.arn);
  return key;
}
