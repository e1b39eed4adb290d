import { nodeCrypto, type EncryptedKey, type EncryptionContext, type KeyCipher } from '../../core/index.js';
import { compareVersionNames, findVersion, FORMAT } from './document.js';
import type { KeyRingDocument, RingVersion } from './types.js';

// Each function returns the ring that a step makes of another one. Unknown fields are kept.

/** How the versions of one ring are encrypted. */
export interface RingBinding {
  readonly cipher: KeyCipher;
  /** The pairs that every ciphertext of the ring is bound to, beside the context of `cipher`. */
  readonly binding: EncryptionContext;
}

export interface NewVersion extends Pick<RingVersion, 'state' | 'metadata' | 'rotationId'> {
  readonly encrypted?: EncryptedKey | undefined;
  readonly now: number;
}

/** The ring that a step makes of the one it read. `writeRing` adds `revision`, `writeId`, and `id` where there is none. */
export type NextRing = Omit<KeyRingDocument, 'revision' | 'id' | 'writeId'> & { readonly id?: string | undefined };

const MAX_OLD_VERSIONS = 20;
/** In characters: a quarter of what a ring may have. */
const MAX_OLD_SIZE = 100_000;

const toIso = (at: number): string => new Date(at).toISOString();

/** Returns the name of the version that is staged or being minted. */
export function findPending({ versions }: KeyRingDocument): string | undefined {
  return Object.keys(versions).find((name) => versions[name]?.state === 'pending');
}

export function findNewest({ versions }: KeyRingDocument): string {
  return Object.keys(versions).toSorted(compareVersionNames).at(-1) ?? '';
}

/** Returns the newest version if `revert` rejected it, so that no key was staged since. */
export function findRevertedPending(ring: KeyRingDocument): { name: string; revertedAt: string } | undefined {
  const name = findNewest(ring);
  const { state, revertedAt } = findVersion(ring, name) ?? {};
  return state === 'rejected' && revertedAt !== undefined ? { name, revertedAt } : undefined;
}

/** Returns a version name that the ring has never used. */
export function nextVersionName(ring: Pick<KeyRingDocument, 'versions'>): string {
  let number = findHighestNumber(ring) + 1;
  // Another program may have used numbers with more digits than are read.
  while (findVersion(ring, `v${String(number)}`) !== undefined) number++;
  return `v${String(number)}`;
}

/**
 * Returns whether the ring once had a version of this name, which was folded away: names are given in their order, and
 * without leading zeros. `v05` is a mistake for `v5`, not a version that was retired.
 */
export function wasFolded(ring: KeyRingDocument, name: string): boolean {
  const number = parseNumber(name);
  const isGiven = number > 0 && number < findHighestNumber(ring) && name === `v${String(number)}`;
  return isGiven && findVersion(ring, name) === undefined;
}

function findHighestNumber({ versions }: Pick<KeyRingDocument, 'versions'>): number {
  return Math.max(0, ...Object.keys(versions).map(parseNumber));
}

/** Returns the number in the name of a version, or 0 if another program named it. */
function parseNumber(name: string): number {
  return Number(/^v(\d{1,9})$/.exec(name)?.[1] ?? 0);
}

/**
 * Returns the ring without its old versions that are retired or rejected, so that it never fills. The highest number stays,
 * because the next name follows from it.
 */
export function withoutOldVersions<Ring extends NextRing>(ring: Ring): Ring {
  const highest = findHighestNumber(ring);
  let size = 0;
  const folded = Object.entries(ring.versions)
    .filter(([, { state }]) => state === 'retired' || state === 'rejected')
    .toSorted(([a], [b]) => compareVersionNames(b, a))
    .filter(([name, version], index) => {
      size += JSON.stringify(version).length;
      return (index >= MAX_OLD_VERSIONS || size > MAX_OLD_SIZE) && parseNumber(name) !== highest;
    })
    .map(([name]) => name);
  const kept = Object.entries(ring.versions).filter(([name]) => !folded.includes(name));
  return { ...ring, versions: Object.fromEntries(kept) };
}

/**
 * Returns a version that holds an encrypted key. Without one it is about to be minted: its `rotationId` is stored before
 * there is a key that a crash could lose.
 */
export function newVersion(
  { cipher, binding }: RingBinding,
  { encrypted, now, rotationId, metadata, state }: NewVersion,
): RingVersion {
  return {
    state,
    cipher: cipher.name,
    keyId: encrypted?.keyId ?? '',
    // Third-party ciphers may name only their own context.
    encryptionContext: { ...(encrypted ?? cipher).encryptionContext, ...binding },
    fingerprint: encrypted?.fingerprint ?? '',
    createdAt: toIso(now),
    ...(rotationId !== undefined && { rotationId }),
    ...(metadata !== undefined && { metadata: { ...metadata } }),
    ...(encrypted !== undefined && { ciphertext: encrypted.ciphertext }),
  };
}

export function newRing(name: string, version: RingVersion): NextRing {
  return { format: FORMAT, name, current: 'v1', versions: { v1: version } };
}

/** Returns the ring with a version in place of any other pending one, which is rejected. */
export function withPendingVersion(ring: KeyRingDocument, name: string, version: RingVersion): KeyRingDocument {
  const pending = findPending(ring);
  const rest = pending === undefined || pending === name ? ring : withRejected(ring, pending);
  return withVersion(rest, name, { ...findVersion(ring, name), ...version });
}

/** Returns the ring with a staged version that no client uses yet. */
export function withStagedVersion(ring: KeyRingDocument, name: string, version: RingVersion, now: number): NextRing {
  const rollout = { pending: name, id: nodeCrypto().randomUUID(), percent: 0, startedAt: toIso(now) };
  return { ...withPendingVersion(ring, name, version), rollout };
}

/** Returns the ring with a version that must never be used; with `revertedAt`, a repeated `revert` changes nothing. */
export function withRejected(ring: KeyRingDocument, name: string, revertedAt?: number): KeyRingDocument {
  const mark = revertedAt === undefined ? undefined : { revertedAt: toIso(revertedAt) };
  const { rollout, ...rest } = withChanges(ring, name, { state: 'rejected', ...mark });
  return rollout === undefined || rollout.pending === name ? rest : { ...rest, rollout };
}

/**
 * Returns the ring with another share of clients. A larger share continues the same canary, so that clients that gave
 * up stay out. A canary that was reverted, or that had no share yet, starts anew.
 */
export function withCanary(ring: KeyRingDocument, percent: number, now: number): NextRing {
  const { rollout } = ring;
  if (rollout === undefined) return ring;
  const { revertedAt, ...rest } = rollout;
  const continues = revertedAt === undefined && rollout.percent > 0 && percent > 0;
  const id = continues ? rollout.id : nodeCrypto().randomUUID();
  return { ...ring, rollout: { ...rest, id, percent, startedAt: toIso(now) } };
}

/** Returns the ring with its pending version as the current one. The replaced version is kept until `notAfter`. */
export function withPromotion(ring: KeyRingDocument, pending: string, notAfter: number): NextRing {
  const { rollout: _, ...rest } = ring.previous === undefined ? ring : withRetirement(ring, ring.previous);
  return withCurrent(rest, pending, { notAfter: toIso(notAfter) });
}

/** Returns the ring without its previous version's ciphertext. The version's other fields stay. */
export function withRetirement(ring: KeyRingDocument, name: string): KeyRingDocument {
  const { previous: _, ...rest } = ring;
  return withChanges(rest, name, { state: 'retired', ciphertext: undefined });
}

/** Returns the ring with its previous version as the current one again. The replaced version is kept and marked. */
export function withReversion(ring: KeyRingDocument, previous: string, now: number): NextRing {
  return withCurrent(ring, previous, { notAfter: undefined, revertedAt: toIso(now) });
}

/** Returns the ring with another current version; the replaced one becomes the previous one, with `changes`. */
function withCurrent(ring: KeyRingDocument, name: string, changes: Partial<RingVersion>): KeyRingDocument {
  const replaced = withChanges(ring, ring.current, { state: 'previous', ...changes });
  const current = withChanges(replaced, name, { state: 'current', notAfter: undefined, revertedAt: undefined });
  return { ...current, current: name, previous: ring.current };
}

/** Changes fields of a version; `undefined` removes a field. */
function withChanges(ring: KeyRingDocument, name: string, changes: Partial<RingVersion>): KeyRingDocument {
  const changed = Object.entries({ ...ring.versions[name], ...changes }).filter(([, value]) => value !== undefined);
  return withVersion(ring, name, Object.fromEntries(changed) as unknown as RingVersion);
}

function withVersion(ring: KeyRingDocument, name: string, version: RingVersion): KeyRingDocument {
  return { ...ring, versions: { ...ring.versions, [name]: version } };
}
