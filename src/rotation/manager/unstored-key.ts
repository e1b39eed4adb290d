import { copyBytes } from '../../core/index.js';
import type { RingVersion } from '../ring/types.js';

/** The checked answer of `generate`. */
export interface MintedBytes extends Pick<RingVersion, 'metadata'> {
  readonly key: Uint8Array;
}

/**
 * The key that was minted last, until a ring holds it. If it cannot be stored, the next run of the step takes it from here:
 * `generate` might mint another one. It is zeroed once it is stored or no longer wanted.
 */
export class UnstoredKey {
  #rotationId: string | undefined;
  #minted: MintedBytes | undefined;

  /** Returns a copy of the key of `rotationId`, if it is kept here. */
  copy(rotationId: string): MintedBytes | undefined {
    const minted = this.#rotationId === rotationId ? this.#minted : undefined;
    return minted && { ...minted, key: copyBytes(minted.key) };
  }

  keep(rotationId: string, minted: MintedBytes): void {
    this.forget();
    this.#rotationId = rotationId;
    this.#minted = { ...minted, key: copyBytes(minted.key) };
  }

  /** Zeroes the key, unless it is that of `wanted`. */
  forget(wanted?: string): void {
    if (this.#minted === undefined || this.#rotationId === wanted) return;
    this.#minted.key.fill(0);
    this.#minted = undefined;
  }
}
