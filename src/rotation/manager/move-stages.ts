import { checkInteger, invalidType, describeType, type RotationError } from '../../core/index.js';
import { findVersion } from '../ring/document.js';
import {
  findNewest,
  findPending,
  findRevertedPending,
  withCanary,
  withPromotion,
  withRejectedPending,
  withRetirement,
  withReversion,
} from '../ring/transitions.js';
import type { KeyRingDocument, StepOptions } from '../ring/types.js';
import { probeVersion } from './key-material.js';
import { isAhead } from './next-step.js';
import { checkPercent, checkStepOptions, type RotationContext } from './options.js';
import { checkExpectedVersion, finishStep, refuseStep, startStep } from './step.js';

const DEFAULT_OVERLAP_MS = 86_400_000;

/** Sets the share of clients that use the pending key. */
export async function setCanary(context: RotationContext, percent: number, options: StepOptions): Promise<void> {
  checkStepOptions('canary', options);
  checkPercent('percent', percent);
  const at = await startStep(context, 'canary', options);
  const { rollout } = at.ring;
  if (rollout === undefined) throw nothingPending('canary', at.ring);
  checkExpectedVersion('canary', options, rollout.pending);
  const isSet = rollout.percent === percent && rollout.revertedAt === undefined;
  const next = isSet ? undefined : withCanary(at.ring, percent, context.clock.now());
  await finishStep(context, 'canary', rollout.pending, at, next, options.signal);
}

/** Makes the pending key the current one. */
export async function promotePending(
  context: RotationContext,
  options: StepOptions & { overlap?: number | undefined; cutover?: boolean | undefined },
): Promise<void> {
  checkStepOptions('promote', options, ['overlap', 'cutover']);
  const { cutover = false, force = false, version, signal } = options;
  if (typeof cutover !== 'boolean') throw invalidType(`\`cutover\` must be a boolean, got ${describeType(cutover)}.`);
  if (cutover && options.overlap !== undefined) throw invalidType('`cutover` excludes `overlap`; give one of them.');
  const overlap = cutover ? 0 : checkInteger('overlap', options.overlap, DEFAULT_OVERLAP_MS, 1);
  const at = await startStep(context, 'promote', options);
  const { ring } = at;
  const { current, previous, rollout } = ring;
  const keptUntil = findVersion(ring, previous)?.notAfter;
  if (rollout === undefined) {
    // If a key was staged since, and rejected, this promotion was not the last change and must not look done.
    const isDone =
      version === undefined ? keptUntil !== undefined && findNewest(ring) === current : version === current;
    if (!isDone || findPending(ring) !== undefined) throw nothingPending('promote', ring);
    return finishStep(context, 'promote', current, at);
  }
  const { pending, revertedAt } = rollout;
  checkExpectedVersion('promote', options, pending);
  if (!force && revertedAt !== undefined) {
    const advice = 'revert it, start another canary, or use `force`';
    throw refuseStep('promote', `clients gave up on ${pending} at ${revertedAt}; ${advice}`, pending);
  }
  if (!force && isAhead(keptUntil, context.clock.now())) {
    const advice = `promote ${pending} after that, or use \`force\` to retire ${String(previous)} now`;
    throw refuseStep('promote', `${String(previous)} is kept until ${keptUntil}; ${advice}`, pending);
  }
  await probeVersion(context, 'promote', ring, pending, signal);
  const next = withPromotion(ring, pending, context.clock.now() + overlap);
  await finishStep(context, 'promote', pending, at, next, signal);
}

/** Removes the previous key. */
export async function retirePrevious(context: RotationContext, options: StepOptions): Promise<void> {
  checkStepOptions('retire', options);
  const { force = false, version, signal } = options;
  const at = await startStep(context, 'retire', options);
  const { ring } = at;
  const { current, previous } = ring;
  if (previous === undefined) {
    const retired = Object.keys(ring.versions).filter((name) => ring.versions[name]?.state === 'retired');
    const done = version === undefined ? retired.at(-1) : retired.find((name) => name === version);
    if (done === undefined) throw refuseStep('retire', 'there is no previous version');
    return finishStep(context, 'retire', done, at);
  }
  checkExpectedVersion('retire', options, previous);
  const keptUntil = findVersion(ring, previous)?.notAfter;
  if (!force && isAhead(keptUntil, context.clock.now())) {
    throw refuseStep('retire', `${previous} is kept until ${keptUntil}; wait, or use \`force\``, previous);
  }
  await probeVersion(context, 'retire', ring, current, signal);
  await finishStep(context, 'retire', previous, at, withRetirement(ring, previous), signal);
}

/** Rejects the pending key, or makes the previous key current again. */
export async function revertChange(context: RotationContext, options: StepOptions): Promise<void> {
  checkStepOptions('revert', options);
  const { version, signal } = options;
  const at = await startStep(context, 'revert', options);
  const { ring } = at;
  const { current, previous } = ring;
  const pending = findPending(ring);
  if (pending !== undefined) {
    checkExpectedVersion('revert', options, pending);
    const next = withRejectedPending(ring, pending, context.clock.now());
    return finishStep(context, 'revert', pending, at, next, signal);
  }
  // A repeated `revert` must not go back to the version that the first one left.
  const rejected = findRevertedPending(ring);
  const wentBack = findVersion(ring, previous)?.revertedAt !== undefined;
  const isDone =
    version === undefined
      ? wentBack || (rejected !== undefined && previous === undefined)
      : findVersion(ring, version)?.state === 'rejected' || (version === current && wentBack);
  if (isDone) {
    const done = version ?? (wentBack ? current : (rejected?.name ?? current));
    return finishStep(context, 'revert', done, at);
  }
  if (previous === undefined) {
    throw refuseStep('revert', 'no key is pending and the previous one is retired; `stage` another key');
  }
  // Whether this is a repeated `revert` or one that goes further back cannot be told.
  if (version === undefined && rejected !== undefined) {
    const advice = `to go back from ${current} as well, set \`version\` to ${previous}`;
    throw refuseStep('revert', `${rejected.name} was reverted at ${rejected.revertedAt}; ${advice}`, rejected.name);
  }
  checkExpectedVersion('revert', options, previous);
  await probeVersion(context, 'revert', ring, previous, signal);
  await finishStep(context, 'revert', previous, at, withReversion(ring, previous, context.clock.now()), signal);
}

function nothingPending(step: string, ring: KeyRingDocument): RotationError {
  const pending = findPending(ring);
  if (pending === undefined) return refuseStep(step, 'no key is pending; `stage` one first');
  return refuseStep(step, `${pending} is still being minted; run \`stage\` again to finish it`, pending);
}
