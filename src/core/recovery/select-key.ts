import { CachedKey } from '../cache/cached-key.js';
import type { StageState } from '../cache/stage-state.js';
import type { GoldKeyError } from '../errors.js';
import type { ClientState } from '../state/client-state.js';

/**
 * Resolves to the key for a client's next run when none is warm: loaded, stale, or another stage's. Never rejects. Who
 * uses the key checks `isGone` first: `evict()` may have zeroed it meanwhile.
 */
export async function selectKey(client: ClientState): Promise<CachedKey | GoldKeyError> {
  const { cache, stage } = client;
  const { preferred } = stage;
  // A client that uses `pending` still has to learn of the rollout, which is read with `current`.
  if (stage.name !== 'current') cache.refreshIfDue(client.keys.current);
  if (preferred !== undefined) {
    cache.refreshIfDue(stage);
    const key = await cache.getOrLoad(preferred);
    if (key instanceof CachedKey) return key;
    stage.prefer(undefined);
  }
  const result = await cache.getOrLoad(stage);
  if (result instanceof CachedKey || (result.retryable && stage.name !== 'pending')) return result;
  for (const other of listFallbackStages(client, stage)) {
    const key = await cache.getOrLoad(other);
    if (key instanceof CachedKey) return key;
  }
  return result;
}

/** Returns the stages to fall back on, in order. Without a rollout `pending` is never one of them. */
export function listFallbackStages({ keys, mayFallBackToPending }: ClientState, stage: StageState): StageState[] {
  const current = stage.name === 'current' ? [] : [keys.current];
  const pending = stage.name === 'pending' || !mayFallBackToPending ? [] : [keys.stage('pending')];
  return [...current, keys.stage('previous'), ...pending];
}
