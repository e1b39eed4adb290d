import { randomOf } from '../../proof/lib/dice.mjs';

/** Random choices that come again with the same seed. */
export class Random {
  readonly #draw: () => number;

  constructor(seed: number) {
    this.#draw = randomOf(seed);
  }

  /** Returns an integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.#draw() * limit);
  }

  /** Returns true once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Returns the seed of one target in a run: its inputs do not depend on which other targets run. */
export function deriveSeed(seed: number, name: string): number {
  return (
    [...name].reduce((mixed, letter) => Math.imul(mixed, 31) + letter.charCodeAt(0), Math.trunc(seed) % 2 ** 32) >>> 0
  );
}
