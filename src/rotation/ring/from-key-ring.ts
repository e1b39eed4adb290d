import {
  checkOptionNames,
  getFreshUntil,
  invalidType,
  KeyNotFoundError,
  KeyProviderError,
  describeType,
  type KeyProvider,
  type LoadRequest,
  type Rollout,
  type Stage,
} from '../../core/index.js';
import { decryptVersion } from './decrypt-version.js';
import { compareVersionNames, findVersion } from './document.js';
import { checkRingSource, readRing, type RingSource } from './read-ring.js';
import { recordRejection } from './record-rejection.js';
import { References } from './reference-count.js';
import type { KeyRingDocument, KeyRingOptions } from './types.js';
import { parsePin, type Pin } from './version-pin.js';

/** The provider name of key rings in errors, events and metrics. */
const KEY_RING = 'key-ring';

/**
 * A key store over a key ring, with all three stages: `current`, `pending` for the ring's share of clients, and
 * `previous` as a last resort until it is retired.
 *
 * A version is decrypted once per `ttl`, not once per stage. A ring that is missing, damaged, in a newer format or older
 * than one already read fails the load with a retryable error, so that the cached key stays in use. With a store that
 * sends change notices (files, Redis) a fleet reloads within a jittered second; with others it reloads after `ttl`.
 *
 * @param options - the ring, its name, and the only ciphers that are accepted; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes the ring store and the ciphers
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such ring (retryable), or it does not have
 * `pinnedVersion`
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: the ring is invalid or older than one already
 * read, or its store is down
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: a version is under another master key or
 * EncryptionContext, was encrypted for another ring, or does not hold the key that its fingerprint names
 *
 * @example
 * ```ts
 * import { GoldDataClient } from 'goldkey';
 * import { pinnedVersion } from 'goldkey/env';
 * import { kmsCipher } from 'goldkey/kms';
 * import { metalsApi } from 'goldkey/prices';
 * import { fileRing, fromKeyRing } from 'goldkey/rotation';
 *
 * const gold = new GoldDataClient({
 *   keyProvider: fromKeyRing({
 *     ring: fileRing('/etc/gold/ring.json'),
 *     name: 'gold',
 *     cipher: kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext: { service: 'gold-data-stream' } }),
 *     pinnedVersion: pinnedVersion(),
 *   }),
 *   ...metalsApi(),
 * });
 * ```
 */
export function fromKeyRing(options: KeyRingOptions): KeyProvider {
  checkOptionNames('fromKeyRing', options, ['ring', 'name', 'cipher', 'pinnedVersion', 'reportRejections']);
  const source = checkRingSource(options);
  const reader = new RingReader(source, parsePin(options.pinnedVersion));
  const { reportRejections = false } = options;
  if (typeof reportRejections !== 'boolean') {
    throw invalidType(`\`reportRejections\` must be a boolean, got ${describeType(reportRejections)}.`);
  }
  const { store, ciphers } = source;
  const subscribe = store.subscribe?.bind(store);
  const references = new References([store, ...ciphers]);
  references.acquire();
  return {
    name: KEY_RING,
    load(request) {
      references.acquire();
      return reader.load(request);
    },
    rollout: ({ signal }) => reader.rollout(signal),
    ...(reportRejections && {
      report: ({ version }: { version: string }) => recordRejection(source, version, reader.rolloutId),
    }),
    ...(subscribe !== undefined && {
      subscribe: (onChange: (change: { version?: string | undefined }) => void) => subscribe(() => onChange({})),
    }),
    close: () => references.release(),
  };
}

/** Reads the ring for the clients of one provider. */
class RingReader {
  readonly #source: RingSource;
  readonly #pin: Pin;
  /** The ring of the last load of `current`: the rollout that is read after it must be of the same revision. */
  #ring: KeyRingDocument | undefined;
  /** The highest revision read. */
  #revision = 0;
  #rolloutId: string | undefined;
  /** The version last served for each stage. */
  readonly #served = new Map<Stage, string>();

  constructor(source: RingSource, pin: Pin) {
    this.#source = source;
    this.#pin = pin;
  }

  /** The id of the canary that this provider's clients follow. */
  get rolloutId(): string | undefined {
    return this.#rolloutId;
  }

  async load(request: LoadRequest): ReturnType<KeyProvider['load']> {
    const { stage, signal, known } = request;
    if (stage === 'current') this.#ring = undefined;
    const ring = await this.#read(signal);
    if (stage === 'current') this.#ring = ring;
    const pinned = this.#pin.name;
    // At every stage: another stage's key must not hide that the pin names nothing.
    if (pinned !== undefined && findVersion(ring, pinned) === undefined) throw unknownPin(pinned, ring);
    const name = this.#pin.versionFor(stage, ring);
    const version = findVersion(ring, name);
    if (name === undefined || version === undefined) {
      this.#served.delete(stage);
      return undefined;
    }
    if (version.ciphertext === undefined) {
      throw new KeyNotFoundError(
        `Version ${name} of the key ring \`${ring.name}\` is ${version.state}: it has no key.`,
        { provider: KEY_RING, version: name },
      );
    }
    // A known key that moves to another stage, or is not due yet, keeps its expiry. One that is due is decrypted again:
    // otherwise a revocation of the master key would never take effect.
    if (known?.includes(name) === true) {
      const isMoving = this.#served.get(stage) !== name;
      const expiresAt = isMoving ? undefined : getFreshUntil(request);
      if (isMoving || expiresAt !== undefined) {
        this.#served.set(stage, name);
        return { unchanged: true, version: name, expiresAt };
      }
    }
    const bytes = await decryptVersion(this.#source, name, version, signal);
    this.#served.set(stage, name);
    const createdAt = Date.parse(version.createdAt);
    return { bytes, version: name, ...(Number.isNaN(createdAt) ? {} : { createdAt }) };
  }

  async rollout(signal: AbortSignal): Promise<Rollout> {
    const ring = this.#ring ?? (await this.#read(signal));
    this.#rolloutId = ring.rollout?.id;
    return this.#pin.rolloutFor(ring);
  }

  async #read(signal: AbortSignal): Promise<KeyRingDocument> {
    const { store, name } = this.#source;
    const revisionBefore = this.#revision;
    const found = await readRing(this.#source, signal);
    if (found === undefined) {
      // Retryable: the ring may come back, and a cached key stays in use meanwhile.
      throw new KeyNotFoundError(`There is no key ring \`${name}\` in the store; make one with \`init\`.`, {
        provider: store.name,
        retryable: true,
      });
    }
    const { ring } = found;
    if (ring.revision < this.#revision && store.allowsOlderRevision?.() !== true) {
      // Not older than when this read began: a read that began later was only faster.
      if (ring.revision >= revisionBefore) return this.#read(signal);
      throw new KeyProviderError(
        `The key ring \`${ring.name}\` is at revision ${String(ring.revision)}, but revision ${String(this.#revision)} was read before; the store answers from an outdated copy.`,
        { provider: store.name },
      );
    }
    this.#revision = ring.revision;
    return ring;
  }
}

function unknownPin(name: string, ring: KeyRingDocument): KeyNotFoundError {
  const names = Object.keys(ring.versions).toSorted(compareVersionNames).join(', ');
  return new KeyNotFoundError(
    `\`pinnedVersion\` names ${JSON.stringify(name.slice(0, 64))}, which the key ring \`${ring.name}\` does not have; it has ${names}.`,
    { provider: KEY_RING },
  );
}
