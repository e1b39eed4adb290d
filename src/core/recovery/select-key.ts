import type { ClientState } from '../state/client-state.js';
import type { GoldKeyError } from '../errors.js';
import { CachedKey } from '../cache/cached-key.js';
import type { StageState } from '../cache/stage-state.js';

/** The key for a client's next run, when the warm path has none: loaded, waited for, stale, or another stage's. */
export async function chooseKey(core: ClientState): Promise<CachedKey | GoldKeyError> {
  const { cache, slot } = core;
  const { preferred } = slot;
  // Who uses `pending` must still hear of the rollout, which is read with `current`.
  if (slot.stage !== 'current') cache.keepUp(core.shelf.current);
  if (preferred !== undefined) {
    cache.keepUp(slot);
    const found = await cache.obtain(preferred);
    if (found instanceof CachedKey) return found;
    slot.preferred = undefined;
  }
  const found = await cache.obtain(slot);
  if (found instanceof CachedKey || (found.retryable && slot.stage !== 'pending')) return found;
  for (const other of otherStages(core, slot)) {
    const instead = await cache.obtain(other);
    if (instead instanceof CachedKey) return instead;
  }
  return found;
}

/** The same, and again when the key was zeroed in the turn in which it was chosen. */
export async function chooseLivingKey(
  core: ClientState,
  call: { readonly settled: boolean },
): Promise<CachedKey | GoldKeyError> {
  for (;;) {
    const found = await chooseKey(core);
    if (!(found instanceof CachedKey) || !found.gone || call.settled) return found;
  }
}

/** The stages to fall back on, in order. Without a rollout `pending` is never used. */
export function otherStages({ shelf, trustsPending }: ClientState, slot: StageState): StageState[] {
  const current = slot.stage === 'current' ? [] : [shelf.current];
  const previous = slot.stage === 'previous' ? [] : [shelf.slot('previous')];
  const pending = slot.stage === 'pending' || !trustsPending ? [] : [shelf.slot('pending')];
  return [...current, ...previous, ...pending];
}
