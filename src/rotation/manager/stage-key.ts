import { checkOptionNames, conflict, isGoldKeyError, keyBytes, nodeCrypto } from '../../core/index.js';
import { type Cancelling, type Metadata } from './key-material.js';
import type { Means } from './means.js';
import type { ReadRing } from '../ring/read-ring.js';
import { expectVersion, refused } from './step-refused.js';
import { versionOf } from '../ring/document.js';
import { initial, intended, nextName, pendingOf, rejected, sealed, staged } from '../ring/transitions.js';
import { checkSignal, checkStep } from './options.js';
import type { KeyRingDocument, RingVersion, StepOptions } from '../ring/types.js';

type Key = string | Uint8Array | undefined;
type StageOptions = StepOptions & { metadata?: Metadata };

/** How often a refused key is written as rejected against others who write. */
const REJECTIONS = 5;

/** Brings keys into the ring: the first, and the one that is to follow. */
export class Staging {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  async init(key: Key, options: { metadata?: Metadata; signal?: AbortSignal | undefined }): Promise<string> {
    checkOptionNames('init', options, ['metadata', 'signal']);
    const { signal } = options;
    checkSignal(signal);
    const { name } = this.#means.options.source;
    // There is no ring yet to write an intent to: the id follows from the ring's name, so that a repeated call has it.
    const rotationId = key === undefined ? `${name}:v1` : undefined;
    let at = await this.#means.writer.find('init', signal);
    if (at === undefined) {
      at = await this.#withKey('init', key, rotationId, options, async (bytes, metadata) => {
        const version = await this.#sealed('init', 'current', bytes, metadata, rotationId, options);
        return this.#means.writer.write(undefined, initial(name, version), signal);
      });
    } else if (!(await this.#madeBefore(at, key, rotationId, options))) {
      throw refused('init', `the key ring \`${name}\` is there already; \`stage\` brings a new key into it`);
    }
    await this.#means.writer.done('init', 'v1', at);
    return 'v1';
  }

  async stage(key: Key, options: StageOptions): Promise<string> {
    checkStep('stage', options, ['metadata']);
    const startedAt = this.#means.options.clock.now();
    if (key === undefined && this.#means.options.generate === undefined) {
      throw refused('stage', 'it needs a key, or the manager a `generate` to mint one with');
    }
    const at = await this.#means.writer.start('stage', options);
    const { ring } = at;
    expectVersion('stage', options, ring.current);
    const before = pendingOf(ring);
    const held = versionOf(ring, before);
    if (before === undefined || held === undefined) return this.#stageAs(nextName(ring), at, key, undefined, options);

    const minted = key === undefined ? held.rotationId : undefined;
    if (minted !== undefined && held.ciphertext === undefined) return this.#stageAs(before, at, key, minted, options);
    if (minted !== undefined || (await this.#isHeld(before, held, key, options))) {
      return this.#stagedBefore(before, held, at, options);
    }
    if (options.force === true) return this.#stageAs(nextName(ring), at, key, undefined, options);
    // It came while this call was under way: that is a race lost, not a key overlooked.
    if (Date.parse(held.createdAt) > startedAt) {
      throw conflict(this.#means.options.source.store.name, ring.revision - 1, ring.revision);
    }
    throw refused('stage', `${before} is pending: promote or revert it first, or use \`force\` to reject it`, before);
  }

  /** Writes the key as the version `name`; one that is minted only after an intent was written, if there is none yet. */
  async #stageAs(
    name: string,
    from: ReadRing,
    key: Key,
    intent: string | undefined,
    options: StageOptions,
  ): Promise<string> {
    const rotationId = key === undefined ? (intent ?? nodeCrypto().randomUUID()) : undefined;
    let at = from;
    if (rotationId !== undefined && intent === undefined) at = await this.#intend(name, from, rotationId, options);
    await this.#withKey('stage', key, rotationId, options, async (bytes, metadata) => {
      const version = await this.#sealed('stage', 'pending', bytes, metadata, rotationId, options);
      const next = staged(at.ring, name, version, this.#means.options.clock.now());
      const written = await this.#means.writer.write(at, next, options.signal);
      await this.#try(name, bytes, written, options);
      await this.#means.writer.done('stage', name, written);
    });
    return name;
  }

  async #intend(name: string, from: ReadRing, rotationId: string, options: StageOptions): Promise<ReadRing> {
    const { cipher, binding } = this.#means.material;
    const before = pendingOf(from.ring);
    const cleared = before === undefined ? from.ring : rejected(from.ring, before);
    const intent = intended(cleared, name, { cipher, binding, now: this.#means.options.clock.now(), rotationId });
    return this.#means.writer.again('stage', await this.#means.writer.write(from, intent, options.signal), options);
  }

  /** A staged key that this call would stage once more: only the probe may not have been reached. */
  async #stagedBefore(name: string, held: RingVersion, at: ReadRing, options: StageOptions): Promise<string> {
    const bytes = await this.#means.material.open(name, held, options.signal);
    try {
      await this.#try(name, bytes, at, options);
    } finally {
      bytes.fill(0);
    }
    await this.#means.writer.done('stage', name, at);
    return name;
  }

  /** Probes a staged key. One that is refused is left rejected. */
  async #try(name: string, bytes: Uint8Array, written: ReadRing, options: StageOptions): Promise<void> {
    try {
      await this.#means.material.probe('stage', name, bytes, options);
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      const at = await this.#reject(name, written.ring, options);
      if (at !== undefined) await this.#means.writer.done('stage', name, at);
      throw error;
    }
  }

  /** Whatever else was changed while the probe was asked: a key that it refused must not stay on trial. */
  async #reject(name: string, { revision }: KeyRingDocument, options: StageOptions): Promise<ReadRing | undefined> {
    for (let tried = 1; ; tried++) {
      const at = await this.#means.writer.start('stage', { signal: options.signal });
      const { state } = versionOf(at.ring, name) ?? {};
      if (state === 'rejected') return undefined;
      if (state !== 'pending') throw conflict(this.#means.options.source.store.name, revision, at.ring.revision);
      try {
        return await this.#means.writer.write(at, rejected(at.ring, name), options.signal);
      } catch (error) {
        if (tried === REJECTIONS || !isGoldKeyError(error, 'ERR_GOLDKEY_RING_CONFLICT')) throw error;
      }
    }
  }

  async #sealed(
    step: string,
    state: 'pending' | 'current',
    bytes: Uint8Array,
    metadata: Metadata,
    rotationId: string | undefined,
    options: Cancelling,
  ): Promise<RingVersion> {
    const encrypted = await this.#means.material.seal(step, bytes, options);
    const { cipher, binding } = this.#means.material;
    return sealed(state, encrypted, { cipher, binding, now: this.#means.options.clock.now(), metadata, rotationId });
  }

  /** Lends the key's bytes, given or minted, to `use`, and zeroes them. */
  async #withKey<T>(
    step: string,
    key: Key,
    rotationId: string | undefined,
    options: { metadata?: Metadata; signal?: AbortSignal | undefined },
    use: (bytes: Uint8Array, metadata: Metadata) => Promise<T>,
  ): Promise<T> {
    const minted = key === undefined ? await this.#means.material.mint(step, rotationId ?? '', options) : undefined;
    const bytes = minted?.key ?? keyBytes(key);
    try {
      // Each by itself: a spread would make an object of anything.
      for (const given of [options.metadata, minted?.metadata]) this.#means.material.checkMetadata(step, bytes, given);
      const notes = minted?.metadata === undefined ? options.metadata : { ...options.metadata, ...minted.metadata };
      return await use(bytes, notes);
    } finally {
      bytes.fill(0);
    }
  }

  async #isHeld(name: string, version: RingVersion, key: Key, options: Cancelling): Promise<boolean> {
    if (key === undefined) return false;
    const bytes = keyBytes(key);
    return this.#means.material.holds(name, version, bytes, options).finally(() => bytes.fill(0));
  }

  /** Whether the ring is what this very `init` has made: a repeated one has nothing left to do. */
  async #madeBefore(
    { ring }: ReadRing,
    key: Key,
    rotationId: string | undefined,
    options: Cancelling,
  ): Promise<boolean> {
    const first = versionOf(ring, 'v1');
    if (first?.state !== 'current' || Object.keys(ring.versions).length > 1) return false;
    return rotationId === undefined ? this.#isHeld('v1', first, key, options) : first.rotationId === rotationId;
  }
}
