import { nodeCrypto } from '../../core/index.js';
import { KmsError } from './errors.js';
import { createAwsError } from './faults.js';

/** A symmetric key of the fake. */
export interface FakeKey {
  readonly id: string;
  readonly arn: string;
  readonly description: string;
  readonly multiRegion: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  /** 32 secret bytes. */
  readonly material: Uint8Array;
  /** 32 bytes that identify the key, its region included, in every ciphertext under it. */
  readonly marker: Buffer;
  /** 64 hex digits that identify the key's material. */
  readonly materialId: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** Epoch ms. */
  deletionAt?: number | undefined;
}

/** The account of every key: the one in AWS's documentation. */
const ACCOUNT = '111122223333';

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
    this.defaultKey = this.create('The default key of the fake KMS', false);
    this.reset();
  }

  /** Leaves the default key only, enabled, with its alias. Its material stays, so that its ciphertexts do too. */
  reset(): void {
    this.#keys.clear();
    this.defaultKey.state = 'Enabled';
    this.defaultKey.deletionAt = undefined;
    this.#add(this.defaultKey, this.defaultKey.id, this.defaultKey.arn);
    this.addAlias('alias/gold-api-keys', this.defaultKey);
  }

  /** Makes a key with random material. */
  create(description: string, multiRegion: boolean): FakeKey {
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
    this.#add(key, id, arn);
    return key;
  }

  /** Gives a key another name. Throws a KmsError if an alias has that name. */
  addAlias(name: string, key: FakeKey): void {
    const arn = `${this.#prefix}${name}`;
    if (this.#keys.has(arn))
      throw new KmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`);
    this.#add(key, name, arn);
  }

  /** Returns the key with this id, key ARN, alias name or alias ARN, or throws KMS's NotFoundException. */
  find(keyId: string, aliases = true): FakeKey {
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

  /** Returns the key with this id or key ARN, for an operation that changes it. Such operations take no alias. */
  findChangeable(keyId: string): FakeKey {
    const key = this.find(keyId, false);
    if (key.state === 'PendingDeletion') throw createAwsError('pending-deletion', key.arn);
    return key;
  }

  /** Returns the key whose ciphertexts carry this marker. */
  findByMarker(marker: Buffer): FakeKey | undefined {
    return [...this.#keys.values()].find((key) => key.marker.equals(marker));
  }

  #add(key: FakeKey, ...names: readonly string[]): void {
    for (const name of names) this.#keys.set(name, key);
  }
}

/** Returns the key, or throws the error that its state calls for. */
export function checkUsable(key: FakeKey): FakeKey {
  if (key.state === 'Enabled') return key;
  throw createAwsError(key.state === 'Disabled' ? 'disabled' : 'pending-deletion', key.arn);
}
