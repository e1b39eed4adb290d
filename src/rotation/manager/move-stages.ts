import { checkInteger, invalidRange, invalidType, describeType, type RotationError } from '../../core/index.js';
import type { Means } from './means.js';
import type { ReadRing } from '../ring/read-ring.js';
import { expectVersion, refused } from './step-refused.js';
import { versionOf } from '../ring/document.js';
import {
  canaried,
  dropped,
  droppedOf,
  newestOf,
  pendingOf,
  promoted,
  retired,
  revertedTo,
} from '../ring/transitions.js';
import type { NextRing } from './ring-writer.js';
import { checkStep } from './options.js';
import type { RingVersion, StepOptions } from '../ring/types.js';

const OVERLAP = 86_400_000;

/** Moves the ring's keys from state to state. */
export class Moves {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  async canary(percent: number, options: StepOptions): Promise<void> {
    checkStep('canary', options);
    checkPercent('percent', percent);
    const at = await this.#means.writer.start('canary', options);
    const { rollout } = at.ring;
    if (rollout === undefined) throw nothingPending('canary', at);
    expectVersion('canary', options, rollout.pending);
    const asIs = rollout.percent === percent && rollout.revertedAt === undefined;
    await this.#move('canary', rollout.pending, at, asIs ? undefined : canaried(at.ring, percent, this.#now), options);
  }

  async promote(options: StepOptions & { overlap?: number | undefined; cutover?: boolean | undefined }): Promise<void> {
    checkStep('promote', options, ['overlap', 'cutover']);
    const { cutover = false } = options;
    if (typeof cutover !== 'boolean') throw invalidType(`\`cutover\` must be a boolean, got ${describeType(cutover)}.`);
    if (cutover && options.overlap !== undefined) throw invalidType('`cutover` has no `overlap`: give one of them.');
    const overlap = cutover ? 0 : checkInteger('overlap', options.overlap, OVERLAP, 1);
    const at = await this.#means.writer.start('promote', options);
    const { ring } = at;
    const { rollout, previous } = ring;
    if (rollout === undefined) {
      // What was staged and rejected since is not promoted, and must not seem to be.
      const followed = versionOf(ring, previous)?.notAfter !== undefined && newestOf(ring) === ring.current;
      const done = options.version === undefined ? followed : options.version === ring.current;
      if (!done || pendingOf(ring) !== undefined) throw nothingPending('promote', at);
      return this.#move('promote', ring.current, at, undefined, options);
    }
    const { pending, revertedAt } = rollout;
    expectVersion('promote', options, pending);
    const until = versionOf(ring, previous)?.notAfter;
    if (options.force !== true && revertedAt !== undefined) {
      const way = 'revert it, start another canary, or use `force`';
      throw refused('promote', `clients gave up on ${pending} at ${revertedAt}: ${way}`, pending);
    }
    if (options.force !== true && this.#isAhead(until)) {
      const way = `promote ${pending} after that, or use \`force\` to retire it now`;
      throw refused('promote', `${String(previous)} is kept until ${String(until)}: ${way}`, pending);
    }
    await this.#means.material.probeVersion('promote', pending, ring.versions[pending] as RingVersion, options);
    await this.#move('promote', pending, at, promoted(ring, pending, this.#now + overlap), options);
  }

  async retire(options: StepOptions): Promise<void> {
    checkStep('retire', options);
    const at = await this.#means.writer.start('retire', options);
    const { ring } = at;
    const { previous, current } = ring;
    if (previous === undefined) {
      const gone = Object.keys(ring.versions).filter((name) => ring.versions[name]?.state === 'retired');
      const done = options.version === undefined ? gone.at(-1) : gone.find((name) => name === options.version);
      if (done === undefined) throw refused('retire', 'there is no previous version');
      return this.#move('retire', done, at, undefined, options);
    }
    expectVersion('retire', options, previous);
    const until = versionOf(ring, previous)?.notAfter;
    if (options.force !== true && this.#isAhead(until)) {
      throw refused('retire', `${previous} is kept until ${String(until)}: wait, or use \`force\``, previous);
    }
    await this.#means.material.probeVersion('retire', current, ring.versions[current] as RingVersion, options);
    await this.#move('retire', previous, at, retired(ring, previous), options);
  }

  async revert(options: StepOptions): Promise<void> {
    checkStep('revert', options);
    const at = await this.#means.writer.start('revert', options);
    const { ring } = at;
    const { previous, current } = ring;
    const pending = pendingOf(ring);
    if (pending !== undefined) {
      expectVersion('revert', options, pending);
      return this.#move('revert', pending, at, dropped(ring, pending, this.#now), options);
    }
    const old = versionOf(ring, previous);
    const { version } = options;
    // What a revert has left behind is not gone back to by running it once more.
    const last = droppedOf(ring);
    const wentBack = old?.revertedAt !== undefined;
    const done =
      version === undefined
        ? wentBack || (last !== undefined && old === undefined)
        : versionOf(ring, version)?.state === 'rejected' || (version === current && wentBack);
    if (done)
      return this.#move('revert', version ?? (wentBack ? current : (last?.name ?? current)), at, undefined, options);
    // Run again, or meant to go further back? Neither answer is safe to guess.
    if (version === undefined && last !== undefined && previous !== undefined) {
      const way = `to go back from ${current} as well, say so with \`version\`: ${previous}`;
      throw refused('revert', `${last.name} was reverted at ${last.revertedAt}; ${way}`, last.name);
    }
    if (previous === undefined || old === undefined) {
      throw refused('revert', 'there is nothing to go back to: no key is pending, and the old one is retired');
    }
    expectVersion('revert', options, previous);
    await this.#means.material.probeVersion('revert', previous, old, options);
    await this.#move('revert', previous, at, revertedTo(ring, previous, this.#now), options);
  }

  /** Writes what a step makes of the ring, or finds it done; the hooks are told either way. */
  async #move(
    step: string,
    version: string,
    at: ReadRing,
    next: NextRing | undefined,
    { signal }: StepOptions,
  ): Promise<void> {
    await this.#means.writer.done(
      step,
      version,
      next === undefined ? at : await this.#means.writer.write(at, next, signal),
    );
  }

  #isAhead(moment: string | undefined): boolean {
    return moment !== undefined && Date.parse(moment) > this.#now;
  }

  get #now(): number {
    return this.#means.options.clock.now();
  }
}

/** Holds a share of the clients to its range. */
export function checkPercent(name: string, percent: unknown): void {
  if (typeof percent !== 'number') throw invalidType(`\`${name}\` must be a number, got ${describeType(percent)}.`);
  if (percent >= 0 && percent <= 100) return;
  throw invalidRange(`\`${name}\` must be from 0 to 100, got ${String(percent)}.`);
}

function nothingPending(step: string, { ring }: ReadRing): RotationError {
  const pending = pendingOf(ring);
  if (pending === undefined) return refused(step, 'no key is pending: `stage` one first');
  return refused(step, `${pending} is still being minted: run \`stage\` again to finish it`, pending);
}
