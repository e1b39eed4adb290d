import { RotationError } from '../../core/index.js';
import type { StepOptions } from '../ring/types.js';

/** What a step says when it is not taken. */
export function refused(step: string, why: string, version?: string): RotationError {
  return new RotationError(`\`${step}\` was not taken: ${why}.`, { step, version });
}

/** Holds a step to the version it was decided on. */
export function expectVersion(step: string, { version }: StepOptions, found: string): void {
  if (version === undefined || version === found) return;
  throw refused(
    step,
    `it was meant for ${JSON.stringify(version.slice(0, 64))}, and it would be about ${found}`,
    found,
  );
}
