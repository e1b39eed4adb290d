import { checkOptionNames, conflict, nodeCrypto } from '../../core/index.js';
import { findVersion } from '../ring/document.js';
import type { ReadRing } from '../ring/read-ring.js';
import {
  findPending,
  newIntent,
  newRing,
  nextVersionName,
  withIntent,
  withPending,
  withRejected,
} from '../ring/transitions.js';
import type { StepOptions } from '../ring/types.js';
import { retryConflicts, writeRing } from '../ring/write-ring.js';
import { holdsKey, probeKey, withDecryptedKey, withNewVersion, type GivenKey, type NewKey } from './key-material.js';
import { checkSignal, checkStepOptions, type RotationContext } from './options.js';
import { checkExpectedVersion, findRing, finishStep, refuseStep, rereadRing, startStep } from './step.js';

type Metadata = NewKey['metadata'];

/** Makes the ring with its first key. Resolves to the version's name. */
export async function initRing(
  context: RotationContext,
  key: GivenKey,
  options: { metadata?: Metadata; signal?: AbortSignal | undefined },
): Promise<string> {
  checkOptionNames('init', options, ['metadata', 'signal']);
  const { metadata, signal } = options;
  checkSignal(signal);
  const { source } = context;
  // No ring can hold an intent yet, so the id follows from the ring's name: a repeated call uses the same id.
  const rotationId = key === undefined ? `${source.name}:v1` : undefined;
  let at = await findRing(context, 'init', signal);
  if (at === undefined) {
    at = await withNewVersion(context, 'init', 'current', { key, metadata, rotationId, signal }, (version) =>
      writeRing(source, undefined, newRing(source.name, version), signal),
    );
  } else {
    // A repeated call changes nothing; any other ring is refused.
    const first = findVersion(at.ring, 'v1');
    const isFirst = first?.state === 'current' && Object.keys(at.ring.versions).length === 1;
    const isRepeated =
      isFirst &&
      (rotationId === undefined ? await holdsKey(context, 'v1', first, key, signal) : first.rotationId === rotationId);
    if (!isRepeated) {
      throw refuseStep('init', `the key ring \`${source.name}\` already exists; \`stage\` a new key instead`);
    }
  }
  await finishStep(context, 'init', 'v1', at);
  return 'v1';
}

/** Stages a key. Resolves to the version's name. */
export async function stageKey(
  context: RotationContext,
  key: GivenKey,
  options: StepOptions & { metadata?: Metadata },
): Promise<string> {
  checkStepOptions('stage', options, ['metadata']);
  const startedAt = context.clock.now();
  if (key === undefined && context.generate === undefined) {
    throw refuseStep('stage', 'it needs a key; pass one, or give the manager `generate`');
  }
  const at = await startStep(context, 'stage', options);
  const { ring } = at;
  checkExpectedVersion('stage', options, ring.current);
  const { metadata, signal } = options;
  const given = { key, metadata, rotationId: undefined, signal };
  const pending = findPending(ring);
  const held = findVersion(ring, pending);
  if (pending === undefined || held === undefined) return stageAs(context, nextVersionName(ring), at, given);

  const { rotationId } = held;
  const isMinted = key === undefined && rotationId !== undefined;
  if (isMinted && held.ciphertext === undefined) return stageAs(context, pending, at, { ...given, rotationId });
  if (isMinted || (await holdsKey(context, pending, held, key, signal))) {
    // Staged before, but the run may have stopped before the probe.
    await withDecryptedKey(context, pending, held, signal, (bytes) =>
      finishStaging(context, pending, bytes, at, signal),
    );
    return pending;
  }
  if (options.force === true) return stageAs(context, nextVersionName(ring), at, given);
  // Staged while this call ran: another manager was faster, and this caller could not have known of the key.
  if (Date.parse(held.createdAt) > startedAt) {
    throw conflict(context.source.store.name, ring.revision - 1, ring.revision);
  }
  throw refuseStep(
    'stage',
    `${pending} is pending; promote or revert it first, or use \`force\` to reject it`,
    pending,
  );
}

/** Writes a key as the version `name`. Before a key is minted an intent is written, unless the ring has one. */
async function stageAs(context: RotationContext, name: string, from: ReadRing, given: NewKey): Promise<string> {
  const { source, clock } = context;
  const { signal } = given;
  let at = from;
  let { rotationId } = given;
  if (given.key === undefined && rotationId === undefined) {
    rotationId = nodeCrypto().randomUUID();
    const intent = withIntent(from.ring, name, newIntent(context, rotationId, clock.now()));
    at = await rereadRing(context, 'stage', await writeRing(source, from, intent, signal), signal);
  }
  await withNewVersion(context, 'stage', 'pending', { ...given, rotationId }, async (version, bytes) => {
    const written = await writeRing(source, at, withPending(at.ring, name, version, clock.now()), signal);
    await finishStaging(context, name, bytes, written, signal);
  });
  return name;
}

/** Probes a staged key and calls the hooks. A refused key is left rejected. */
async function finishStaging(
  context: RotationContext,
  name: string,
  bytes: Uint8Array,
  written: ReadRing,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await probeKey(context, 'stage', name, bytes, signal);
  } catch (error) {
    if (signal?.aborted !== true) await rejectStaged(context, name, written, signal);
    throw error;
  }
  await finishStep(context, 'stage', name, written);
}

/** Rejects a key that the probe refused, whatever else was changed while the probe ran. */
async function rejectStaged(
  context: RotationContext,
  name: string,
  written: ReadRing,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rejected = await retryConflicts(async () => {
    const at = await startStep(context, 'stage', { signal });
    const state = findVersion(at.ring, name)?.state;
    if (state === 'rejected') return undefined;
    if (state !== 'pending') {
      throw conflict(context.source.store.name, written.ring.revision, at.ring.revision);
    }
    return writeRing(context.source, at, withRejected(at.ring, name), signal);
  });
  if (rejected !== undefined) await finishStep(context, 'stage', name, rejected);
}
