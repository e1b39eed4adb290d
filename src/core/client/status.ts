import type { ClientState } from '../state/client-state.js';
import type { CachedKey } from '../cache/cached-key.js';
import type { StageState } from '../cache/stage-state.js';
import type { KeyStatus } from '../types.js';

/** What a client holds now, read without touching anything. */
export function readStatus(core: ClientState): KeyStatus {
  const { shelf, cache, options, slot } = core;
  const { calls, rejections, repairs, retries } = core;
  const { lastError } = slot;
  // Until the pending key has come, and where it cannot be loaded, the current one serves.
  const record = shelf.usable(slot) ?? (slot.stage === 'pending' ? shelf.usable(shelf.current) : undefined);
  const mono = options.clock.monotonic();
  const wait = Math.ceil(Math.max(slot.retryAt, slot.cooldownUntil) - mono);
  const status: KeyStatus = {
    name: core.name,
    state: stateOf(core, slot, record),
    loading: shelf.slots.some(({ flight }) => flight !== undefined),
    counts: { calls, rejections, repairs, retries, ...cache.counts },
  };
  if (record !== undefined) {
    const { version, stage, fingerprint, life } = record;
    const { loadedAt, expiresAt, purgeAt } = life;
    Object.assign(status, { version, stage, fingerprint, loadedAt, expiresAt, purgeAt });
  }
  if (wait > 0) status.retryAfter = wait;
  if (lastError !== undefined) status.lastErrorCode = lastError.code;
  return status;
}

function stateOf(core: ClientState, slot: StageState, record: CachedKey | undefined): KeyStatus['state'] {
  if (core.closing) return 'closed';
  if (record === undefined) return core.options.clock.monotonic() < slot.retryAt ? 'backing-off' : 'empty';
  if (record.standing !== 'good') return record.standing;
  return core.shelf.isFresh(record) ? 'fresh' : 'stale';
}
