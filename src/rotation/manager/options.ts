import {
  checkBoolean,
  checkClock,
  checkInteger,
  checkOptionalFunction,
  checkOptionalString,
  checkOptionNames,
  checkSignal,
  describeType,
  invalidRange,
  invalidType,
  type Clock,
  type KeyCipher,
} from '../../core/index.js';
import { RING_BINDING } from '../ring/decrypt-version.js';
import { checkRingSource, type RingSource } from '../ring/read-ring.js';
import type { RingBinding } from '../ring/transitions.js';
import type { RotateOptions, RotationOptions, StepOptions } from '../ring/types.js';
import { UnstoredKey } from './unstored-key.js';

const DEFAULT_CANARY: readonly number[] = [10, 50];
const DEFAULT_DWELL_MS = 3_600_000;
const DEFAULT_MAX_AGE_MS = 7_776_000_000;

/** The checked options of a manager. */
export interface RotationContext extends RingBinding, Pick<RotationOptions, 'probe' | 'generate'> {
  readonly source: RingSource;
  readonly notify: NonNullable<RotationOptions['notify']>;
  readonly unstored: UnstoredKey;
  readonly clock: Clock;
}

/** One step of a manager, with its checked options. */
export interface Step extends RotationContext, Omit<StepOptions, 'force'> {
  /** The step's name, e.g. `promote`. */
  readonly name: string;
  readonly force: boolean;
}

/** The checked options of `rotate`, with their defaults. */
export interface RotationPlan {
  /** The shares in ascending order. */
  readonly canary: readonly number[];
  readonly dwell: number;
  readonly overlap: number | undefined;
  readonly maxAge: number;
}

export function checkRotationOptions(options: RotationOptions): RotationContext {
  checkOptionNames('KeyRotationManager', options, ['ring', 'name', 'cipher', 'probe', 'generate', 'notify', 'clock']);
  const notify = options.notify ?? [];
  if (!Array.isArray(notify) || !notify.every((hook) => typeof hook === 'function')) {
    throw invalidType(`\`notify\` must be an array of functions, got ${describeType(notify)}.`);
  }
  const source = checkRingSource(options);
  return {
    source,
    cipher: source.ciphers[0] as KeyCipher,
    binding: { [RING_BINDING]: source.name },
    probe: checkOptionalFunction('probe', options.probe),
    generate: checkOptionalFunction('generate', options.generate),
    notify: [...(notify as RotationContext['notify'])],
    unstored: new UnstoredKey(),
    clock: checkClock(options.clock),
  };
}

/** Checks the options of a step; `more` lists the names that the step adds. */
export function checkStep(
  context: RotationContext,
  name: string,
  options: StepOptions,
  more: readonly string[] = [],
): Step {
  checkOptionNames(name, options, ['version', 'revision', 'force', 'signal', ...more]);
  const { version, revision, signal } = options;
  const force = checkBoolean('force', options.force);
  checkOptionalString('version', version);
  checkInteger('revision', revision, 1, 1, Number.MAX_SAFE_INTEGER);
  checkSignal(signal);
  return { ...context, name, version, revision, force, signal };
}

/** Checks the options of `rotate`; `more` lists the names that the caller adds. */
export function checkPlan(caller: string, options: RotateOptions, more: readonly string[] = []): RotationPlan {
  checkOptionNames(caller, options, ['canary', 'dwell', 'overlap', 'maxAge', 'signal', ...more]);
  const { canary = DEFAULT_CANARY, dwell, overlap, maxAge, signal } = options;
  checkSignal(signal);
  if (!Array.isArray(canary)) throw invalidType('`canary` must be an array of percentages.');
  for (const [index, percent] of canary.entries()) checkPercent(`canary[${String(index)}]`, percent);
  return {
    canary: (canary as readonly number[]).toSorted((a, b) => a - b),
    dwell: checkInteger('dwell', dwell, DEFAULT_DWELL_MS, 0),
    overlap: overlap === undefined ? undefined : checkInteger('overlap', overlap, 1, 1),
    maxAge: checkInteger('maxAge', maxAge, DEFAULT_MAX_AGE_MS, 1, Number.MAX_SAFE_INTEGER),
  };
}

export function checkPercent(name: string, percent: unknown): void {
  if (typeof percent !== 'number') throw invalidType(`\`${name}\` must be a number, got ${describeType(percent)}.`);
  if (percent >= 0 && percent <= 100) return;
  throw invalidRange(`\`${name}\` must be from 0 to 100, got ${describeType(percent)}.`);
}

/** Checks a time in ms that has no default. */
export function checkRequiredTime(name: string, value: unknown, max?: number): number {
  if (value === undefined) throw invalidType(`\`${name}\` is missing: give it a time in ms, at least 1.`);
  return checkInteger(name, value, 1, 1, max);
}
