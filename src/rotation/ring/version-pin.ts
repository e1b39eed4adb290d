import { invalidType, describeType, type Rollout, type Stage } from '../../core/index.js';
import { findVersion } from './document.js';
import { wasFolded } from './transitions.js';
import type { KeyRingDocument } from './types.js';

/** Maps stages to versions, with or without `pinnedVersion`. */
export interface Pin {
  readonly name: string | undefined;
  /** Returns the version of a stage. */
  versionFor(stage: Stage, ring: KeyRingDocument): string | undefined;
  /** Returns the rollout that clients follow. */
  rolloutFor(ring: KeyRingDocument): Rollout;
}

const NO_PIN: Pin = {
  name: undefined,
  versionFor(stage, { current, previous, rollout }) {
    if (stage === 'current') return current;
    if (stage === 'previous') return previous;
    // Not after a client gave up on it.
    return rollout?.revertedAt === undefined ? rollout?.pending : undefined;
  },
  rolloutFor(ring) {
    const { rollout, previous } = ring;
    const notAfter = findVersion(ring, previous)?.notAfter;
    return {
      id: rollout?.id ?? '',
      pendingPercent: rollout === undefined || rollout.revertedAt !== undefined ? 0 : rollout.percent,
      previousUntil: notAfter === undefined ? undefined : Date.parse(notAfter),
    };
  },
};

/** Checks the option `pinnedVersion`. An empty string counts as unset. */
export function parsePin(pinned: unknown): Pin {
  if (pinned === undefined || pinned === '') return NO_PIN;
  if (typeof pinned !== 'string') throw invalidType(`\`pinnedVersion\` must be a string, got ${describeType(pinned)}.`);
  const isRetired = (ring: KeyRingDocument): boolean =>
    findVersion(ring, pinned)?.state === 'retired' || wasFolded(ring, pinned);
  return {
    name: pinned,
    versionFor(stage, ring) {
      if (isRetired(ring)) return NO_PIN.versionFor(stage, { ...ring, rollout: undefined });
      if (stage === 'current') return pinned;
      // The ring's own versions are the fallbacks, in their order.
      const fallbacks = [ring.current, ring.previous].filter((name) => name !== pinned);
      return fallbacks[stage === 'previous' ? 0 : 1];
    },
    // The ids differ, so that clients report it when the pinned version is retired.
    rolloutFor: (ring) => ({ id: `${isRetired(ring) ? 'retired-pin' : 'pinned'}:${pinned}`, pendingPercent: 0 }),
  };
}
