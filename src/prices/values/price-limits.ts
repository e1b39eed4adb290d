import { invalidRange, invalidType, describeType } from '../../core/index.js';
import { Unreadable, type Ask, type Reading } from '../adapter/types.js';
import { isSymbol } from '../adapter/metals.js';
import { Steps } from './price-jumps.js';

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

const LONDON = 'LBMA-';
const AHEAD_MS = 300_000;
/** The dearest and the cheapest currency there is, in dollars: where nobody says what a dollar is worth in one. */
const DEAREST = 4;
const CHEAPEST = 1 / 200_000;
/** Where a metal has no limits: beyond these a price in another unit could round to nothing or to no number. */
const LEAST = 1e-15;
const MOST = 1e15;
/** A bid or ask of another unit or direction is further from its price than this factor. */
const SPREAD = 2;

/** The `bounds` option, copied and checked. */
export function checkBounds(bounds: unknown): Bounds {
  if (bounds === undefined) return new Map();
  if (typeof bounds !== 'object' || bounds === null || Array.isArray(bounds)) {
    throw invalidType(`\`bounds\` must be an object of [min, max] by metal, got ${describeType(bounds)}.`);
  }
  const checked = new Map<string, readonly [number, number]>();
  for (const [metal, pair] of Object.entries(bounds as Record<string, unknown>)) {
    if (!isSymbol(metal)) throw invalidRange(`\`bounds\` goes by symbols of metals, e.g. \`XAU\`, got \`${metal}\`.`);
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

/** What every reading passes before it becomes a quote. */
export interface Plausibility {
  /** Throws an {@link Unreadable} for a reading that cannot be right. */
  check(reading: Reading, ask: Ask): void;
  /** Takes a reading for the last good one: only when all that was asked for together has passed. */
  accept(reading: Reading, ask: Ask): void;
}

/**
 * Makes the checks. They fail closed: a price that is out of its limits is refused, never corrected, because a correction
 * that is wrong for one base or metal passes silently.
 */
export function plausibility(limits: Limits): Plausibility {
  const steps = limits.maxChange === undefined ? undefined : new Steps(limits.maxChange);

  return {
    check(reading, ask) {
      aboveZero(reading, ask);
      inTime(limits.maxAge, reading, ask);
      withinBounds(limits, reading, ask);
      aroundPrice(reading, ask);
      if (steps?.allows(pairOf(ask), reading.price) === false) {
        throw refused(ask, 'differs from the last one by more than `maxChange`');
      }
    },
    accept(reading, ask) {
      steps?.accept(pairOf(ask), reading.price);
    },
  };
}

function pairOf({ metal, currency }: Ask): string {
  return `${metal}/${currency}`;
}

function aboveZero({ price, bid, ask: offer }: Reading, ask: Ask): void {
  for (const value of [price, bid ?? price, offer ?? price]) {
    if (!Number.isFinite(value) || value <= 0) throw refused(ask, 'is not a number above zero');
    if (value < LEAST || value > MOST) throw refused(ask, 'is too small or too large for any currency');
  }
}

function inTime(maxAge: number | undefined, { timestamp }: Reading, ask: Ask): void {
  const age = timestamp === undefined ? undefined : Date.now() - timestamp;
  if (age !== undefined && age < -AHEAD_MS) throw refused(ask, 'has a time ahead of this clock');
  if (maxAge === undefined) return;
  if (age === undefined) throw refused(ask, 'has no time, and `maxAge` is set');
  if (age > maxAge) throw refused(ask, 'is older than `maxAge`');
}

function withinBounds(limits: Limits, reading: Reading, ask: Ask): void {
  const given = ask.currency === limits.currency ? limits.bounds.get(ask.metal) : undefined;
  if (given === undefined && reading.needsBounds === true) {
    throw refused(ask, `came for a base other than USD, which is safe only with \`bounds.${ask.metal}\` given`);
  }
  const dollars = DOLLARS.get(metalOf(ask));
  const usd = ask.currency === 'USD' ? reading.price : reading.usd;
  if (given !== undefined) within(given, reading.price, ask, ask.currency);
  else if (dollars === undefined) return;
  else if (usd !== undefined) within(dollars, usd, ask, 'USD');
  else within([dollars[0] / DEAREST, dollars[1] / CHEAPEST], reading.price, ask, ask.currency);
}

/** The fixings of the London market are of the same metals: `LBMA-XAU` is gold. */
function metalOf({ metal }: Ask): string {
  return metal.startsWith(LONDON) ? metal.slice(LONDON.length, LONDON.length + 3) : metal;
}

function within([min, max]: readonly [number, number], price: number, ask: Ask, currency: string): void {
  if (price >= min && price <= max) return;
  throw refused(ask, `is outside ${String(min)} to ${String(max)} ${currency} per troy ounce`);
}

function aroundPrice({ price, bid = price, ask: offer = price }: Reading, ask: Ask): void {
  if (bid > offer || bid > price * SPREAD || offer < price / SPREAD) {
    throw refused(ask, 'does not stand between its bid and its ask');
  }
}

function refused({ metal, currency }: Ask, why: string): Unreadable {
  return new Unreadable('implausible', `gave a price of \`${metal}\` in ${currency} that ${why}`);
}
