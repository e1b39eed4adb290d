import { invalidRange, invalidType, kindOf } from '../core/index.js';
import { Unreadable, type Ask, type Reading } from './dialect.js';

/** By metal, the lowest and highest price per troy ounce. */
export type Bounds = ReadonlyMap<string, readonly [min: number, max: number]>;

// Wide enough for any market, narrow enough that a price the wrong way round, per gram or per kilogram of another
// metal does not pass. In USD.
const DOLLARS: Bounds = new Map([
  ['XAU', [200, 50_000]],
  ['XAG', [2, 2_000]],
  ['XPT', [100, 20_000]],
  ['XPD', [50, 20_000]],
  ['XRH', [100, 100_000]],
] as const);

const AHEAD_MS = 300_000;

/** The `bounds` option, copied and checked. */
export function checkBounds(bounds: unknown): Bounds {
  if (bounds === undefined) return new Map();
  if (typeof bounds !== 'object' || bounds === null || Array.isArray(bounds)) {
    throw invalidType(`\`bounds\` must be an object of [min, max] by metal, got ${kindOf(bounds)}.`);
  }
  const checked = new Map<string, readonly [number, number]>();
  for (const [metal, pair] of Object.entries(bounds as Record<string, unknown>)) {
    const [min, max] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
    if (typeof min !== 'number' || typeof max !== 'number' || !(min >= 0 && min < max)) {
      throw invalidRange(`\`bounds.${metal}\` must be [min, max], two numbers from 0, the first below the second.`);
    }
    checked.set(metal, [min, max]);
  }
  return checked;
}

/** What {@link plausibility} goes by. */
export interface Limits {
  readonly currency: string;
  readonly bounds: Bounds;
  readonly maxAge: number | undefined;
  readonly maxChange: number | undefined;
}

/**
 * Makes the check every reading passes before it becomes a quote. It fails closed: a price that is out of its limits is
 * refused, never corrected, because a correction that is wrong for one base or metal passes silently.
 */
export function plausibility(limits: Limits): (reading: Reading, ask: Ask) => void {
  const accepted = new Map<string, number>();

  return (reading, ask) => {
    const { price, timestamp } = reading;
    if (!Number.isFinite(price) || price <= 0) throw refused(ask, 'is not a number above zero');
    withinBounds(limits, reading, ask);
    if (limits.maxAge !== undefined) {
      const age = timestamp === undefined ? undefined : Date.now() - timestamp;
      if (age === undefined) throw refused(ask, 'has no time, and `maxAge` is set');
      if (age > limits.maxAge) throw refused(ask, 'is older than `maxAge`');
      if (age < -AHEAD_MS) throw refused(ask, 'has a time ahead of this clock');
    }
    if (limits.maxChange === undefined) return;
    const pair = `${ask.metal}/${ask.currency}`;
    const last = accepted.get(pair);
    if (last !== undefined && Math.abs(price / last - 1) > limits.maxChange) {
      throw refused(ask, 'differs from the last one by more than `maxChange`');
    }
    accepted.set(pair, price);
  };
}

function withinBounds(limits: Limits, reading: Reading, ask: Ask): void {
  const given = ask.currency === limits.currency ? limits.bounds.get(ask.metal) : undefined;
  if (given === undefined && reading.needsBounds === true) {
    throw refused(ask, `came for a base other than USD, which is safe only with \`bounds.${ask.metal}\` given`);
  }
  const bounds = given ?? DOLLARS.get(ask.metal);
  const price = given === undefined ? reading.usd : reading.price;
  if (bounds === undefined || price === undefined) return;
  if (price < bounds[0] || price > bounds[1]) {
    const unit = `${given === undefined ? 'USD' : ask.currency} per troy ounce`;
    throw refused(ask, `is outside ${String(bounds[0])} to ${String(bounds[1])} ${unit}`);
  }
}

function refused({ metal, currency }: Ask, why: string): Unreadable {
  return new Unreadable('implausible', `gave a price of \`${metal}\` in ${currency} that ${why}`);
}
