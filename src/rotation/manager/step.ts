import { conflict, RotationError } from '../../core/index.js';
import { readRing, type ReadRing } from '../ring/read-ring.js';
import type { StepOptions } from '../ring/types.js';
import { writeRing, type NextRing } from '../ring/write-ring.js';
import { notifyAll } from './notify.js';
import type { RotationContext } from './options.js';

/** How far a version's `createdAt` may lie ahead of this clock. Beyond it one of the two clocks is wrong. */
const MAX_CLOCK_SKEW_MS = 300_000;

/** Reads the ring for a step. Resolves to `undefined` if there is none. Throws if a version lies in the future. */
export async function findRing(
  { source, clock }: RotationContext,
  step: string,
  signal: AbortSignal | undefined,
): Promise<ReadRing | undefined> {
  const found = await readRing(source, signal);
  for (const [name, { createdAt }] of Object.entries(found?.ring.versions ?? {})) {
    const createdAtMs = Date.parse(createdAt);
    if (createdAtMs - clock.now() <= MAX_CLOCK_SKEW_MS) continue;
    const problem = Number.isNaN(createdAtMs) ? 'not an ISO 8601 time' : 'more than 5 minutes ahead of this clock';
    throw new RotationError(
      `\`versions.${name}.createdAt\` of the key ring \`${source.name}\` is ${problem}; check the clocks before \`${step}\`.`,
      { step, provider: source.store.name, version: name },
    );
  }
  return found;
}

/** Reads the ring that a step starts from. Throws if there is none, or if its revision is not the one in `options`. */
export async function startStep(context: RotationContext, step: string, options: StepOptions): Promise<ReadRing> {
  const { store, name } = context.source;
  const found = await findRing(context, step, options.signal);
  if (found === undefined) {
    throw new RotationError(`There is no key ring \`${name}\` yet; make one with \`init\`.`, {
      step,
      provider: store.name,
    });
  }
  const { revision } = found.ring;
  if (options.revision === undefined || options.revision === revision) return found;
  throw conflict(store.name, options.revision, revision);
}

/** Reads a ring that was just written, with the token that the next write needs. */
export async function rereadRing(
  context: RotationContext,
  step: string,
  written: ReadRing,
  signal: AbortSignal | undefined,
): Promise<ReadRing> {
  const found = await findRing(context, step, signal);
  if (found?.ring.writeId === written.ring.writeId) return found;
  throw conflict(context.source.store.name, written.ring.revision, found?.ring.revision ?? 0);
}

/** Writes the ring that a step made, or nothing if the step was done before, and calls the hooks in both cases. */
export async function finishStep(
  context: RotationContext,
  step: string,
  version: string,
  from: ReadRing,
  next?: NextRing,
  signal?: AbortSignal,
): Promise<void> {
  const { source, notify, clock } = context;
  const { ring } = next === undefined ? from : await writeRing(source, from, next, signal);
  await notifyAll(notify, { ring: source.name, step, version, revision: ring.revision }, clock);
}

/** Returns the error of a step that the ring's state does not allow. */
export function refuseStep(step: string, reason: string, version?: string): RotationError {
  return new RotationError(`\`${step}\` was refused: ${reason}.`, { step, version });
}

/** Throws if a step would change another version than the one it is meant for. */
export function checkExpectedVersion(step: string, { version }: StepOptions, found: string): void {
  if (version === undefined || version === found) return;
  const meant = JSON.stringify(version.slice(0, 64));
  throw refuseStep(step, `\`version\` is ${meant}, but the step would change ${found}`, found);
}
