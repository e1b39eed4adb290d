import { conflict, RotationError, quote, showText } from '../../core/index.js';
import { readRing, type ReadRing } from '../ring/read-ring.js';
import { writeRing, type NextRing } from '../ring/write-ring.js';
import { notifyAll } from './notify.js';
import type { Step } from './options.js';

/** How far a version's `createdAt` may lie ahead of this clock. Beyond it one of the two clocks is wrong. */
const MAX_CLOCK_SKEW_MS = 300_000;

/** Reads the ring for a step. Resolves to `undefined` if there is none. Throws if a version lies in the future. */
export async function findRing({ name, source, clock, signal }: Step): Promise<ReadRing | undefined> {
  const found = await readRing(source, signal);
  for (const [version, { createdAt }] of Object.entries(found?.ring.versions ?? {})) {
    const createdAtMs = Date.parse(createdAt);
    if (createdAtMs - clock.now() <= MAX_CLOCK_SKEW_MS) continue;
    const problem = Number.isNaN(createdAtMs) ? 'not an ISO 8601 time' : 'more than 5 minutes ahead of this clock';
    throw new RotationError(
      `\`versions.${version}.createdAt\` of the key ring ${quote(source.name)} is ${problem}; check the clocks before \`${name}\`.`,
      { step: name, provider: source.store.name, version },
    );
  }
  return found;
}

/** Reads the ring that a step starts from. Throws if there is none, or if its revision is not the one expected. */
export async function startStep(step: Step): Promise<ReadRing> {
  const { store, name } = step.source;
  const found = await findRing(step);
  if (found === undefined) {
    const message = `There is no key ring ${quote(name)} yet; make one with \`init\`.`;
    throw new RotationError(message, { step: step.name, provider: store.name });
  }
  const { revision } = found.ring;
  if (step.revision === undefined || step.revision === revision) return found;
  throw conflict(store.name, step.revision, revision);
}

/** Writes the ring that a step made, if it was not done before, and calls the hooks. Resolves to `version`. */
export async function finishStep(step: Step, version: string, from: ReadRing, next?: NextRing): Promise<string> {
  const { name, source, notify, clock, signal } = step;
  const { ring } = next === undefined ? from : await writeRing(source, from, next, signal);
  await notifyAll(notify, { ring: source.name, step: name, version, revision: ring.revision }, clock);
  return version;
}

/** Returns the error of a step that the ring's state does not allow. */
export function refuseStep({ name }: Pick<Step, 'name'>, reason: string, version?: string): RotationError {
  return new RotationError(`\`${name}\` was refused: ${reason}.`, { step: name, version });
}

/** Throws if a step would change another version than the one it is meant for. */
export function checkExpectedVersion(step: Step, found: string): void {
  if (step.version === undefined || step.version === found) return;
  throw refuseStep(
    step,
    `\`version\` is ${JSON.stringify(showText(step.version))}, but the step would change ${found}`,
    found,
  );
}
