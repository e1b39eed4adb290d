import {
  checkOptionNames,
  getFreshUntil,
  KeyNotFoundError,
  KeyProviderError,
  type KeyProvider,
  checkBoolean,
  REPORT_USE,
  type Stage,
  quote,
  showText,
} from '../../core/index.js';
import { createUseReporter } from './report-use.js';
import { decryptVersion } from './decrypt-version.js';
import { compareVersionNames, findVersion } from './document.js';
import { wasFolded } from './transitions.js';
import { checkRingSource, readRing } from './read-ring.js';
import { recordRejection } from './write-ring.js';
import { countReferences } from './reference-count.js';
import type { KeyRingDocument, KeyRingOptions } from './types.js';
import { parsePin } from './version-pin.js';

/** The provider name of key rings in errors, events and metrics. */
const KEY_RING = 'key-ring';
const NAMES = ['ring', 'name', 'cipher', 'pinnedVersion', 'reportRejections', 'reportUse'];
/** How many rings of one place are told apart. */
const MAX_RINGS = 16;

/**
 * A key store over a key ring, with all three stages: `current`, `pending` for the ring's share of clients, and
 * `previous` as a last resort until it is retired.
 *
 * A version is decrypted once per `ttl`, not once per stage. A ring that is missing, damaged, in a newer format or
 * older than one already read fails the load with a retryable error, so that the cached key stays in use. A ring that was
 * removed and made anew, which its `id` tells, is taken after the usual checks. With a store
 * that sends change notices (files, Redis) a fleet reloads within a jittered second; with others after `ttl`.
 *
 * @param options - the ring, its name, and the only ciphers that are accepted; copied
 * @returns a key store for `keyProvider`; closing the last client that uses it closes the ring store and the ciphers
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type, or the store keeps no
 * use reports (`reportUse`)
 * @throws {KeyNotFoundError} `ERR_GOLDKEY_NOT_FOUND`, by a load: there is no such ring (retryable), or it does not have
 * `pinnedVersion`
 * @throws {KeyProviderError} `ERR_GOLDKEY_PROVIDER`, by a load, retryable: the ring is invalid or older than one
 * already read, or its store is down
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
  checkOptionNames('fromKeyRing', options, NAMES);
  const source = checkRingSource(options);
  const pin = parsePin(options.pinnedVersion);
  const reportRejections = checkBoolean('reportRejections', options.reportRejections);
  const { store, name: ringName, ciphers } = source;
  const reportUse = checkBoolean('reportUse', options.reportUse) ? createUseReporter(ringName, store) : undefined;
  const subscribe = store.subscribe?.bind(store);
  const references = countReferences([store, ...ciphers]);
  references.acquire();
  /** The ring of the last load of `current`: the rollout that is read after it must be of the same revision. */
  let loadedRing: KeyRingDocument | undefined;
  /** The highest revision that was read of each ring, by id: a ring that was removed and made anew has another one. */
  const highest = new Map<string | undefined, number>();
  let latest: Pick<KeyRingDocument, 'id' | 'revision'> | undefined;
  let rolloutId: string | undefined;
  /** The ciphertext that was decrypted of each version: in a ring made anew a version of the same name is another key. */
  const opened = new Map<string, string>();
  /** The version last served for each stage. */
  const served = new Map<Stage, string>();

  const read = async (signal: AbortSignal): Promise<KeyRingDocument> => {
    const before = latest;
    const found = await readRing(source, signal);
    if (found === undefined) {
      // Retryable: the ring may come back, and a cached key stays in use meanwhile.
      const message = `There is no key ring ${quote(ringName)} in the store; make one with \`init\`.`;
      throw new KeyNotFoundError(message, { provider: store.name, retryable: true });
    }
    const { ring } = found;
    if (store.allowsOlderRevision?.() === true) return ring;
    const { id, revision } = ring;
    const isLatest = latest !== undefined && id === latest.id && revision >= latest.revision;
    // A read that began later may only have been faster.
    if (latest !== before && !isLatest) return read(signal);
    // A ring without an id may be an old copy of any.
    const least = id === undefined ? Math.max(0, ...highest.values()) : (highest.get(id) ?? 0);
    if (revision < least) {
      throw new KeyProviderError(
        `The key ring ${quote(ringName)} is at revision ${String(revision)}, but revision ${String(least)} was read before; the store answers from an outdated copy.`,
        { provider: store.name },
      );
    }
    latest = { id, revision };
    highest.delete(id);
    highest.set(id, revision);
    if (highest.size > MAX_RINGS) highest.delete(highest.keys().next().value);
    return ring;
  };

  return {
    name: KEY_RING,
    async load(request) {
      references.acquire();
      const { stage, signal, known } = request;
      if (stage === 'current') loadedRing = undefined;
      const ring = await read(signal);
      if (stage === 'current') loadedRing = ring;
      // At every stage: another stage's key must not hide that the pin names nothing.
      if (pin.name !== undefined && findVersion(ring, pin.name) === undefined && !wasFolded(ring, pin.name))
        throw unknownPin(pin.name, ring);
      const name = pin.versionFor(stage, ring);
      const version = findVersion(ring, name);
      if (name === undefined || version === undefined) {
        served.delete(stage);
        return undefined;
      }
      if (version.ciphertext === undefined) {
        const message = `Version ${name} of the key ring ${quote(ringName)} is ${version.state}: it has no key.`;
        throw new KeyNotFoundError(message, { provider: KEY_RING, version: name });
      }
      // A known key that moves to another stage, or is not due yet, keeps its expiry. One that is due is decrypted
      // again: otherwise a revocation of the master key would never take effect.
      if (known?.includes(name) === true && opened.get(name) === version.ciphertext) {
        const isMoving = served.get(stage) !== name;
        const expiresAt = isMoving ? undefined : getFreshUntil(request);
        if (isMoving || expiresAt !== undefined) {
          served.set(stage, name);
          return { unchanged: true, version: name, expiresAt };
        }
      }
      const bytes = await decryptVersion(source, name, version, signal);
      served.set(stage, name);
      opened.set(name, version.ciphertext);
      for (const each of opened.keys()) if (findVersion(ring, each)?.ciphertext === undefined) opened.delete(each);
      const createdAt = Date.parse(version.createdAt);
      return { bytes, version: name, ...(Number.isNaN(createdAt) ? {} : { createdAt }) };
    },
    async rollout({ signal }) {
      const ring = loadedRing ?? (await read(signal));
      rolloutId = ring.rollout?.id;
      return pin.rolloutFor(ring);
    },
    ...(reportUse !== undefined && { [REPORT_USE]: reportUse }),
    ...(reportRejections && {
      report: ({ version }: { version: string }) => recordRejection(source, version, rolloutId),
    }),
    ...(subscribe !== undefined && {
      subscribe: (onChange: (change: { version?: string | undefined }) => void) => subscribe(() => onChange({})),
    }),
    close: () => references.release(),
  };
}

function unknownPin(name: string, ring: KeyRingDocument): KeyNotFoundError {
  const names = Object.keys(ring.versions).toSorted(compareVersionNames).join(', ');
  return new KeyNotFoundError(
    `\`pinnedVersion\` names ${JSON.stringify(showText(name))}, which the key ring ${quote(ring.name)} does not have; it has ${names}.`,
    { provider: KEY_RING },
  );
}
