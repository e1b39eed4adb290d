import { conflict, RotationError, quote, showText } from '../../core/index.js';
import { findVersion } from '../ring/document.js';
import { readRing, type ReadRing } from '../ring/read-ring.js';
import { findPending, type NextRing } from '../ring/transitions.js';
import { writeRing } from '../ring/write-ring.js';
import { notifyAll } from './notify.js';
import type { Step } from './options.js';

/** How far a version's `createdAt` may lie ahead of this clock. Beyond it one of the two clocks is wrong. */
const MAX_CLOCK_SKEW_MS = 300_000;

/** Reads the ring that a step will write. Throws if there is none, or if clocks differ, which `force` overrules. */
export async function startStep(step: Step): Promise<ReadRing> {
  const found = await requireRing(step, true);
  checkClocks(step, found.ring);
  return found;
}

/** Reads the ring that a step is about; `forUpdate` before a write. Throws if there is none, or not the revision expected. */
export async function requireRing(step: Step, forUpdate: boolean = false): Promise<ReadRing> {
  const { store, name } = step.source;
  const found = await readRing(step.source, step.signal, forUpdate);
  if (found === undefined) {
    const message = `There is no key ring ${quote(name)} yet; make one with \`init\`.`;
    throw new RotationError(message, { step: step.name, provider: store.name });
  }
  const { revision } = found.ring;
  const pending = findVersion(found.ring, findPending(found.ring));
  step.unstored.forget(pending?.ciphertext === undefined ? pending?.rotationId : undefined);
  if (step.revision === undefined || step.revision === revision) return found;
  throw conflict(store.name, step.revision, revision);
}

function checkClocks({ name, source, clock, force }: Step, { versions }: ReadRing['ring']): void {
  for (const [version, { createdAt }] of Object.entries(versions)) {
    const createdAtMs = Date.parse(createdAt);
    if (createdAtMs - clock.now() <= MAX_CLOCK_SKEW_MS) continue;
    const isTime = !Number.isNaN(createdAtMs);
    const problem = isTime ? 'more than 5 minutes ahead of this clock' : 'not an ISO 8601 time';
    const message = `\`versions.${version}.createdAt\` of the key ring ${quote(source.name)} is ${problem}`;
    if (!force) {
      throw new RotationError(`${message}; check the clocks before \`${name}\`, or use \`force\`.`, {
        step: name,
        provider: source.store.name,
        version,
        // A clock that is ahead is caught up with, or set right.
        retryable: isTime,
      });
    }
    const advice = `\`${name}\` goes on because of \`force\`; check the clocks`;
    process.emitWarning(`${message}; ${advice}.`, { type: 'GoldKeyWarning', code: 'GOLDKEY_CLOCK_SKEW' });
    return;
  }
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
