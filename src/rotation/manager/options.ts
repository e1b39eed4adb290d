import {
  checkOptionNames,
  checkInteger,
  invalidType,
  describeType,
  checkOptionalFunction,
  checkOptionalString,
  systemClock,
  type Clock,
} from '../../core/index.js';
import { ringSource, type RingSource } from '../ring/read-ring.js';
import type { RotationOptions, StepOptions } from '../ring/types.js';

/** The options of a manager, checked once and complete. */
export interface CheckedRotation {
  readonly source: RingSource;
  readonly probe: RotationOptions['probe'];
  readonly generate: RotationOptions['generate'];
  readonly notify: NonNullable<RotationOptions['notify']>;
  readonly clock: Clock;
}

export function checkRotation(options: RotationOptions): CheckedRotation {
  checkOptionNames('KeyRotationManager', options, ['ring', 'name', 'cipher', 'probe', 'generate', 'notify', 'clock']);
  const notify = options.notify ?? [];
  if (!Array.isArray(notify) || !notify.every((hook) => typeof hook === 'function')) {
    throw invalidType(`\`notify\` must be an array of functions, got ${describeType(notify)}.`);
  }
  return {
    source: ringSource(options),
    probe: checkOptionalFunction('probe', options.probe),
    generate: checkOptionalFunction('generate', options.generate),
    notify: [...(notify as NonNullable<RotationOptions['notify']>)],
    clock: options.clock ?? systemClock,
  };
}

/** Holds a step's options to their names and types; `more` names what the step adds. */
export function checkStep(step: string, options: StepOptions, more: readonly string[] = []): void {
  checkOptionNames(step, options, ['version', 'revision', 'force', 'signal', ...more]);
  const { version, revision, force, signal } = options;
  checkOptionalString('version', version);
  checkInteger('revision', revision, 1, 1, Number.MAX_SAFE_INTEGER);
  // A `'no'` from a shell must not be taken for either answer.
  if (force !== undefined && typeof force !== 'boolean') {
    throw invalidType(`\`force\` must be a boolean, got ${describeType(force)}.`);
  }
  checkSignal(signal);
}

/** A time in ms that has no default. */
export function neededTime(name: string, value: unknown, max?: number): number {
  if (value === undefined) throw invalidType(`\`${name}\` is missing: it is a time in ms, at least 1.`);
  return checkInteger(name, value, 1, 1, max);
}

export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidType(`\`signal\` must be an AbortSignal, got ${describeType(signal)}.`);
}

/** A signal for those who must be given one. */
export function signalOf(options: { signal?: AbortSignal | undefined }): AbortSignal {
  return options.signal ?? new AbortController().signal;
}
