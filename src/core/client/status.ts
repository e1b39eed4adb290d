import type { CachedKey } from '../cache/cached-key.js';
import type { ClientState } from '../state/client-state.js';
import type { KeyStatus } from '../types.js';

/** Returns a client's status. Loads and changes nothing. */
export function readStatus(client: ClientState): KeyStatus {
  const { keys, cache, options, stage } = client;
  const { calls, rejections, repairs, retries } = client;
  const { lastError, retryAt, cooldownUntil } = stage.backoff;
  // The current key serves until the pending one is there, and while it cannot be loaded.
  const held = keys.getUsableKey(stage) ?? (stage.name === 'pending' ? keys.getUsableKey(keys.current) : undefined);
  const refusal = client.isClosing ? undefined : client.refusal?.();
  // Other clients may have loaded the key again for themselves.
  const key = refusal === undefined ? held : undefined;
  const now = options.clock.monotonic();
  const retryAfter = Math.ceil(Math.max(retryAt, cooldownUntil) - now);
  const status: KeyStatus = {
    name: client.name,
    state: readState(client, key),
    loading: keys.stages.some(({ pendingLoad }) => pendingLoad !== undefined),
    counts: { calls, rejections, repairs, retries, ...cache.counts },
  };
  if (key !== undefined) {
    const { version, stage: keyStage, fingerprint, lifetime } = key;
    const { createdAt, loadedAt, expiresAt, purgeAt } = lifetime;
    Object.assign(status, { version, stage: keyStage, fingerprint, loadedAt, expiresAt, purgeAt });
    if (createdAt !== undefined) status.createdAt = createdAt;
  }
  if (retryAfter > 0) status.retryAfter = retryAfter;
  const lastCode = refusal?.code ?? lastError?.code;
  if (lastCode !== undefined) status.lastErrorCode = lastCode;
  return status;
}

function readState(client: ClientState, key: CachedKey | undefined): KeyStatus['state'] {
  if (client.isClosing) return 'closed';
  if (key === undefined)
    return client.options.clock.monotonic() < client.stage.backoff.retryAt ? 'backing-off' : 'empty';
  if (client.isGateClosed) return 'rejected';
  if (key.verdict !== 'good') return key.verdict;
  return client.keys.isFresh(key) ? 'fresh' : 'stale';
}
