import { nodeCrypto } from '../util/node-builtins.js';
import { CANARY_REFUSALS, CANARY_WINDOW } from '../cache/timing.js';
import type { Rollout } from '../types.js';

let processId: string | undefined;

/** Where an instance stands from 0 to 100: the same place for every percentage, so that raising it moves nobody out. */
function bucketOf(instanceId: string | undefined): number {
  const id = instanceId ?? (processId ??= nodeCrypto().randomUUID());
  return (nodeCrypto().createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32) * 100;
}

/** One client's part in a canary: whether it uses the `pending` key, and when it gives that up. */
export class Canary {
  readonly #instanceId: string | undefined;
  #bucket: number | undefined;
  /** The rollout this client gave up on. */
  #left: string | undefined;
  #following: string | undefined;
  #refusals: boolean[] = [];

  constructor(instanceId: string | undefined) {
    this.#instanceId = instanceId;
  }

  /** Whether this client would use `pending` as a last resort: it has not given up on the rollout. */
  trusts(rollout: Rollout): boolean {
    return rollout.id !== this.#left;
  }

  /** Whether this client uses `pending` under `rollout`. */
  takesPart(rollout: Rollout): boolean {
    if (rollout.pendingPercent <= 0 || rollout.id === this.#left) return false;
    if (rollout.id !== this.#following) {
      this.#following = rollout.id;
      this.#refusals = [];
    }
    this.#bucket ??= bucketOf(this.#instanceId);
    return this.#bucket < rollout.pendingPercent;
  }

  /**
   * A call with `pending` ended. `refused` counts only when `current` then succeeded: a price API that refuses every key
   * says nothing about this one. Returns the number of refusals when it is time to give up, once.
   */
  ended(refused: boolean): number | undefined {
    // Both are undefined until there is a rollout to follow.
    if (this.#following === this.#left) return undefined;
    this.#refusals.push(refused);
    if (this.#refusals.length > CANARY_WINDOW) this.#refusals.shift();
    const refusals = this.#refusals.filter(Boolean).length;
    if (refusals < CANARY_REFUSALS) return undefined;
    this.#left = this.#following;
    return refusals;
  }
}
