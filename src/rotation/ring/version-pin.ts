import { invalidType, describeType, type Rollout, type Stage } from '../../core/index.js';
import { versionOf } from './document.js';
import type { KeyRingDocument } from './types.js';

/** Which version a stage is, under a ring alone or under a pin. */
export interface Pin {
  /** The version asked for, if any. */
  readonly name: string | undefined;
  versionFor(stage: Stage, ring: KeyRingDocument): string | undefined;
  rolloutOf(ring: KeyRingDocument): Rollout;
}

/** What `pinnedVersion` asks for; an empty string is unset. */
export function pinOf(pinned: unknown): Pin {
  if (pinned === undefined || pinned === '') return NO_PIN;
  if (typeof pinned !== 'string') throw invalidType(`\`pinnedVersion\` must be a string, got ${describeType(pinned)}.`);
  const inForce = (ring: KeyRingDocument): boolean => versionOf(ring, pinned)?.state !== 'retired';
  return {
    name: pinned,
    versionFor(stage, ring) {
      if (!inForce(ring)) return NO_PIN.versionFor(stage, { ...ring, rollout: undefined });
      // The pinned version in the place of `current`, and behind it what the ring has, in its order.
      const fallbacks = [ring.current, ring.previous].filter((name) => name !== pinned);
      return stage === 'current' ? pinned : fallbacks[stage === 'previous' ? 0 : 1];
    },
    // Its own id, so that the change is told when a pin stops to hold.
    rolloutOf: (ring) => ({ id: `${inForce(ring) ? 'pinned' : 'retired-pin'}:${pinned}`, pendingPercent: 0 }),
  };
}

const NO_PIN: Pin = {
  name: undefined,
  versionFor(stage, { current, previous, rollout }) {
    if (stage === 'current') return current;
    if (stage === 'previous') return previous;
    // A client gave up on it: nobody is to use it.
    return rollout?.revertedAt === undefined ? rollout?.pending : undefined;
  },
  rolloutOf({ rollout, previous, versions }) {
    const notAfter = previous === undefined ? undefined : versions[previous]?.notAfter;
    return {
      id: rollout?.id ?? '',
      pendingPercent: rollout === undefined || rollout.revertedAt !== undefined ? 0 : rollout.percent,
      previousUntil: notAfter === undefined ? undefined : Date.parse(notAfter),
    };
  },
};
