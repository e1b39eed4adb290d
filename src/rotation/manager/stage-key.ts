import { checkOptionNames, conflict, nodeCrypto, quote, type RotationError } from '../../core/index.js';
import { findVersion } from '../ring/document.js';
import { readRing, type ReadRing } from '../ring/read-ring.js';
import {
  findPending,
  newRing,
  newVersion,
  nextVersionName,
  withPendingVersion,
  withRejected,
  withStagedVersion,
} from '../ring/transitions.js';
import type { KeyRingDocument, StageOptions } from '../ring/types.js';
import { retryConflicts, writeRing } from '../ring/write-ring.js';
import {
  fingerprintOf,
  holdsKey,
  probeKey,
  tryCipher,
  withDecryptedKey,
  withNewVersion,
  type NewKey,
} from './key-material.js';
import { checkStep, type RotationContext, type Step } from './options.js';
import { checkExpectedVersion, finishStep, refuseStep, requireRing, startStep } from './step.js';

/** Makes the ring with its first key. Resolves to the version's name. */
export async function initRing(
  context: RotationContext,
  key: NewKey['key'],
  options: Pick<StageOptions, 'metadata' | 'signal'>,
): Promise<string> {
  checkOptionNames('init', options, ['metadata', 'signal']);
  const step = checkStep(context, 'init', options, ['metadata']);
  const { source, signal } = step;
  // No ring can hold an intent yet, so the id follows from the ring's name: a repeated call uses the same id.
  const rotationId = key === undefined ? `${source.name}:v1` : undefined;
  const found = await readRing(source, signal, true);
  if (found !== undefined) {
    // A repeated call changes nothing; any other ring is refused.
    const first = findVersion(found.ring, 'v1');
    const isUnchanged = first?.state === 'current' && Object.keys(found.ring.versions).length === 1;
    const isSameKey =
      isUnchanged && (key === undefined ? first.rotationId === rotationId : await holdsKey(step, 'v1', first, key));
    const reason = `the key ring ${quote(source.name)} already exists; \`stage\` a new key instead`;
    if (!isSameKey) throw refuseStep(step, reason);
    return finishStep(step, 'v1', found);
  }
  const given = { key, state: 'current', metadata: options.metadata, rotationId } as const;
  if (key === undefined) await tryCipher(step);
  const made = await withNewVersion(step, given, (version) =>
    writeRing(source, undefined, newRing(source.name, version), signal),
  );
  step.unstored.forget();
  return finishStep(step, 'v1', made);
}

/** Stages a key. Resolves to the version's name. */
export async function stageKey(context: RotationContext, key: NewKey['key'], options: StageOptions): Promise<string> {
  const step = checkStep(context, 'stage', options, ['metadata']);
  const startedAt = step.clock.now();
  if (key === undefined && step.generate === undefined) {
    throw refuseStep(step, 'it needs a key; pass one, or give the manager `generate`');
  }
  const at = await startStep(step);
  const { ring } = at;
  checkExpectedVersion(step, ring.current);
  if (isInUse(step, ring, fingerprintOf(key))) throw refuseInUse(step, ring, 'pass a new one');
  const given = { key, state: 'pending', metadata: options.metadata } as const;
  const pending = findPending(ring);
  const held = findVersion(ring, pending);
  if (pending === undefined || held === undefined) return stageAs(step, nextVersionName(ring), at, given);

  const { rotationId } = held;
  const isMinted = key === undefined && rotationId !== undefined;
  if (isMinted && held.ciphertext === undefined) return stageAs(step, pending, at, { ...given, rotationId });
  if (isMinted || (await holdsKey(step, pending, held, key))) {
    // Staged before, but that run may have stopped before the probe.
    return withDecryptedKey(step, pending, held, (bytes) => finishStaging(step, pending, bytes, at));
  }
  if (step.force) return stageAs(step, nextVersionName(ring), at, given);
  // Staged while this call ran: another manager was faster, and this caller could not know of its key.
  if (Date.parse(held.createdAt) > startedAt) {
    throw conflict(step.source.store.name, ring.revision - 1, ring.revision);
  }
  throw refuseStep(step, `${pending} is pending; promote or revert it first, or use \`force\` to reject it`, pending);
}

/** Returns whether a key is the current one, which would pass for a rotation, and for young. */
function isInUse({ force }: Step, ring: KeyRingDocument, fingerprint: string | undefined): boolean {
  return !force && fingerprint !== undefined && findVersion(ring, ring.current)?.fingerprint === fingerprint;
}

function refuseInUse(step: Step, { current }: KeyRingDocument, advice: string): RotationError {
  return refuseStep(step, `this key is ${current} already, which is in use; ${advice}, or use \`force\``, current);
}

/** Writes a key as the version `name`. Before a key is minted an intent is written, unless the ring has one. */
async function stageAs(step: Step, name: string, from: ReadRing, given: NewKey): Promise<string> {
  const { source, clock, signal } = step;
  let at = from;
  let { rotationId } = given;
  if (given.key === undefined) await tryCipher(step);
  if (given.key === undefined && rotationId === undefined) {
    rotationId = nodeCrypto().randomUUID();
    const intent = newVersion(step, { state: 'pending', rotationId, now: clock.now() });
    const next = withPendingVersion(from.ring, name, intent);
    const { ring } = await writeRing(source, from, next, signal);
    // Read again for the token that the next write needs.
    const found = await readRing(source, signal, true);
    if (found?.ring.writeId !== ring.writeId) {
      throw conflict(source.store.name, ring.revision, found?.ring.revision ?? 0);
    }
    at = found;
  }
  return withNewVersion(step, { ...given, rotationId }, async (version, bytes) => {
    if (isInUse(step, at.ring, version.fingerprint)) {
      // The next run asks `generate` again.
      step.unstored.forget();
      throw refuseInUse(step, at.ring, 'let `generate` mint a new one');
    }
    const written = await writeRing(source, at, withStagedVersion(at.ring, name, version, clock.now()), signal);
    step.unstored.forget();
    return finishStaging(step, name, bytes, written);
  });
}

/** Probes a staged key and calls the hooks. A refused key is left rejected. */
async function finishStaging(step: Step, name: string, bytes: Uint8Array, written: ReadRing): Promise<string> {
  try {
    await probeKey(step, name, bytes);
  } catch (error) {
    if (step.signal?.aborted !== true) await rejectStaged(step, name, written);
    throw error;
  }
  return finishStep(step, name, written);
}

/** Rejects a key that the probe refused, whatever else was changed while the probe ran. */
async function rejectStaged(step: Step, name: string, written: ReadRing): Promise<void> {
  const { source, signal } = step;
  const rejected = await retryConflicts(async () => {
    const at = await requireRing({ ...step, revision: undefined }, true);
    const state = findVersion(at.ring, name)?.state;
    if (state === 'rejected') return undefined;
    if (state !== 'pending') throw conflict(source.store.name, written.ring.revision, at.ring.revision);
    return writeRing(source, at, withRejected(at.ring, name), signal);
  });
  if (rejected !== undefined) await finishStep(step, name, rejected);
}
