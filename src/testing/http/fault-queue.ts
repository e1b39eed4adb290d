import { describeType, invalidRange, invalidType } from '../../core/index.js';

/** The faults that a fake is to show, first in, first out. */
export class FaultQueue<F> {
  readonly #pending: { readonly fault: F; left: number }[] = [];

  /** Queues a fault for the next `times` requests that it fits. */
  add(fault: F, times: number): void {
    this.#pending.push({ fault, left: times });
  }

  /** Returns the first fault that fits, and counts it as shown once. */
  take(fits: (fault: F) => boolean): F | undefined {
    const index = this.#pending.findIndex(({ fault }) => fits(fault));
    const found = this.#pending[index];
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#pending.splice(index, 1);
    return found.fault;
  }

  clear(): void {
    this.#pending.length = 0;
  }
}

/** Returns the name, or throws a `TypeError` that lists `names`. */
export function checkName<T extends string>(option: string, value: unknown, names: readonly T[]): T {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  const list = names.map((name) => `'${name}'`).join(', ');
  throw invalidType(`${option} must be one of ${list}, got ${describeType(value)}.`);
}

/** Returns how many requests a fault is for: a positive integer or `Infinity`, 1 by default. */
export function checkTimes(times: unknown): number {
  if (times === undefined) return 1;
  if (typeof times !== 'number') throw invalidType(`\`times\` must be a number, got ${describeType(times)}.`);
  if (times !== Infinity && (!Number.isInteger(times) || times < 1)) {
    throw invalidRange(`\`times\` must be a positive integer or Infinity, got ${describeType(times)}.`);
  }
  return times;
}
