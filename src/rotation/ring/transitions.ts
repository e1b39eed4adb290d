import { nodeCrypto, type EncryptedKey, type KeyCipher } from '../../core/index.js';
import { byName, FORMAT, versionOf } from './document.js';
import type { NextRing } from '../manager/ring-writer.js';
import type { KeyRingDocument, RingVersion } from './types.js';

// What each step makes of a ring. Fields not known here are carried along.

type Metadata = Readonly<Record<string, string>> | undefined;

const iso = (at: number): string => new Date(at).toISOString();

/** The version that is staged, or being minted. */
export function pendingOf({ versions }: KeyRingDocument): string | undefined {
  return Object.keys(versions).find((name) => versions[name]?.state === 'pending');
}

/** The version that was made last. */
export function newestOf({ versions }: KeyRingDocument): string {
  return Object.keys(versions).toSorted(byName).at(-1) ?? '';
}

/** The newest version, when what became of it is that `revert` rejected it: nothing was staged since. */
export function droppedOf(ring: KeyRingDocument): { name: string; revertedAt: string } | undefined {
  const name = newestOf(ring);
  const { state, revertedAt } = versionOf(ring, name) ?? {};
  return state === 'rejected' && revertedAt !== undefined ? { name, revertedAt } : undefined;
}

/** The next version's name: none is ever used twice. */
export function nextName({ versions }: KeyRingDocument): string {
  const numbers = Object.keys(versions).map((name) => Number(/^v(\d{1,9})$/.exec(name)?.[1] ?? 0));
  return `v${String(Math.max(0, ...numbers) + 1)}`;
}

/** A version with a key. */
export function sealed(
  state: 'pending' | 'current',
  { ciphertext, keyId, encryptionContext, fingerprint }: EncryptedKey,
  about: {
    cipher: KeyCipher;
    binding: Readonly<Record<string, string>>;
    now: number;
    metadata: Metadata;
    rotationId: string | undefined;
  },
): RingVersion {
  return {
    state,
    cipher: about.cipher.name,
    keyId,
    // A cipher of somebody else's may name its own context alone.
    encryptionContext: { ...encryptionContext, ...about.binding },
    fingerprint,
    createdAt: iso(about.now),
    ...(about.rotationId !== undefined && { rotationId: about.rotationId }),
    ...(about.metadata !== undefined && { metadata: { ...about.metadata } }),
    ciphertext,
  };
}

/** A new ring. */
export function initial(name: string, version: RingVersion): NextRing {
  return { format: FORMAT, name, current: 'v1', versions: { v1: version } };
}

/** A version that is about to be minted: its id is on record before there is a key to lose. */
export function intended(
  ring: KeyRingDocument,
  name: string,
  about: { cipher: KeyCipher; binding: Readonly<Record<string, string>>; now: number; rotationId: string },
): NextRing {
  const { cipher, binding, now, rotationId } = about;
  return withVersion(ring, name, {
    state: 'pending',
    cipher: cipher.name,
    keyId: '',
    encryptionContext: { ...cipher.encryptionContext, ...binding },
    fingerprint: '',
    createdAt: iso(now),
    rotationId,
  });
}

/** A staged version, on trial with nobody yet. One that was pending is rejected. */
export function staged(ring: KeyRingDocument, name: string, version: RingVersion, now: number): NextRing {
  const before = pendingOf(ring);
  const cleared = before === undefined || before === name ? ring : rejected(ring, before);
  const intent = versionOf(ring, name);
  return {
    ...withVersion(cleared, name, { ...intent, ...version }),
    rollout: { pending: name, id: nodeCrypto().randomUUID(), percent: 0, startedAt: iso(now) },
  };
}

/** A version that is never to be used. */
export function rejected(ring: KeyRingDocument, name: string): NextRing & KeyRingDocument {
  const { rollout, ...rest } = withVersion(ring, name, { ...(ring.versions[name] as RingVersion), state: 'rejected' });
  return rollout === undefined || rollout.pending === name ? rest : { ...rest, rollout };
}

/** A pending version that a person took out of use: marked, so that a repeated `revert` finds itself done. */
export function dropped(ring: KeyRingDocument, name: string, now: number): NextRing {
  const version = ring.versions[name] as RingVersion;
  return rejected(withVersion(ring, name, { ...version, revertedAt: iso(now) }), name);
}

/**
 * Another share of the clients. A larger one goes on with the same canary, so that who gave up on the key stays out; a
 * canary that was reverted, or not yet begun, starts as another.
 */
export function canaried(ring: KeyRingDocument, percent: number, now: number): NextRing {
  const { rollout } = ring;
  if (rollout === undefined) return ring;
  const { revertedAt, ...trial } = rollout;
  const goesOn = revertedAt === undefined && rollout.percent > 0 && percent > 0;
  const id = goesOn ? rollout.id : nodeCrypto().randomUUID();
  return { ...ring, rollout: { ...trial, id, percent, startedAt: iso(now) } };
}

/** The pending version becomes current; the one it replaces is kept until `notAfter`. */
export function promoted(ring: KeyRingDocument, pending: string, notAfter: number): NextRing {
  const { rollout: _, ...rest } = ring;
  const cleared = ring.previous === undefined ? rest : retired(rest, ring.previous);
  const { notAfter: _none, ...next } = ring.versions[pending] as RingVersion;
  const replaced = ring.versions[ring.current] as RingVersion;
  return {
    ...withVersions(cleared, {
      [pending]: { ...next, state: 'current' },
      [ring.current]: { ...replaced, state: 'previous', notAfter: iso(notAfter) },
    }),
    current: pending,
    previous: ring.current,
  };
}

/** The previous version loses its ciphertext; what is known of it stays. */
export function retired(ring: KeyRingDocument, name: string): NextRing & KeyRingDocument {
  const { previous: _, ...rest } = ring;
  const { ciphertext: _gone, ...version } = ring.versions[name] as RingVersion;
  return withVersion(rest, name, { ...version, state: 'retired' });
}

/** The previous version is current again; the one it gives way to is kept, marked. */
export function revertedTo(ring: KeyRingDocument, previous: string, now: number): NextRing {
  const { notAfter: _none, revertedAt: _mark, ...again } = ring.versions[previous] as RingVersion;
  const { notAfter: _end, ...gives } = ring.versions[ring.current] as RingVersion;
  return {
    ...withVersions(ring, {
      [previous]: { ...again, state: 'current' },
      [ring.current]: { ...gives, state: 'previous', revertedAt: iso(now) },
    }),
    current: previous,
    previous: ring.current,
  };
}

function withVersion(ring: KeyRingDocument, name: string, version: RingVersion): KeyRingDocument {
  return withVersions(ring, { [name]: version });
}

function withVersions(ring: KeyRingDocument, versions: Readonly<Record<string, RingVersion>>): KeyRingDocument {
  return { ...ring, versions: { ...ring.versions, ...versions } };
}
