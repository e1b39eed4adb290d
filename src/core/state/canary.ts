import { CANARY_REFUSALS, CANARY_WINDOW } from '../cache/timing.js';
import type { Rollout } from '../types.js';
import { nodeCrypto } from '../util/node-builtins.js';

let processId: string | undefined;

/** Returns an instance's bucket, from 0 to 100. It never changes, so that raising the percentage moves nobody out. */
function computeBucket(instanceId: string | undefined): number {
  const id = instanceId ?? (processId ??= nodeCrypto().randomUUID());
  return (nodeCrypto().createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32) * 100;
}

/** One client's part in a canary: whether it uses the `pending` key, and when it stops. */
export class Canary {
  readonly #instanceId: string | undefined;
  #bucket: number | undefined;
  #followedRollout: string | undefined;
  /** The rollout that this client has left. */
  #leftRollout: string | undefined;
  #refusals: boolean[] = [];

  constructor(instanceId: string | undefined) {
    this.#instanceId = instanceId;
  }

  /** Returns whether this client may use `pending` as a last resort: it has not left the rollout. */
  mayFallBackToPending(rollout: Rollout): boolean {
    return rollout.id !== this.#leftRollout;
  }

  /** Returns whether this client uses `pending` under `rollout`. */
  usesPending(rollout: Rollout): boolean {
    if (rollout.pendingPercent <= 0 || rollout.id === this.#leftRollout) return false;
    if (rollout.id !== this.#followedRollout) {
      this.#followedRollout = rollout.id;
      this.#refusals = [];
    }
    this.#bucket ??= computeBucket(this.#instanceId);
    return this.#bucket < rollout.pendingPercent;
  }

  /**
   * Notes how a call with `pending` ended. A refusal counts only if `current` then succeeded: an API that refuses every
   * key proves nothing about this one. Returns the number of refusals when this client leaves the canary, once.
   */
  addResult(refused: boolean): number | undefined {
    // Both are undefined until there is a rollout to follow.
    if (this.#followedRollout === this.#leftRollout) return undefined;
    this.#refusals.push(refused);
    if (this.#refusals.length > CANARY_WINDOW) this.#refusals.shift();
    const refusals = this.#refusals.filter(Boolean).length;
    if (refusals < CANARY_REFUSALS) return undefined;
    this.#leftRollout = this.#followedRollout;
    return refusals;
  }
}
