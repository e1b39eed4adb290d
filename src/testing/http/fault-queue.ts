import { invalidRange, invalidType, describeType } from '../../core/index.js';

interface Pending<D> {
  readonly detail: D;
  left: number;
}

/** The faults a fake has been told to show, first in, first out. */
export class FaultQueue<D> {
  readonly #pending: Pending<D>[] = [];

  /** Queues a fault for the next `times` requests it fits. */
  add(detail: D, times: number): void {
    this.#pending.push({ detail, left: times });
  }

  /** The first fault that fits, used up by one. */
  take(fits: (detail: D) => boolean): D | undefined {
    const index = this.#pending.findIndex(({ detail }) => fits(detail));
    const found = this.#pending[index];
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#pending.splice(index, 1);
    return found.detail;
  }

  clear(): void {
    this.#pending.length = 0;
  }
}

/** One of `names`, or a `TypeError` that lists them. */
export function oneOf<T extends string>(option: string, value: unknown, names: readonly T[]): T {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw invalidType(
    `${option} must be one of ${names.map((name) => `'${name}'`).join(', ')}, got ${describeType(value)}.`,
  );
}

/** How many requests a fault is for: a positive integer or `Infinity`. */
export function checkTimes(times: unknown): number {
  if (times === undefined) return 1;
  if (typeof times !== 'number') throw invalidType(`\`times\` must be a number, got ${describeType(times)}.`);
  if (times !== Infinity && (!Number.isInteger(times) || times < 1)) {
    throw invalidRange(`\`times\` must be a positive integer or Infinity, got ${String(times)}.`);
  }
  return times;
}
