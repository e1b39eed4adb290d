import { checkOptionNames } from '../../core/index.js';
import { meansOf, type Means } from './means.js';
import { Moves } from './move-stages.js';
import { checkPlan, rotateOnce } from './next-step.js';
import { checkRotation, neededTime } from './options.js';
import { ageOf, statusOf } from './status.js';
import { runSchedule, type ScheduleOptions } from './schedule.js';
import { Staging } from './stage-key.js';
import type { RotateOptions, RotationOptions, RotationStatus, StepOptions } from '../ring/types.js';

type Metadata = Record<string, string> | undefined;

/**
 * Changes a key without an hour in which it does not work: a new key is staged, tried on a share of the clients,
 * promoted while the old one still works, and the old one retired. Every step is one write of the ring; run again after
 * a crash, it finishes what was begun or finds it done.
 *
 * Every method rejects with a {@link RotationError} when the step is refused, with a {@link RingConflictError} when
 * somebody else changed the ring in between, and with what store and cipher reject with. No error holds a key.
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
 *   probe: (key, { signal }) => tryPriceApi(key, signal),
 * });
 * const { version } = await rotation.stage(newKey);
 * await rotation.canary(10, { version });
 * await rotation.promote({ version });
 * ```
 */
export class KeyRotationManager {
  readonly #means: Means;
  readonly #staging: Staging;
  readonly #moves: Moves;

  /**
   * @param options - see {@link RotationOptions}; copied
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: an option has a name or type that does not exist
   */
  constructor(options: RotationOptions) {
    this.#means = meansOf(checkRotation(options));
    this.#staging = new Staging(this.#means);
    this.#moves = new Moves(this.#means);
  }

  /**
   * Makes the ring: its first version, current at once. Refused when a ring is there, unless it is the one that this
   * very call made before.
   *
   * @param key - the key in use today; absent, `generate` mints one
   * @param options - `metadata`: notes for the version, strings only
   * @returns the version's name
   */
  async init(
    key?: string | Uint8Array,
    options: { metadata?: Metadata; signal?: AbortSignal | undefined } = {},
  ): Promise<{ version: string }> {
    return { version: await this.#staging.init(key, options) };
  }

  /**
   * Stages a new key: encrypts it, decrypts it back, writes it as `pending` for 0 % of the clients, and probes it; one
   * that the probe refuses is left `rejected`. Without `key` it is minted by `generate`, after an intent was written.
   *
   * @param key - the new key; absent, `generate` mints one
   * @param options - `metadata`; `version`: the current version it is to follow; `force` replaces another pending key
   * @returns the new version's name
   */
  async stage(
    key?: string | Uint8Array,
    options: StepOptions & { metadata?: Metadata } = {},
  ): Promise<{ version: string }> {
    return { version: await this.#staging.stage(key, options) };
  }

  /**
   * Has a share of the clients use the pending key. Raising the share moves nobody out of it; who gave up on the key
   * stays out until another canary starts, which a canary that was reverted, or set to 0, is.
   *
   * @param percent - from 0 to 100
   * @param options - `version`: the pending version meant
   * @throws {RangeError} `ERR_INVALID_ARG_VALUE`: `percent` is out of range
   */
  async canary(percent: number, options: StepOptions = {}): Promise<void> {
    await this.#moves.canary(percent, options);
  }

  /**
   * Makes the pending key current, after probing it again. The old key stays as `previous`: clients fall back on it, and
   * `revert` goes back to it. Refused while the canary is reverted or an earlier overlap runs, unless `force`.
   *
   * @param options - `overlap`: how long the old key is kept, in ms, at least 1, default 86_400_000 (a day); `cutover`
   * for an account that has one key at a time, where making the new key has ended the old one: there is no overlap to
   * wait for, calls in flight with the old key are repaired with the new one, and `revert` leads to a key that no longer
   * works; `version`: the pending version meant
   */
  async promote(
    options: StepOptions & { overlap?: number | undefined; cutover?: boolean | undefined } = {},
  ): Promise<void> {
    await this.#moves.promote(options);
  }

  /**
   * Removes the previous key's ciphertext, after probing the current key. Refused before `notAfter`, unless `force`.
   *
   * @param options - `version`: the previous version meant
   */
  async retire(options: StepOptions = {}): Promise<void> {
    await this.#moves.retire(options);
  }

  /**
   * Goes back: a pending key is rejected; without one the previous key, probed, is current again, and the one it
   * replaces is kept as `previous`. Refused when neither is there, and when it would go back a second step, after a
   * pending key was rejected, without being told so by `version`.
   *
   * @param options - `version`: the pending version to reject, or the previous one to go back to
   */
  async revert(options: StepOptions = {}): Promise<void> {
    await this.#moves.revert(options);
  }

  /**
   * Takes the one next step that is due, and no more: stages a key that `generate` mints when the current one has
   * reached `maxAge`, raises the canary, promotes, retires. Rejects at a canary that was reverted.
   *
   * @param options - see {@link RotateOptions}
   * @returns where the rotation stands after it
   */
  async rotate(options: RotateOptions = {}): Promise<RotationStatus> {
    const plan = checkPlan('rotate', options);
    const { signal } = options;
    const { ring } = await this.#means.writer.start('rotate', { signal });
    const canMint = this.#means.options.generate !== undefined;
    await rotateOnce(this, ring, plan, { now: this.#now, canMint, signal });
    return this.status();
  }

  /** Where the rotation stands. */
  async status(): Promise<RotationStatus> {
    return statusOf((await this.#means.writer.start('status', {})).ring, this.#now);
  }

  /**
   * Whether the current key has reached `maxAge`.
   *
   * @param options - `maxAge` in ms, at least 1
   */
  async isDue(options: { maxAge: number }): Promise<boolean> {
    checkOptionNames('isDue', options, ['maxAge']);
    const maxAge = neededTime('maxAge', options.maxAge, Number.MAX_SAFE_INTEGER);
    const { ring } = await this.#means.writer.start('isDue', {});
    return ageOf(ring, ring.current, this.#now) >= maxAge;
  }

  /**
   * Runs `rotate` every so often, under the store's lease, so that one of many instances acts. A fault that may pass is
   * left to the next turn.
   *
   * @param options - see {@link ScheduleOptions}
   * @returns resolves once `signal` has aborted; rejects when a person has to look: after a revert, or a refused key
   */
  async schedule(options: ScheduleOptions): Promise<void> {
    const { source, clock } = this.#means.options;
    await runSchedule(options, { store: source.store, clock, rotate: (how) => this.rotate(how) });
  }

  get #now(): number {
    return this.#means.options.clock.now();
  }
}
