import type { Clock } from '../core/index.js';
import type { ReplayStore } from './types.js';

/** Number of messages that are remembered. */
const MAX_IDS = 100_000;
/** Shortest interval between two searches for what may be forgotten, in ms. */
const SWEEP_MS = 1_000;

/**
 * Remembers messages in this process. When it is full it refuses: to forget the oldest would let whoever sends many have one
 * accepted twice. Only genuine messages get in.
 */
export class MemoryReplayStore implements ReplayStore {
  readonly #clock: Clock;
  readonly #max: number;
  /** When each may be forgotten, in epoch ms. */
  readonly #ids = new Map<string, number>();
  #sweptAt = -Infinity;

  constructor(clock: Clock, max: number = MAX_IDS) {
    this.#clock = clock;
    this.#max = max;
  }

  add(id: string, expiresAt: number): boolean {
    const known = this.#ids.get(id);
    if (known !== undefined && this.#clock.now() < known) return false;
    if (this.#ids.size >= this.#max) this.#sweep();
    if (this.#ids.size >= this.#max) return false;
    this.#ids.set(id, expiresAt);
    return true;
  }

  #sweep(): void {
    const monotonic = this.#clock.monotonic();
    if (monotonic < this.#sweptAt + SWEEP_MS) return;
    this.#sweptAt = monotonic;
    const now = this.#clock.now();
    for (const [id, expiresAt] of this.#ids) if (expiresAt <= now) this.#ids.delete(id);
  }
}
