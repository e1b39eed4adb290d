import { checkOptionNames } from '../../core/index.js';
import { readUses } from '../ring/report-use.js';
import type {
  PromoteOptions,
  RetireOptions,
  RotateOptions,
  RotationOptions,
  RotationStatus,
  StageOptions,
  StepOptions,
} from '../ring/types.js';
import { promotePending, retirePrevious, revertChange, setCanary } from './move-stages.js';
import { describeRing, getAge, nextStep } from './next-step.js';
import { checkPlan, checkRequiredTime, checkRotationOptions, checkStep, type RotationContext } from './options.js';
import { runSchedule, type ScheduleOptions } from './schedule.js';
import { initRing, stageKey } from './stage-key.js';
import { refuseStep, requireRing } from './step.js';

/**
 * Replaces a key without downtime: a new key is staged, tried by a share of the clients, promoted while the old one
 * still works, and the old one retired. A step is one write of the ring (two if it mints a key). Run again, it finishes
 * what a crash interrupted, or finds itself done and writes nothing.
 *
 * Besides the errors listed with it, every method rejects with `TypeError` or `RangeError` (`ERR_INVALID_ARG_VALUE`)
 * for a wrong option, with `RotationError` (`ERR_GOLDKEY_ROTATION`) if there is no ring yet, `init` aside, with
 * `RingConflictError` (`ERR_GOLDKEY_RING_CONFLICT`) if another writer has changed the ring (read it again), and
 * with the errors of the ring store and the cipher. No error holds a key.
 *
 * If a version was made more than 5 minutes ahead of this manager's clock, one of two clocks is wrong: a step that writes
 * rejects with a retryable `RotationError`, or with `force` warns and goes on. `status`, `isDue` and `revert` always work.
 *
 * @example
 * ```ts
 * import { kmsCipher } from 'goldkey/kms';
 * import { fileRing, KeyRotationManager } from 'goldkey/rotation';
 *
 * const rotation = new KeyRotationManager({
 *   ring: fileRing('./gold.ring.json'),
 *   name: 'gold',
 *   cipher: kmsCipher({ keyId: 'alias/gold-api-keys', encryptionContext: { service: 'gold-data-stream' } }),
 *   async probe(key, { signal }) {
 *     const response = await fetch('https://api.example.com/latest', { headers: { 'x-api-key': key }, signal });
 *     if (!response.ok) throw new Error(`HTTP ${response.status}`);
 *   },
 * });
 * const { version } = await rotation.stage(newKey);
 * await rotation.canary(10, { version });
 * await rotation.promote({ version });
 * ```
 */
export class KeyRotationManager {
  readonly #context: RotationContext;

  /**
   * @param options - see {@link RotationOptions}; copied
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option has an unknown name or a wrong type
   */
  constructor(options: RotationOptions) {
    this.#context = checkRotationOptions(options);
  }

  /**
   * Makes the ring with its first version, which is current at once. Run again with the same key, it writes nothing.
   *
   * @param key - the key in use today; without it `generate` mints one
   * @param options - `metadata`: notes for the version; `signal`: aborts the step
   * @returns the version's name
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: the ring exists already, `metadata` holds the key, or `generate`
   * failed (retryable)
   *
   * @example
   * ```ts
   * await rotation.init(process.env.GOLD_API_KEY, { metadata: { ticket: 'OPS-7' } });
   * ```
   */
  async init(
    key?: string | Uint8Array,
    options: Pick<StageOptions, 'metadata' | 'signal'> = {},
  ): Promise<{
    /** The version's name, `v1`. */
    version: string;
  }> {
    return { version: await initRing(this.#context, key, options) };
  }

  /**
   * Stages a new key: encrypts it, decrypts it again to compare, writes it as `pending` for 0 % of the clients, and
   * probes it. A key that the probe refuses is left `rejected`.
   *
   * @param key - the new key; without it an intent is written and `generate` mints one
   * @param options - `metadata`: notes for the version; `version`: the current version that the key shall follow;
   * `force`: rejects another pending key, and stages the current key once more
   * @returns the new version's name
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: another key is pending, the key is the current one, `metadata` holds the
   * key, `probe` refused the key, or `generate` failed (retryable)
   *
   * @example
   * ```ts
   * const { version } = await rotation.stage(newKey, { metadata: { ticket: 'OPS-8' } });
   * ```
   */
  async stage(
    key?: string | Uint8Array,
    options: StageOptions = {},
  ): Promise<{
    /** The new version's name, e.g. `v2`. */
    version: string;
  }> {
    return { version: await stageKey(this.#context, key, options) };
  }

  /**
   * Sets the share of clients that use the pending key. A client that is in the share stays in it while it grows. A
   * client that gave up on the key stays out until a new canary starts: after a revert, or after a share of 0.
   *
   * @param percent - the share, from 0 to 100
   * @param options - `version`: the pending version
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: no key is pending
   *
   * @example
   * ```ts
   * await rotation.canary(10);
   * ```
   */
  async canary(percent: number, options: StepOptions = {}): Promise<void> {
    await setCanary(this.#context, percent, options);
  }

  /**
   * Makes the pending key current, after probing it again. The old key stays as `previous`: clients fall back on it,
   * and `revert` goes back to it.
   *
   * @param options - `version`: the pending version; `overlap`: how long the old key is kept, in ms, at least 1,
   * default 86_400_000 (a day); `cutover`: for an account whose old key stopped working when the new one was made:
   * there is no overlap, calls with the old key are repaired with the new one, and `revert` would lead to a key that
   * does not work; `force`: promotes although clients gave up on the key or an earlier overlap still runs
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: no key is pending, clients gave up on it, an earlier overlap still
   * runs, or `probe` refused the key
   *
   * @example
   * ```ts
   * await rotation.promote({ overlap: 3_600_000 });
   * ```
   */
  async promote(options: PromoteOptions = {}): Promise<void> {
    await promotePending(this.#context, options);
  }

  /**
   * Removes the previous key's ciphertext, after probing the current key.
   *
   * @param options - `version`: the previous version; `quiet`: how long no client may have reported a use of it, in ms,
   * default 600_000 (10 minutes; see `reportUse` of `fromKeyRing`); `force`: retires it before its overlap is over, and
   * while it is used
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: there is no previous version, its overlap still runs, a client reported
   * that it used it within `quiet`, or `probe` refused the current key
   *
   * @example
   * ```ts
   * const { previousUntil = 0 } = await rotation.status();
   * if (previousUntil <= Date.now()) await rotation.retire();
   * ```
   */
  async retire(options: RetireOptions = {}): Promise<void> {
    await retirePrevious(this.#context, options);
  }

  /**
   * Goes back: rejects the pending key. Without one it probes the previous key and makes it current again; the replaced
   * key is kept as `previous`.
   *
   * @param options - `version`: the pending version to reject, or the previous one to go back to; it is required to go
   * back from the current version after a pending one was rejected
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: there is nothing to go back to, `version` is required, or `probe`
   * refused the previous key
   *
   * @example
   * ```ts
   * await rotation.revert();
   * ```
   */
  async revert(options: StepOptions = {}): Promise<void> {
    await revertChange(this.#context, options);
  }

  /**
   * Takes the one step that is due, or none: mints and stages a key when the current one has reached `maxAge`, raises
   * the canary, promotes or retires. Without `generate` it stages nothing.
   *
   * @param options - see {@link RotateOptions}
   * @returns the state of the rotation after the step
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: a person has to decide, because clients gave up on the canary or
   * `revert` was used; or the step was refused
   *
   * @example
   * ```ts
   * const { nextStep } = await rotation.rotate({ canary: [10, 50], dwell: 3_600_000, maxAge: 90 * 86_400_000 });
   * console.log(nextStep);
   * ```
   */
  async rotate(options: RotateOptions = {}): Promise<RotationStatus> {
    const plan = checkPlan('rotate', options);
    const { signal } = options;
    const step = checkStep(this.#context, 'rotate', { signal });
    const { ring } = await requireRing(step);
    const now = this.#context.clock.now();
    const next = nextStep(ring, plan, now, await readUses(this.#context.source.store, ring, now, signal));
    if (next.isBlocked === true) throw refuseStep(step, next.reason, next.version);
    const on = { revision: ring.revision, signal };
    if (next.percent !== undefined) await this.canary(next.percent, on);
    else if (next.step === 'promote') await this.promote({ ...on, overlap: plan.overlap });
    else if (next.step === 'retire') await this.retire(on);
    else if (next.step === 'stage' && this.#context.generate !== undefined) await this.stage(undefined, on);
    return this.status();
  }

  /**
   * Returns the state of the rotation. Nothing is decrypted.
   *
   * @example
   * ```ts
   * const { current, nextStep } = await rotation.status();
   * console.log(current, nextStep);
   * ```
   */
  async status(): Promise<RotationStatus> {
    const { ring } = await requireRing(checkStep(this.#context, 'status', {}));
    const now = this.#context.clock.now();
    return describeRing(ring, now, await readUses(this.#context.source.store, ring, now));
  }

  /**
   * Returns whether the current key has reached an age.
   *
   * @param options - `maxAge`: the age in ms, at least 1
   *
   * @example
   * ```ts
   * if (await rotation.isDue({ maxAge: 90 * 86_400_000 })) console.log('Stage a new key.');
   * ```
   */
  async isDue(options: { maxAge: number }): Promise<boolean> {
    checkOptionNames('isDue', options, ['maxAge']);
    const maxAge = checkRequiredTime('maxAge', options.maxAge, Number.MAX_SAFE_INTEGER);
    const { ring } = await requireRing(checkStep(this.#context, 'isDue', {}));
    return getAge(ring, ring.current, this.#context.clock.now()) >= maxAge;
  }

  /**
   * Runs `rotate` repeatedly under the store's lease, so that one of many instances acts. Transient errors are told
   * (`onError`, and the diagnostics channel `goldkey:rotation-failed`) and left to the next turn.
   *
   * @param options - see {@link ScheduleOptions}
   * @returns resolves once `signal` has aborted
   * @throws {RotationError} `ERR_GOLDKEY_ROTATION`: a person has to decide: see {@link KeyRotationManager.rotate}
   *
   * @example
   * ```ts
   * const stop = new AbortController();
   * process.once('SIGTERM', () => stop.abort());
   * await rotation.schedule({ every: 3_600_000, maxAge: 90 * 86_400_000, signal: stop.signal });
   * ```
   */
  async schedule(options: ScheduleOptions): Promise<void> {
    await runSchedule(this.#context, options, (plan) => this.rotate(plan));
  }
}
