import { conflict, nodeCrypto, RotationError } from '../../core/index.js';
import { notifyAll } from './notify.js';
import { readRing, type ReadRing } from '../ring/read-ring.js';
import type { CheckedRotation } from './options.js';
import type { KeyRingDocument, StepOptions } from '../ring/types.js';

/** Clocks differ; a version from further ahead than this was not made by a manager whose clock can be trusted. */
const AHEAD = 300_000;

/** A ring that a step makes of the one it read; revision and writeId are put in when it is written. */
export type NextRing = Omit<KeyRingDocument, 'revision' | 'writeId'>;

/** Reads and writes the ring for one manager. */
export class RingWriter {
  readonly #options: CheckedRotation;

  constructor(options: CheckedRotation) {
    this.#options = options;
  }

  /** The ring as a step finds it, if there is one. */
  async find(step: string, signal: AbortSignal | undefined): Promise<ReadRing | undefined> {
    const { source, clock } = this.#options;
    const found = await readRing(source, signal);
    for (const [name, { createdAt }] of Object.entries(found?.ring.versions ?? {})) {
      const made = Date.parse(createdAt);
      if (made - clock.now() <= AHEAD) continue;
      const why = Number.isNaN(made) ? 'no ISO 8601 time' : 'more than 5 minutes ahead of this clock';
      throw new RotationError(
        `\`versions.${name}.createdAt\` of the key ring \`${source.name}\` is ${why}; check the clocks before \`${step}\`.`,
        { step, provider: source.store.name, version: name },
      );
    }
    return found;
  }

  /** The ring that a step starts from, at the revision that it was decided on. */
  async start(step: string, options: StepOptions): Promise<ReadRing> {
    const { source } = this.#options;
    const found = await this.find(step, options.signal);
    if (found === undefined) {
      throw new RotationError(`There is no key ring \`${source.name}\` yet: \`init\` makes it.`, {
        step,
        provider: source.store.name,
      });
    }
    const { revision } = found.ring;
    if (options.revision !== undefined && options.revision !== revision) {
      throw conflict(source.store.name, options.revision, revision);
    }
    return found;
  }

  /**
   * Writes what a step made of `from`. A write whose answer was lost is recognised by its `writeId`: it is done, also
   * when the store answers a repeated one with a conflict.
   */
  async write(from: ReadRing | undefined, next: NextRing, signal: AbortSignal | undefined): Promise<ReadRing> {
    const { source } = this.#options;
    const expected = from?.ring.revision ?? 0;
    const ring = { ...next, revision: expected + 1, writeId: nodeCrypto().randomUUID() };
    try {
      await source.store.write(ring, { revision: expected, token: from?.token }, { signal });
    } catch (error) {
      const stored = await readRing(source, undefined).catch(() => undefined);
      if (stored?.ring.writeId !== ring.writeId) throw error;
      return stored;
    }
    // Not the token handed in: the store has given the new ring one of its own.
    return { ring, token: undefined };
  }

  /** The ring that was just written, with what the store wants back for the next write. */
  async again(step: string, written: ReadRing, { signal }: StepOptions): Promise<ReadRing> {
    const found = await this.find(step, signal);
    if (found?.ring.writeId === written.ring.writeId) return found;
    throw conflict(this.#options.source.store.name, written.ring.revision, found?.ring.revision ?? 0);
  }

  /** Tells the hooks of a step that is done, now or before. */
  async done(step: string, version: string, { ring }: ReadRing): Promise<void> {
    const { source, notify, clock } = this.#options;
    await notifyAll(notify, { ring: source.name, step, version, revision: ring.revision }, clock);
  }
}
