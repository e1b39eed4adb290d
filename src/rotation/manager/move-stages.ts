import { checkInteger, invalidType, type RotationError, checkBoolean } from '../../core/index.js';
import { findVersion } from '../ring/document.js';
import {
  findNewest,
  findPending,
  findRevertedPending,
  withCanary,
  withPromotion,
  withRejected,
  withRetirement,
  withReversion,
} from '../ring/transitions.js';
import { readUses } from '../ring/report-use.js';
import type { KeyRingDocument, PromoteOptions, RetireOptions, StepOptions } from '../ring/types.js';
import { probeVersion } from './key-material.js';
import { describeRecentUse, isAhead, QUIET_MS } from './next-step.js';
import { checkPercent, checkStep, type RotationContext, type Step } from './options.js';
import { checkExpectedVersion, finishStep, refuseStep, requireRing, startStep } from './step.js';

// The steps that `KeyRotationManager` documents. Each resolves to the version that it changed.

const DEFAULT_OVERLAP_MS = 86_400_000;

export async function setCanary(context: RotationContext, percent: number, options: StepOptions): Promise<string> {
  const step = checkStep(context, 'canary', options);
  checkPercent('percent', percent);
  const at = await startStep(step);
  const { rollout } = at.ring;
  if (rollout === undefined) throw nothingPending(step, at.ring);
  checkExpectedVersion(step, rollout.pending);
  const isSet = rollout.percent === percent && rollout.revertedAt === undefined;
  return finishStep(step, rollout.pending, at, isSet ? undefined : withCanary(at.ring, percent, step.clock.now()));
}

export async function promotePending(context: RotationContext, options: PromoteOptions): Promise<string> {
  const step = checkStep(context, 'promote', options, ['overlap', 'cutover']);
  const { clock, force, version } = step;
  const cutover = checkBoolean('cutover', options.cutover);
  if (cutover && options.overlap !== undefined) throw invalidType('`cutover` excludes `overlap`; give one of them.');
  const overlap = cutover ? 0 : checkInteger('overlap', options.overlap, DEFAULT_OVERLAP_MS, 1);
  const at = await startStep(step);
  const { ring } = at;
  const { current, previous, rollout } = ring;
  const keptUntil = findVersion(ring, previous)?.notAfter;
  if (rollout === undefined) {
    // A key that was staged since, and rejected, was not promoted, and this step must not look as if it was.
    const isDone =
      version === undefined ? keptUntil !== undefined && findNewest(ring) === current : version === current;
    if (!isDone || findPending(ring) !== undefined) throw nothingPending(step, ring);
    return finishStep(step, current, at);
  }
  const { pending, revertedAt } = rollout;
  checkExpectedVersion(step, pending);
  if (!force && revertedAt !== undefined) {
    const advice = 'revert it, start another canary, or use `force`';
    throw refuseStep(step, `clients gave up on ${pending} at ${revertedAt}; ${advice}`, pending);
  }
  if (!force && isAhead(keptUntil, clock.now())) {
    const advice = `promote ${pending} after that, or use \`force\` to retire ${String(previous)} now`;
    throw refuseStep(step, `${String(previous)} is kept until ${keptUntil}; ${advice}`, pending);
  }
  await probeVersion(step, ring, pending);
  return finishStep(step, pending, at, withPromotion(ring, pending, clock.now() + overlap));
}

export async function retirePrevious(context: RotationContext, options: RetireOptions): Promise<string> {
  const step = checkStep(context, 'retire', options, ['quiet']);
  const quiet = checkInteger('quiet', options.quiet, QUIET_MS, 0);
  const { clock, force, version } = step;
  const at = await startStep(step);
  const { ring } = at;
  const { current, previous } = ring;
  if (previous === undefined) {
    const retired = Object.keys(ring.versions).filter((name) => ring.versions[name]?.state === 'retired');
    const done = version === undefined ? retired.at(-1) : retired.find((name) => name === version);
    if (done === undefined) throw refuseStep(step, 'there is no previous version');
    return finishStep(step, done, at);
  }
  checkExpectedVersion(step, previous);
  const keptUntil = findVersion(ring, previous)?.notAfter;
  if (!force && isAhead(keptUntil, clock.now())) {
    throw refuseStep(step, `${previous} is kept until ${keptUntil}; wait, or use \`force\``, previous);
  }
  if (!force) {
    const uses = await readUses(step.source.store, ring, clock.now(), step.signal);
    const inUse = describeRecentUse(uses, previous, clock.now() - quiet);
    if (inUse !== undefined) throw refuseStep(step, `${inUse}; wait until it has moved on, or use \`force\``, previous);
  }
  await probeVersion(step, ring, current);
  return finishStep(step, previous, at, withRetirement(ring, previous));
}

export async function revertChange(context: RotationContext, options: StepOptions): Promise<string> {
  const step = checkStep(context, 'revert', options);
  const { clock, version } = step;
  // A clock that is wrong must not keep a bad key in use.
  const at = await requireRing(step, true);
  const { ring } = at;
  const { current, previous } = ring;
  const pending = findPending(ring);
  if (pending !== undefined) {
    checkExpectedVersion(step, pending);
    return finishStep(step, pending, at, withRejected(ring, pending, clock.now()));
  }
  const done = findReverted(ring, version);
  if (done !== undefined) return finishStep(step, done, at);
  if (previous === undefined) {
    throw refuseStep(step, 'no key is pending and the previous one is retired; `stage` another key');
  }
  const rejected = findRevertedPending(ring);
  if (version === undefined && rejected !== undefined) {
    // This may be a repeated `revert`, or one that is to go further back.
    const advice = `to go back from ${current} as well, set \`version\` to ${previous}`;
    throw refuseStep(step, `${rejected.name} was reverted at ${rejected.revertedAt}; ${advice}`, rejected.name);
  }
  checkExpectedVersion(step, previous);
  await probeVersion(step, ring, previous);
  return finishStep(step, previous, at, withReversion(ring, previous, clock.now()));
}

/** Returns the version that tells that a `revert` is done: a repeated one must not go back to the key that the first one left. */
function findReverted(ring: KeyRingDocument, version: string | undefined): string | undefined {
  const { current, previous } = ring;
  const wentBack = findVersion(ring, previous)?.revertedAt !== undefined;
  if (version === undefined) {
    if (wentBack) return current;
    return previous === undefined ? findRevertedPending(ring)?.name : undefined;
  }
  const isDone = findVersion(ring, version)?.state === 'rejected' || (version === current && wentBack);
  return isDone ? version : undefined;
}

function nothingPending(step: Step, ring: KeyRingDocument): RotationError {
  const pending = findPending(ring);
  if (pending === undefined) return refuseStep(step, 'no key is pending; `stage` one first');
  return refuseStep(step, `${pending} is still being minted; run \`stage\` again to finish it`, pending);
}
