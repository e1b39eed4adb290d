import { checkOptionNames, checkInteger, invalidType } from '../../core/index.js';
import type { KeyRotationManager } from './key-rotation-manager.js';
import { checkPercent } from './move-stages.js';
import { refused } from './step-refused.js';
import { versionOf } from '../ring/document.js';
import { checkSignal } from './options.js';
import { droppedOf, pendingOf } from '../ring/transitions.js';
import { ageOf } from './status.js';
import type { KeyRingDocument, RotateOptions } from '../ring/types.js';

const CANARY = [10, 50];
const DWELL = 3_600_000;
const MAX_AGE = 7_776_000_000;

/** What `rotate` may do, complete. */
interface Plan {
  readonly canary: readonly number[];
  readonly dwell: number;
  readonly overlap: number | undefined;
  readonly maxAge: number;
}

/** Holds the options of `rotate` to their types. */
export function checkPlan(of: string, options: RotateOptions, more: readonly string[] = []): Plan {
  checkOptionNames(of, options, ['canary', 'dwell', 'overlap', 'maxAge', 'signal', ...more]);
  const { canary = CANARY, overlap } = options;
  checkSignal(options.signal);
  if (!Array.isArray(canary)) throw invalidType('`canary` must be an array of percentages.');
  for (const [index, percent] of (canary as readonly unknown[]).entries())
    checkPercent(`canary[${String(index)}]`, percent);
  if (overlap !== undefined) checkInteger('overlap', overlap, 0, 1);
  return {
    canary: (canary as readonly number[]).toSorted((a, b) => a - b),
    dwell: checkInteger('dwell', options.dwell, DWELL, 0),
    overlap,
    maxAge: checkInteger('maxAge', options.maxAge, MAX_AGE, 1, Number.MAX_SAFE_INTEGER),
  };
}

/** Takes the one step that is due in `ring`, if one is. */
export async function rotateOnce(
  manager: KeyRotationManager,
  ring: KeyRingDocument,
  plan: Plan,
  about: { now: number; canMint: boolean; signal: AbortSignal | undefined },
): Promise<void> {
  const { now, canMint, signal } = about;
  const { revision, rollout, previous, current } = ring;
  const pending = pendingOf(ring);
  const on = { revision, signal };
  if (rollout !== undefined) {
    const { percent, startedAt, revertedAt } = rollout;
    if (revertedAt !== undefined) {
      throw refused(
        'rotate',
        `clients gave up on ${rollout.pending} at ${revertedAt}: revert it, or start another canary`,
        rollout.pending,
      );
    }
    // A share that nobody uses yet has nothing to prove.
    if (percent > 0 && now < Date.parse(startedAt) + plan.dwell) return;
    const share = plan.canary.find((next) => next > percent);
    if (share !== undefined) return manager.canary(share, on);
    const kept = versionOf(ring, previous)?.notAfter;
    if (kept !== undefined && Date.parse(kept) > now) return;
    return manager.promote({ ...on, overlap: plan.overlap });
  }
  const last = droppedOf(ring);
  if (last !== undefined) {
    const way = 'look why, then `stage` another key';
    throw refused('rotate', `${last.name} was reverted at ${last.revertedAt}: ${way}`, last.name);
  }
  const old = versionOf(ring, previous);
  if (previous !== undefined && old !== undefined) {
    if (old.revertedAt !== undefined) {
      throw refused('rotate', `${previous} was reverted at ${old.revertedAt}: look why, then retire it`, previous);
    }
    if (old.notAfter === undefined || Date.parse(old.notAfter) <= now) return manager.retire(on);
    if (pending === undefined) return;
  }
  if (!canMint || (pending === undefined && ageOf(ring, current, now) < plan.maxAge)) return;
  await manager.stage(undefined, on);
}
