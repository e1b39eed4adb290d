import { byName, versionOf } from '../ring/document.js';
import { droppedOf, pendingOf } from '../ring/transitions.js';
import type { KeyRingDocument, RotationStatus } from '../ring/types.js';

const DAY = 86_400_000;

/** Where a ring stands, for people and programs. */
export function statusOf(ring: KeyRingDocument, now: number): RotationStatus {
  const { name, revision, current, previous, rollout } = ring;
  const notAfter = versionOf(ring, previous)?.notAfter;
  return {
    name,
    revision,
    current,
    pending: pendingOf(ring),
    previous,
    percent: rollout?.percent ?? 0,
    revertedAt: rollout?.revertedAt === undefined ? undefined : Date.parse(rollout.revertedAt),
    previousUntil: notAfter === undefined ? undefined : Date.parse(notAfter),
    versions: Object.entries(ring.versions)
      .toSorted(([a], [b]) => byName(a, b))
      .map(([version, { state, fingerprint }]) => ({ version, state, fingerprint, age: ageOf(ring, version, now) })),
    nextStep: nextStep(ring, now),
  };
}

/** How long ago a version was made, in ms. */
export function ageOf(ring: KeyRingDocument, name: string, now: number): number {
  const age = now - Date.parse(versionOf(ring, name)?.createdAt ?? '');
  return Number.isNaN(age) ? 0 : Math.max(0, age);
}

function nextStep(ring: KeyRingDocument, now: number): string {
  const { current, previous, rollout } = ring;
  const pending = pendingOf(ring);
  if (pending !== undefined && rollout === undefined) {
    return `stage: ${pending} was being minted when it was left; running \`stage\` again finishes it, \`revert\` drops it.`;
  }
  if (rollout?.revertedAt !== undefined) {
    return `revert: clients gave up on ${rollout.pending} at ${rollout.revertedAt}; or start another \`canary\` once it is clear why.`;
  }
  if (rollout !== undefined) {
    const kept = versionOf(ring, previous)?.notAfter;
    if (kept !== undefined && Date.parse(kept) > now) {
      return `wait: ${String(previous)} is kept until ${kept}, then \`promote\` ${rollout.pending}; meanwhile ${String(rollout.percent)} % of the clients try it.`;
    }
    const share = `${String(rollout.percent)} % of the clients try ${rollout.pending} since ${rollout.startedAt}`;
    return rollout.percent === 0
      ? `canary: ${rollout.pending} is staged and nobody uses it; try it on a share of the clients, or \`promote\` it.`
      : `promote: ${share}; or raise the \`canary\`, or \`revert\` it.`;
  }
  const old = versionOf(ring, previous);
  if (previous !== undefined && old !== undefined) {
    if (old.revertedAt !== undefined)
      return `retire: ${previous} was reverted at ${old.revertedAt}; ${current} is in use.`;
    const until = old.notAfter;
    if (until !== undefined && Date.parse(until) > now) {
      return `wait: ${previous} is kept until ${until}, then \`retire\` it; until then \`revert\` goes back to it.`;
    }
    return `retire: the overlap of ${previous} is over; check that the price API no longer needs it.`;
  }
  const last = droppedOf(ring);
  if (last !== undefined) {
    return `stage: ${last.name} was reverted at ${last.revertedAt}, ${current} is in use; \`stage\` another key once it is clear why.`;
  }
  const days = Math.floor(ageOf(ring, current, now) / DAY);
  return `nothing: ${current} is in use and ${String(days)} ${days === 1 ? 'day' : 'days'} old; \`stage\` a new key when it is due.`;
}
