import { nodeCrypto } from '../../core/index.js';
import type { CipherKey } from './ciphertext.js';
import { disabledError, KmsError, pendingDeletionError } from './errors.js';

/** A symmetric key of the fake. */
export interface FakeKey extends CipherKey {
  readonly id: string;
  readonly arn: string;
  readonly description: string;
  readonly multiRegion: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  /** 64 hex digits that identify the key's material. */
  readonly materialId: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** Epoch ms. */
  deletionAt?: number | undefined;
}

/** The account of every key: the one in AWS's documentation. */
const ACCOUNT = '111122223333';
/** The alias of the default key. */
const DEFAULT_ALIAS = 'alias/gold-api-keys';

/** The keys and aliases of one fake region. */
export class FakeKeyStore {
  readonly defaultKey: FakeKey;
  readonly #region: string;
  readonly #prefix: string;
  /** The keys under their id, key ARN, alias names and alias ARNs. */
  readonly #keys = new Map<string, FakeKey>();

  constructor(region: string) {
    this.#region = region;
    this.#prefix = `arn:aws:kms:${region}:${ACCOUNT}:`;
    this.defaultKey = this.create({ description: 'The default key of the fake KMS', multiRegion: false });
    this.reset();
  }

  /** Leaves the default key only, enabled, with its alias. Its material stays, so that its ciphertexts do too. */
  reset(): void {
    this.#keys.clear();
    this.defaultKey.state = 'Enabled';
    this.defaultKey.deletionAt = undefined;
    for (const name of [this.defaultKey.id, this.defaultKey.arn]) this.#keys.set(name, this.defaultKey);
    this.addAlias(DEFAULT_ALIAS, this.defaultKey);
  }

  /** Makes a key with random material. */
  create({ description, multiRegion }: { description: string; multiRegion: boolean }): FakeKey {
    const { createHash, randomBytes, randomUUID } = nodeCrypto();
    const id = multiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID();
    const arn = `${this.#prefix}key/${id}`;
    const material = randomBytes(32);
    const key: FakeKey = {
      id,
      arn,
      description,
      multiRegion,
      createdAt: Date.now(),
      material,
      marker: createHash('sha256').update(arn).digest(),
      materialId: createHash('sha256').update('material id').update(material).digest('hex'),
      state: 'Enabled',
    };
    for (const name of [id, arn]) this.#keys.set(name, key);
    return key;
  }

  /** Gives a key another name. Throws a KmsError if an alias has that name. */
  addAlias(name: string, key: FakeKey): void {
    const arn = `${this.#prefix}${name}`;
    if (this.#keys.has(arn))
      throw new KmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`);
    for (const alias of [name, arn]) this.#keys.set(alias, key);
  }

  /**
   * Returns the key with this id, key ARN, alias name or alias ARN, or throws KMS's NotFoundException.
   * `aliases: false` is for the operations that take no alias.
   */
  find(keyId: string, { aliases = true }: { aliases?: boolean } = {}): FakeKey {
    const isAlias = /(^|:)alias\//.test(keyId);
    const key = this.#keys.get(keyId);
    if (key !== undefined && (aliases || !isAlias)) return key;
    const arn = keyId.startsWith('arn:') ? keyId : `${this.#prefix}${isAlias ? '' : 'key/'}${keyId}`;
    const [, , , region, account] = arn.split(':');
    let message = isAlias ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`;
    if (isAlias && !aliases) message = `Invalid keyId '${keyId}'`;
    if (account === ACCOUNT && region !== this.#region) message = `Invalid arn ${String(region)}`;
    throw new KmsError('NotFoundException', message);
  }

  /** Returns the key whose ciphertexts carry this marker. */
  findByMarker(marker: Buffer): FakeKey | undefined {
    return [...this.#keys.values()].find((key) => key.marker.equals(marker));
  }
}

/** Returns the key, or throws the error that its state calls for. */
export function checkUsable(key: FakeKey): FakeKey {
  if (key.state === 'Disabled') throw disabledError(key.arn);
  if (key.state === 'PendingDeletion') throw pendingDeletionError(key.arn);
  return key;
}
