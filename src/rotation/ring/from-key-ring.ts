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
import { FILE } from '../stores/file/errors.js';
import { openVersion } from './decrypt-version.js';
import { pinOf, type Pin } from './version-pin.js';
import { noRing, readRing, ringSource, type RingSource } from './read-ring.js';
import { recordRejection } from './record-rejection.js';
import { byName, versionOf } from './document.js';
import { Hold } from './reference-count.js';
import type { KeyRingDocument, KeyRingOptions } from './types.js';

/** The name of every key ring in errors, events and metrics. */
const KEY_RING = 'key-ring';

/**
 * A key store over a key ring: two live keys, a canary, a way back. It has all three stages: `current`, `pending` for
 * the share of clients that the ring's rollout says, and `previous` as a last resort until it is retired.
 *
 * One version is decrypted once per `ttl`, not once per stage. A ring that is missing, damaged, of a newer format or
 * older than one already seen fails the load as retryable, so that the key in use serves on. Where the store tells of
 * changes (files, Redis) a fleet reloads within a jittered second; elsewhere it asks as its `ttl` demands.
 *
 * @param options - the ring, its name, and the ciphers that alone are accepted; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes ring and ciphers
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such ring (retryable), or `pinnedVersion` is
 * not in it
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: the ring is invalid, older than one already
 * seen, or its store is down
 * @throws {KeyDecryptError} `ERR_GOLDKEY_DECRYPT`, by a load: a version is under another master key or
 * EncryptionContext, was made for another ring, or does not hold the key whose fingerprint it names
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
  const source = ringSource(options);
  const reader = new RingReader(source, pinOf(options.pinnedVersion));
  const { reportRejections = false } = options;
  if (typeof reportRejections !== 'boolean') {
    throw invalidType(`\`reportRejections\` must be a boolean, got ${describeType(reportRejections)}.`);
  }
  const { store, ciphers } = source;
  const hold = new Hold([store, ...ciphers]);
  hold.take();
  return {
    name: KEY_RING,
    load(request) {
      hold.take();
      return reader.load(request);
    },
    rollout: ({ signal }) => reader.rollout(signal),
    ...(reportRejections && {
      report: ({ version }: { version: string }) => recordRejection(source, version, reader.rolloutId),
    }),
    ...(store.subscribe !== undefined && {
      subscribe: async (onChange: (change: { version?: string | undefined }) => void) =>
        (await store.subscribe?.(() => {
          onChange({});
        })) ?? (() => Promise.resolve()),
    }),
    close: () => hold.release(),
  };
}

/** Reads the ring for one entry of keys, and remembers of it what must not be forgotten. */
class RingReader {
  readonly #source: RingSource;
  readonly #pin: Pin;
  /** The ring that the last load of `current` was decided on: its rollout belongs to that key. */
  #ring: KeyRingDocument | undefined;
  #revision = 0;
  #rolloutId: string | undefined;
  /** The version each stage was last served: what it is asked for again must be decrypted again. */
  readonly #served = new Map<Stage, string>();

  constructor(source: RingSource, pin: Pin) {
    this.#source = source;
    this.#pin = pin;
  }

  /** The canary that this reader's clients follow. */
  get rolloutId(): string | undefined {
    return this.#rolloutId;
  }

  async load(request: LoadRequest): ReturnType<KeyProvider['load']> {
    const { stage, signal, known } = request;
    if (stage === 'current') this.#ring = undefined;
    const ring = await this.#read(signal);
    if (stage === 'current') this.#ring = ring;
    const pinned = this.#pin.name;
    // Whatever the stage: a pin that means nothing must not pass unnoticed, because something else could be served.
    if (pinned !== undefined && versionOf(ring, pinned) === undefined) throw unknownPin(pinned, ring);
    const name = this.#pin.versionFor(stage, ring);
    const version = versionOf(ring, name);
    if (name === undefined || version === undefined) {
      this.#served.delete(stage);
      return undefined;
    }
    const { ciphertext } = version;
    if (ciphertext === undefined) {
      throw new KeyNotFoundError(
        `Version ${name} of the key ring \`${ring.name}\` is ${version.state}: it has no key.`,
        {
          provider: KEY_RING,
          version: name,
        },
      );
    }
    // Once per life: a key that changes stages, or is asked for before its time, goes on with the life it has. One whose
    // time has come is decrypted again, or a revocation at the master key would never take effect.
    if (known?.includes(name) === true) {
      const isMoving = this.#served.get(stage) !== name;
      const expiresAt = isMoving ? undefined : getFreshUntil(request);
      if (isMoving || expiresAt !== undefined) {
        this.#served.set(stage, name);
        return { unchanged: true, version: name, expiresAt };
      }
    }
    const bytes = await openVersion(this.#source, name, { ...version, ciphertext }, signal);
    this.#served.set(stage, name);
    const createdAt = Date.parse(version.createdAt);
    return { bytes, version: name, ...(Number.isNaN(createdAt) ? {} : { createdAt }) };
  }

  async rollout(signal: AbortSignal): Promise<Rollout> {
    const ring = this.#ring ?? (await this.#read(signal));
    this.#rolloutId = ring.rollout?.id;
    return this.#pin.rolloutOf(ring);
  }

  async #read(signal: AbortSignal): Promise<KeyRingDocument> {
    const { store } = this.#source;
    const seen = this.#revision;
    const found = await readRing(this.#source, signal);
    if (found === undefined) throw noRing(this.#source);
    const { ring } = found;
    // A replica that lags behind; a file may be taken back on purpose, with Git.
    if (ring.revision < this.#revision && store.name !== FILE) {
      // Or only an answer that was overtaken by one to a later question.
      if (ring.revision >= seen) return this.#read(signal);
      throw new KeyProviderError(
        `The key ring \`${ring.name}\` is at revision ${String(ring.revision)}, after revision ${String(this.#revision)} had been seen; the store answers from an older copy.`,
        { provider: store.name },
      );
    }
    this.#revision = ring.revision;
    return ring;
  }
}

function unknownPin(name: string, ring: KeyRingDocument): KeyNotFoundError {
  const there = Object.keys(ring.versions).toSorted(byName).join(', ');
  return new KeyNotFoundError(
    `\`pinnedVersion\` names ${JSON.stringify(name.slice(0, 64))}, which the key ring \`${ring.name}\` does not have; it has ${there}.`,
    { provider: KEY_RING },
  );
}
