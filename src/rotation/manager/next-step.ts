import { showText, type KeyUse } from '../../core/index.js';
import { compareVersionNames, findVersion } from '../ring/document.js';
import { summarizeUse } from '../ring/report-use.js';
import { findPending, findRevertedPending } from '../ring/transitions.js';
import type { KeyRingDocument, RingRollout, RotationStatus } from '../ring/types.js';
import type { RotationPlan } from './options.js';

const DAY_MS = 86_400_000;
/** How long no client may have reported a use of the previous key before it is retired, in ms. */
export const QUIET_MS = 600_000;
/** The share that a canary starts with where no plan names one. */
const FIRST_PERCENT = 10;

/** The step to take next, and why. */
export interface NextStep {
  readonly step: 'stage' | 'canary' | 'promote' | 'retire' | 'revert' | 'wait' | 'nothing';
  /** The version that the step is about. */
  readonly version: string;
  /** The share of clients; set for `canary`. */
  readonly percent?: number;
  /** The reason, and the alternatives: the part of a sentence that follows the step. */
  readonly reason: string;
  /** Whether a person has to decide: `rotate` stops with the reason. */
  readonly isBlocked?: true;
}

/**
 * Returns the step to take next. With a plan it is the step that `rotate` takes. Without one it is the step that a
 * person may take, who decides how long a share is held and when a new key is due.
 */
export function nextStep(
  ring: KeyRingDocument,
  plan: RotationPlan | undefined,
  now: number,
  uses: readonly KeyUse[] | undefined,
): NextStep {
  const { current, previous, rollout } = ring;
  if (rollout !== undefined) return nextCanaryStep(ring, rollout, plan, now);
  const reverted = findRevertedPending(ring);
  if (reverted !== undefined) {
    const { name, revertedAt } = reverted;
    const advice = '`stage` another key once it is clear why';
    const reason = `${name} was reverted at ${revertedAt}, ${current} is in use; ${advice}`;
    return { step: 'stage', version: name, reason, isBlocked: true };
  }
  // Without a rollout a pending version is one that is being minted.
  const pending = findPending(ring);
  const old = findVersion(ring, previous);
  if (previous !== undefined && old !== undefined) {
    const { revertedAt, notAfter } = old;
    if (revertedAt !== undefined) {
      const reason = `${previous} was reverted at ${revertedAt}, ${current} is in use; \`retire\` it once it is clear why`;
      return { step: 'retire', version: previous, reason, isBlocked: true };
    }
    const inUse = describeRecentUse(uses, previous, now - QUIET_MS);
    if (!isAhead(notAfter, now) && inUse !== undefined) {
      return { step: 'wait', version: previous, reason: `${inUse}; \`retire\` it once that has moved on` };
    }
    if (!isAhead(notAfter, now)) {
      const reason = `the overlap of ${previous} is over; check that the price API no longer needs it`;
      return { step: 'retire', version: previous, reason };
    }
    if (pending === undefined) {
      const reason = `${previous} is kept until ${notAfter}, then \`retire\` it; until then \`revert\` goes back to it`;
      return { step: 'wait', version: previous, reason };
    }
  }
  if (pending !== undefined) {
    const advice = 'run `stage` again to finish it, or `revert` it';
    const reason = `${pending} was being minted when the last run stopped; ${advice}`;
    return { step: 'stage', version: pending, reason };
  }
  const age = getAge(ring, current, now);
  const days = Math.floor(age / DAY_MS);
  const isKnown = Number.isFinite(days);
  const howOld = isKnown ? `${String(days)} ${days === 1 ? 'day' : 'days'} old` : 'of unknown age (its `createdAt`)';
  const inUse = `${current} is in use and ${howOld}`;
  const reason = `${inUse}; \`stage\` a new key when it is due`;
  return { step: plan !== undefined && age >= plan.maxAge ? 'stage' : 'nothing', version: current, reason };
}

function nextCanaryStep(
  ring: KeyRingDocument,
  { pending, percent, startedAt, revertedAt }: RingRollout,
  plan: RotationPlan | undefined,
  now: number,
): NextStep {
  const version = pending;
  if (revertedAt !== undefined) {
    const advice = '`revert` it, or start another `canary` once it is clear why';
    const reason = `clients gave up on ${pending} at ${revertedAt}; ${advice}`;
    return { step: 'revert', version, reason, isBlocked: true };
  }
  const share = `${String(percent)} % of the clients try`;
  const reason =
    percent === 0
      ? `${pending} is staged and no client uses it; try it on a share of the clients, or \`promote\` it`
      : `${share} ${pending} since ${startedAt}; or raise the \`canary\`, or \`revert\` it`;
  if (plan !== undefined) {
    // A share of 0 proves nothing, so it is not held.
    if (percent > 0 && now < Date.parse(startedAt) + plan.dwell) return { step: 'wait', version, reason };
    const next = plan.canary.find((each) => each > percent);
    if (next !== undefined) return { step: 'canary', percent: next, version, reason };
  }
  const keptUntil = findVersion(ring, ring.previous)?.notAfter;
  if (isAhead(keptUntil, now)) {
    const kept = `${String(ring.previous)} is kept until ${keptUntil}, then \`promote\` ${pending}`;
    return { step: 'wait', version, reason: `${kept}; meanwhile ${share} it` };
  }
  if (plan === undefined && percent === 0) return { step: 'canary', percent: FIRST_PERCENT, version, reason };
  return { step: 'promote', version, reason };
}

/** Returns the state of a ring, for people and programs. */
export function describeRing(ring: KeyRingDocument, now: number, uses: readonly KeyUse[] | undefined): RotationStatus {
  const { name, revision, current, previous, rollout } = ring;
  const toMs = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));
  const { step, reason } = nextStep(ring, undefined, now, uses);
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
      .map(([version, { state, fingerprint }]) => ({
        version,
        state,
        fingerprint,
        age: getAge(ring, version, now),
        ...(uses !== undefined && summarizeUse(uses, version)),
      })),
    nextStep: `${step}: ${reason}.`,
  };
}

/** Returns who has used a version since `since`, in words, or `undefined` if nobody has. */
export function describeRecentUse(
  uses: readonly KeyUse[] | undefined,
  version: string,
  since: number,
): string | undefined {
  const recent = uses?.filter((use) => use.version === version && use.at > since).toSorted((a, b) => b.at - a.at);
  const [latest] = recent ?? [];
  if (recent === undefined || latest === undefined) return undefined;
  const { length } = recent;
  const others = length === 1 ? '' : ` and ${String(length - 1)} other ${length === 2 ? 'instance' : 'instances'}`;
  return `${showText(latest.instance)}${others} used ${version} as late as ${new Date(latest.at).toISOString()}`;
}

/** Returns how long ago a version was made, in ms. One whose time cannot be read is as old as can be: nobody may wait for ever. */
export function getAge(ring: KeyRingDocument, name: string, now: number): number {
  const age = now - Date.parse(findVersion(ring, name)?.createdAt ?? '');
  return Number.isNaN(age) ? Infinity : Math.max(0, age);
}

export function isAhead(time: string | undefined, now: number): time is string {
  return time !== undefined && Date.parse(time) > now;
}
