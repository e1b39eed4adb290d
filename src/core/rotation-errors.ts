import { GoldKeyError, type GoldKeyErrorCode, type GoldKeyErrorOptions } from './errors.js';

/**
 * A step of a rotation was refused or failed; `step` names it. The ring is whole, and the step is safe to run again.
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
  /** The step, e.g. `promote`. */
  readonly step: string;

  constructor(message: string, options: GoldKeyErrorOptions & { step: string }) {
    super(message, options);
    this.step = options.step;
  }
}

/** Somebody else changed the ring in between: nothing was written. Read it again and decide anew. */
export class RingConflictError extends GoldKeyError {
  static override readonly code: GoldKeyErrorCode = 'ERR_GOLDKEY_RING_CONFLICT';
  protected static override readonly retryable: boolean = true;
}

for (const [name, type] of Object.entries({ RotationError, RingConflictError })) {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** What a store throws when the ring is no longer what a write was decided on. */
export function conflict(store: string, expected: number, found: number | undefined): RingConflictError {
  const base = expected === 0 ? 'there being no ring' : `revision ${String(expected)}`;
  const now = found === undefined ? '' : found === 0 ? '; it is gone' : `; it is at revision ${String(found)}`;
  return new RingConflictError(
    `The key ring was changed by somebody else: this write was decided on ${base}${now}. Read it again and decide anew.`,
    { provider: store },
  );
}
