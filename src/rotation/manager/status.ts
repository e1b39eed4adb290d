import { compareVersionNames, findVersion } from '../ring/document.js';
import { findPending } from '../ring/transitions.js';
import type { KeyRingDocument, RotationStatus } from '../ring/types.js';
import { getAge, nextStep } from './next-step.js';

/** Returns the state of a ring, for people and programs. */
export function describeRing(ring: KeyRingDocument, now: number): RotationStatus {
  const { name, revision, current, previous, rollout } = ring;
  const toMs = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));
  const { step, reason } = nextStep(ring, undefined, now);
  return {
    name,
    revision,
    current,
    pending: findPending(ring),
    previous,
    percent: rollout?.percent ?? 0,
    revertedAt: toMs(rollout?.revertedAt),
    previousUntil: toMs(findVersion(ring, previous)?.notAfter),
    versions: Object.entries(ring.versions)
      .toSorted(([a], [b]) => compareVersionNames(a, b))
      .map(([version, { state, fingerprint }]) => ({ version, state, fingerprint, age: getAge(ring, version, now) })),
    nextStep: `${step}: ${reason}.`,
  };
}
