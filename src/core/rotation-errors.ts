import { GoldKeyError, nameErrorClass, type GoldKeyErrorCode, type GoldKeyErrorOptions } from './errors.js';

/**
 * A step of a rotation was refused or failed; `step` names it. The ring is intact, and the step is safe to run again.
 *
 * @example
 * ```ts
 * import { isGoldKeyError } from 'goldkey';
 *
 * if (isGoldKeyError(error, 'ERR_GOLDKEY_ROTATION')) console.error(error.message);
 * ```
 */
export class RotationError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_ROTATION';
  /** Name of the step, e.g. `promote`. */
  readonly step: string;

  /**
   * Creates an error of this class, as a tool around rotations of your own does.
   *
   * @param message - one sentence: what happened and what to do; never the key
   * @param options - `step`, and those of {@link GoldKeyError}
   */
  constructor(message: string, options: GoldKeyErrorOptions & { step: string }) {
    super(message, options);
    this.step = options.step;
  }
}

/** Another writer changed the ring meanwhile, so nothing was written. Read the ring again and decide anew. */
export class RingConflictError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_RING_CONFLICT';
  protected static override readonly retryable: boolean = true;
}

for (const [name, type] of Object.entries({ RotationError, RingConflictError })) nameErrorClass(type, name);

/** Creates the error for a write that was decided on an older ring. */
export function conflict(store: string, expected: number, found: number | undefined): RingConflictError {
  const base = expected === 0 ? 'there being no ring' : `revision ${String(expected)}`;
  const now = found === undefined ? '' : found === 0 ? '; it is gone' : `; it is at revision ${String(found)}`;
  return new RingConflictError(
    `The key ring was changed by another writer: this write was decided on ${base}${now}. Read it again and decide anew.`,
    { provider: store },
  );
}
