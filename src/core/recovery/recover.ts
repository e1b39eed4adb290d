import { CachedKey } from '../cache/cached-key.js';
import type { StageState } from '../cache/stage-state.js';
import { MAX_REPEATS } from '../cache/timing.js';
import { KeyRejectedError, type GoldKeyError } from '../errors.js';
import { invalidType, type CheckedRetry } from '../options.js';
import type { ClientState } from '../state/client-state.js';
import type { Outcome } from '../types.js';
import { cancelBody, isResponse, isTransientFailure, isUnauthorized, readRetryAfter } from './outcome.js';
import { computeRetryDelay, withRetries } from './retry.js';
import { nodeTypes } from '../util/node-builtins.js';
import { countForEvent } from '../util/throttle.js';
import { listFallbackStages, selectKey } from './select-key.js';

/** A call, as its recovery sees it. */
export interface RecoverableCall {
  readonly client: ClientState;
  /** The key of the last run. */
  readonly key: CachedKey;
  readonly once: boolean;
  /** True once the caller has an answer: nothing is run any more. */
  readonly settled: boolean;
  /** Aborts when the call ends early. */
  readonly endSignal: AbortSignal;
  /** Number of runs so far. */
  readonly attempt: number;
  getTimeLeft(): number;
  /** Runs the caller's function once more. */
  run(key: CachedKey): Promise<Outcome>;
}

/** A call's outcome. A `final` one is not retried. */
interface CallOutcome extends Outcome {
  final?: boolean;
}

/** Carries a transient failure through the retry loop. */
class TransientFailure {
  readonly outcome: CallOutcome;

  constructor(outcome: CallOutcome) {
    this.outcome = outcome;
  }
}

/**
 * Turns the outcome of a call's first run into the call's outcome: a refused key is repaired, a transient failure is
 * retried. Nothing is run once the caller has an answer.
 */
export async function recover(call: RecoverableCall, first: Outcome): Promise<CallOutcome> {
  const { retry } = call.client.options;
  const rejectedKeys = new RejectedKeys(call.client);
  const outcome = await repair(call, first, rejectedKeys);
  if (retry === undefined || call.once || call.settled || !isTransient(call.client, outcome)) return outcome;
  return retryTransient(call, outcome, rejectedKeys, retry);
}

/** Runs the function again with another key while the price API refuses the keys it gets, twice at most. */
async function repair(call: RecoverableCall, first: Outcome, rejectedKeys: RejectedKeys): Promise<CallOutcome> {
  const isKeyRejected = call.client.options.isKeyRejected ?? isUnauthorized;
  let outcome = first;
  for (;;) {
    if (call.settled) return outcome;
    const { key } = call;
    let isRejected: boolean;
    try {
      const verdict = isKeyRejected(outcome);
      // Awaited only if it is a promise: a caller that fails for another reason has its error a turn earlier.
      isRejected = typeof verdict === 'boolean' ? verdict : await verdict;
    } catch (error) {
      cancelBody(outcome.result);
      throw error;
    }
    if (!isRejected) {
      if (isSuccess(outcome)) rejectedKeys.noteSuccess(key);
      return outcome;
    }
    let next = await rejectedKeys.findReplacement(key, call.once);
    while (next?.isGone === true && !call.settled) {
      const again = await selectKey(call.client);
      next = again instanceof CachedKey && !rejectedKeys.includes(again) ? again : undefined;
    }
    cancelBody(outcome.result);
    if (next === undefined) return { error: rejectedKeys.refuseCall(outcome), final: true };
    if (call.settled) return outcome;
    outcome = await call.run(next);
  }
}

/** Runs the function again, with pauses, while its failures are transient. A refused key is repaired in between. */
async function retryTransient(
  call: RecoverableCall,
  first: CallOutcome,
  rejectedKeys: RejectedKeys,
  retry: CheckedRetry,
): Promise<CallOutcome> {
  const { client } = call;
  const { clock } = client.options;
  let last = first;
  const run = async (attempt: number): Promise<CallOutcome> => {
    if (attempt > 1) {
      let key: CachedKey | undefined;
      do {
        const selected = await selectKey(client);
        if (call.settled) return last;
        if (!(selected instanceof CachedKey)) {
          cancelBody(last.result);
          return { error: selected };
        }
        // A call never repeats a key that it was refused with. The key that met the failure was not refused.
        const failed = call.key.isZeroed ? undefined : call.key;
        key = rejectedKeys.includes(selected) ? (failed ?? (await rejectedKeys.findFallback(selected))) : selected;
        if (call.settled || key === undefined) return last;
      } while (key.isGone);
      cancelBody(last.result);
      last = await repair(call, await call.run(key), rejectedKeys);
    }
    if (isTransient(client, last)) throw new TransientFailure(last);
    return last;
  };
  try {
    return await withRetries(run, {
      retries: retry.retries,
      clock,
      signal: call.endSignal,
      getDelay(error, retried) {
        if (!(error instanceof TransientFailure) || call.settled) return undefined;
        const asked = readRetryAfter(error.outcome, clock.now()) ?? 0;
        const pause = Math.max(computeRetryDelay(retry, retried), asked);
        return pause < call.getTimeLeft() ? pause : undefined;
      },
      onRetry(_, delay) {
        client.retries++;
        client.emit('retry', call.key, { attempt: call.attempt + 1, delay });
      },
    });
  } catch (error) {
    if (error instanceof TransientFailure) return error.outcome;
    // The call ended during a pause.
    cancelBody(last.result);
    throw error;
  }
}

/** The keys that one call was refused with, and what it has tried since. */
class RejectedKeys {
  readonly #client: ClientState;
  readonly #digests: string[] = [];
  readonly #reloaded: StageState[] = [];
  readonly #refusedStages: StageState[] = [];
  #first: CachedKey | undefined;
  #firstPending: CachedKey | undefined;
  #loadError: GoldKeyError | undefined;
  #repeats = 0;

  constructor(client: ClientState) {
    this.#client = client;
  }

  includes(key: CachedKey): boolean {
    return this.#digests.includes(key.digest);
  }

  /** The price API refused `key`. Resolves to the key to run the function again with, if there is one. */
  async findReplacement(key: CachedKey, once: boolean): Promise<CachedKey | undefined> {
    const client = this.#client;
    const stage = client.keys.stage(key.stage);
    client.rejections++;
    const count = countForEvent(client, `rejected ${key.stage}`, client.options.clock.monotonic());
    if (count !== undefined) client.emit('key-rejected', key, { count });
    if (this.#first === undefined) client.noteRefusal(key);
    this.#first ??= key;
    this.#digests.push(key.digest);
    this.#refusedStages.push(stage);
    if (stage.name === 'pending') this.#firstPending ??= key;
    if (once) {
      // This call ends here, but the key is loaded again: the next call should not meet the same refusal.
      const isReplaced = stage.key !== undefined && stage.key.digest !== key.digest;
      if (stage.name !== 'pending' && !isReplaced) client.cache.reloadRefused(stage);
      return undefined;
    }
    if (this.#repeats >= MAX_REPEATS) return undefined;
    this.#repeats++;
    const newer = stage.name === 'pending' ? undefined : await this.#findNewer(stage, key);
    if (newer !== undefined) return newer;
    if (this.#loadError?.retryable === true) return undefined;
    return this.findFallback(key);
  }

  /** Resolves to the stage's key if it differs from the refused one, after at most one reload by this call. */
  async #findNewer(stage: StageState, refused: CachedKey): Promise<CachedKey | undefined> {
    const { cache, keys } = this.#client;
    for (;;) {
      const held = keys.getUsableKey(stage);
      if (held !== undefined && !this.includes(held)) return held;
      const load = stage.pendingLoad;
      if (load !== undefined && !this.#reloaded.includes(stage)) {
        // A pending load is joined. An ordinary one may only confirm the version it knows; a forced one then follows it.
        if (load.reason !== 'needed') this.#reloaded.push(stage);
        const { key, error } = await load.result;
        if (key !== undefined && !this.includes(key)) return key;
        if (error !== undefined && !load.detached) {
          this.#loadError = error;
          return undefined;
        }
        continue;
      }
      if (this.#reloaded.includes(stage)) return undefined;
      const blockedBy = cache.loader.getBlockingError(stage);
      if (blockedBy !== undefined) {
        this.#loadError = blockedBy;
        return undefined;
      }
      if (!cache.mayForceLoad(stage)) {
        if (held?.digest === refused.digest) stage.keyRejected(held);
        return undefined;
      }
      cache.loader.start(stage, 'rejection', false);
    }
  }

  /** Resolves to a key of another stage that this call was not refused with. */
  async findFallback({ stage }: CachedKey): Promise<CachedKey | undefined> {
    const client = this.#client;
    for (const other of listFallbackStages(client, client.keys.stage(stage))) {
      const key = await client.cache.getOrLoad(other);
      if (key instanceof CachedKey && !this.includes(key)) return key;
    }
    return undefined;
  }

  /** A run succeeded with `key`. If others were refused before it, the call is repaired. */
  noteSuccess(key: CachedKey): void {
    const client = this.#client;
    const stage = client.keys.stage(key.stage);
    client.openGate();
    if (key.stage === 'pending') noteCanaryResult(client, key, false);
    if (key.firstSuccessPending !== undefined) {
      stage.keySucceeded(key);
      client.reportUse(key);
    }
    const first = this.#first;
    if (first === undefined) return;
    client.repairs++;
    stage.prefer(undefined);
    const refusedStage = client.keys.stage(first.stage);
    const isStillRefused = this.#digests.some((digest) => digest === refusedStage.digest);
    if (stage !== refusedStage && first.stage !== 'pending' && isStillRefused) refusedStage.prefer(stage);
    if (this.#firstPending !== undefined && key.stage === 'current') noteCanaryResult(client, this.#firstPending, true);
    client.emit('repaired', key, { from: first.version });
  }

  /** Refuses the call, because no key is left to try. Returns the caller's error. */
  refuseCall(outcome: Outcome): KeyRejectedError {
    this.#client.closeGateIfDue();
    return this.#createError(outcome);
  }

  #createError(outcome: Outcome): KeyRejectedError {
    const { options, keys } = this.#client;
    // The call is refused only after a key was.
    const { version } = this.#first as CachedKey;
    const times = [keys.current, ...this.#refusedStages].flatMap(({ backoff: { cooldownUntil, retryAt } }) => [
      cooldownUntil,
      retryAt,
    ]);
    const pause = Math.ceil(Math.max(...times) - options.clock.monotonic());
    const retryAfter = Math.max(pause, this.#loadError?.retryAfter ?? 0);
    const causes: unknown[] = [];
    if ('error' in outcome) causes.push(outcome.error);
    if (this.#loadError !== undefined) causes.push(this.#loadError);
    const store =
      this.#loadError === undefined
        ? 'the store had no other when last asked'
        : 'the store could not be asked for another';
    return new KeyRejectedError(
      `The price API refused the key (version ${version}), and ${store}; check the account, or rotate the key.`,
      {
        cause: causes.length > 1 ? new AggregateError(causes, 'The refusal, and the failed reload.') : causes[0],
        retryAfter: retryAfter > 0 ? retryAfter : undefined,
        provider: options.keyProvider.name,
        version,
      },
    );
  }
}

/** Notes how a call with `pending` ended. Three refusals of twenty end this client's part in the canary. */
function noteCanaryResult(client: ClientState, pending: CachedKey, refused: boolean): void {
  const rejections = client.canary.addResult(refused);
  if (rejections === undefined) return;
  client.rolloutChanged();
  client.emit('rollout-reverted', pending, { rejections });
  const { keyProvider } = client.options;
  // A report that fails does not bring the refused key back.
  void (async () => keyProvider.report?.({ version: pending.version, rejections }))().catch(() => undefined);
}

function isSuccess(outcome: Outcome): boolean {
  return !('error' in outcome) && !(isResponse(outcome.result) && outcome.result.status >= 400);
}

function isTransient(client: ClientState, outcome: CallOutcome): boolean {
  try {
    if (outcome.final === true) return false;
    const verdict: unknown = (client.options.isTransient ?? isTransientFailure)(outcome);
    if (!nodeTypes().isPromise(verdict)) return verdict as boolean;
    // A promise is true, whatever it resolves to: every price would be fetched again.
    verdict.catch(() => undefined);
    throw invalidType('`isTransient` must return a boolean, got a promise; only `isKeyRejected` may be async.');
  } catch (error) {
    cancelBody(outcome.result);
    throw error;
  }
}
