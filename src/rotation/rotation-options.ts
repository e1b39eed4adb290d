import { checkNames, invalidType, kindOf, optionalFunction, systemClock, type Clock } from '../core/index.js';
import { ringSource, type RingSource } from './read-ring.js';
import type { RotationOptions, StepOptions } from './types.js';

/** The options of a manager, checked once and complete. */
export interface CheckedRotation {
  readonly source: RingSource;
  readonly probe: RotationOptions['probe'];
  readonly generate: RotationOptions['generate'];
  readonly notify: NonNullable<RotationOptions['notify']>;
  readonly clock: Clock;
}

export function checkRotation(options: RotationOptions): CheckedRotation {
  checkNames('KeyRotationManager', options, ['ring', 'name', 'cipher', 'probe', 'generate', 'notify', 'clock']);
  const notify = options.notify ?? [];
  if (!Array.isArray(notify) || !notify.every((hook) => typeof hook === 'function')) {
    throw invalidType(`\`notify\` must be an array of functions, got ${kindOf(notify)}.`);
  }
  return {
    source: ringSource(options),
    probe: optionalFunction('probe', options.probe),
    generate: optionalFunction('generate', options.generate),
    notify: [...(notify as NonNullable<RotationOptions['notify']>)],
    clock: options.clock ?? systemClock,
  };
}

/** Holds a step's options to their names; `more` names what the step adds. */
export function checkStep(step: string, options: StepOptions, more: readonly string[] = []): void {
  checkNames(step, options, ['version', 'revision', 'force', 'signal', ...more]);
}

/** A signal for those who must be given one. */
export function signalOf(options: { signal?: AbortSignal | undefined }): AbortSignal {
  return options.signal ?? new AbortController().signal;
}
